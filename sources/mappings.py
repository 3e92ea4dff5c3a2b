"""What a record's foreign codes mean by other tables than those it was read with, without asking anybody anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from domain.dossier import Dossier, KeptShipment
from domain.model import (
    Lifecycle,
    Order,
    ReturnStatus,
    Shipment,
    ShipmentStatus,
    Tracking,
    WarehouseStage,
    WarehouseTask,
)
from domain.values import Code
from sources.codes import BadCodes, CodeTable
from sources.erp_soap.wire import Meaning

E = TypeVar("E", bound=StrEnum)

HERE: Final = Path(__file__).parent

Tables = Mapping[str, CodeTable[Any]]
"""By the source's name."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a kind of system's codes are; ``within``: by table, what its codes may mean, where
    that is not all of ``meanings``; ``by_account``: whether its records tell whose they are.
    """

    system: str
    folder: str
    meanings: type[Any]
    within: Mapping[str, type[StrEnum]] = field(default_factory=dict)
    by_account: bool = False


ORIGINS: Final[Mapping[tuple[str, str], Origin]] = {
    ("erp", "soap"): Origin(
        "erp", "erp_soap", Meaning, {"order_status": Lifecycle, "return_status": ReturnStatus}, by_account=True
    ),
    ("wms", "rest"): Origin("wms", "wms", WarehouseStage, by_account=True),
    **{
        ("carriers", kind): Origin(kind, f"carriers/{kind}", ShipmentStatus)
        for kind in ("ups", "fedex", "usps", "dhl", "x12_214")
    },
}
"""By the role in the settings and the kind of system."""


def read(sources: Mapping[str, tuple[str, str]], folder: Path | None) -> Tables:
    """The tables of sources, each by its name with its role and kind; ``folder``: what is laid over them.

    Raises ``BadCodes``, also for a file that is about none of them.
    """
    tables: dict[str, CodeTable[Any]] = {}
    for name, kind in sources.items():
        if (origin := ORIGINS.get(kind)) is not None:
            own = None if folder is None else folder / name
            if own and own.is_dir() and not origin.by_account:
                raise BadCodes(f"{name}/: a carrier's records tell no account; put its codes into {name}.tsv")
            tables[name] = CodeTable.read(origin.system, HERE / origin.folder / "codes.tsv", origin.meanings, own)
            for account, table in (("", tables[name]), *tables[name].customers.items()):
                _check_meanings(origin, f"{name}/{account}" if account else name, table)
    if folder is not None:
        for path in sorted(folder.iterdir()):
            if (path.suffix == ".tsv" or path.is_dir()) and not path.name.startswith(".") and path.stem not in tables:
                raise BadCodes(f"{path.name}: there is no source {path.stem!r}; there are {', '.join(sorted(tables))}")
    return tables


def _check_meanings(origin: Origin, file: str, table: CodeTable[Any]) -> None:
    for (name, code), (meaning, _) in table.entries.items():
        allowed = origin.within.get(name)
        if allowed is not None and meaning not in allowed.__members__:
            known = ", ".join(allowed.__members__)
            raise BadCodes(f"{file}.tsv: {name} {code} cannot mean {meaning}; give one of {known}")


def unknown(codes: Sequence[tuple[str, str, Code]], tables: Tables) -> Iterator[tuple[str, Code]]:
    """Of codes with the source and the account they came with, those that its table does not hold."""
    for source, account, code in codes:
        table = tables.get(source)
        if table is not None and not _translated(table, account, code).code.known:
            yield source, code


def codes_of(dossier: Dossier) -> Iterator[tuple[str, str, Code]]:
    """All codes in a dossier, each with its source and account."""
    account = dossier.order.customer_id if dossier.order else ""
    if dossier.order:
        yield dossier.order.source.system, account, dossier.order.status_code
        if dossier.order.hold:
            yield dossier.order.source.system, account, dossier.order.hold.code
    if dossier.worked:
        yield from ((dossier.worked.system, "", task.code) for task in dossier.tasks)
    for kept in dossier.shipments:
        yield kept.header.source.system, kept.header.customer_id, kept.header.stage_code
    for tracking in dossier.tracking:
        yield from ((tracking.source.system, "", event.code) for event in tracking.events)


def retold(dossier: Dossier, tables: Tables) -> Dossier:
    """The same facts, as if they had been read with ``tables``."""
    return replace(
        dossier,
        order=dossier.order and _order(dossier.order, tables),
        tasks=tuple(_task(task, dossier, tables) for task in dossier.tasks),
        shipments=tuple(_shipment(kept, tables) for kept in dossier.shipments),
        tracking=tuple(_tracking(tracking, tables) for tracking in dossier.tracking),
    )


def _order(order: Order, tables: Tables) -> Order:
    table = tables.get(order.source.system)
    if table is None:
        return order
    found = _translated(table, order.customer_id, order.status_code)
    hold = order.hold
    if hold:
        held = _translated(table, order.customer_id, hold.code)
        hold = replace(hold, code=held.code, message=held.message or hold.message)
    return replace(order, lifecycle=_one_of(Lifecycle, found.meaning), status_code=found.code, hold=hold)


def _task(task: WarehouseTask, dossier: Dossier, tables: Tables) -> WarehouseTask:
    table = tables.get(dossier.worked.system) if dossier.worked else None
    if table is None:
        return task
    found = _translated(table, "", task.code)
    return replace(task, kind=_one_of(WarehouseStage, found.meaning), code=found.code)


def _shipment(kept: KeptShipment, tables: Tables) -> KeptShipment:
    header: Shipment = kept.header
    table = tables.get(header.source.system)
    if table is None:
        return kept
    found = _translated(table, header.customer_id, header.stage_code)
    header = replace(header, stage=_one_of(WarehouseStage, found.meaning), stage_code=found.code)
    return replace(kept, header=header)


def _tracking(tracking: Tracking, tables: Tables) -> Tracking:
    table = tables.get(tracking.source.system)
    if table is None:
        return tracking
    events = []
    for event in tracking.events:
        found = _translated(table, "", event.code)
        status = _one_of(ShipmentStatus, found.meaning)
        events.append(replace(event, status=status, code=found.code, message=found.message or event.message))
    return replace(tracking, events=tuple(events))


def _translated(table: CodeTable[Any], account: str, code: Code) -> Any:
    return table.of(account).translate(code.table.partition("/")[2], code.raw, code.text)


def _one_of(enum: type[E], meaning: StrEnum | None) -> E:
    """The meaning as one of ``enum``; UNKNOWN for none."""
    return enum("UNKNOWN" if meaning is None else meaning.value)
