"""What only shows when everything configured is made once, before anything is served: told like a wrong setting."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from domain.errors import CrossdockError
from server import coexistence_settings
from server.environment import Misconfigured, Problem, variable
from server.memory_settings import SHARED
from server.sections import Source
from server.settings import Settings
from sources import registry
from sources.client import Client
from sources.codes import BadCodes
from sources.config import SourceConfig
from sources.observer import Silence
from sources.transport import Transport

Table = Mapping[str, Callable[[SourceConfig, Transport], Any]]


def check(settings: Settings) -> None:
    """Asks no source for anything. Raises Misconfigured with every problem found."""
    problems = list(_problems(settings))
    if problems:
        raise Misconfigured(problems)


def _problems(settings: Settings) -> Iterator[Problem]:
    yield from _unshared_secret(settings)
    yield from _unusable_codes(settings)
    yield from _made(("erp",), settings.erp, registry.ERPS)
    if following := settings.coexistence.erp:
        yield from _made(("coexistence", "erp"), following, registry.ERPS)
    yield from _made(("wms",), settings.wms, registry.WAREHOUSES)
    answering: dict[str, str] = {}
    for name, carrier in settings.carriers.items():
        path = ("carriers", name)
        if name in ("erp", "wms", coexistence_settings.NAME):
            yield Problem(variable(path), "is the name of another source; give the carrier another")
        yield from _made(path, carrier, registry.CARRIERS)
        for scac in sorted(getattr(registry.CARRIERS.get(carrier.kind), "scacs", ())):
            other = answering.setdefault(scac, name)
            if other != name:
                yield Problem(
                    variable(path), f"answers for {scac}, as {variable(('carriers', other))} does; remove one"
                )


def _unshared_secret(settings: Settings) -> Iterator[Problem]:
    """Memory that several replicas can share needs cursors that each of them can read."""
    if settings.store.url.startswith(SHARED) and "secret" not in settings.model_fields_set:
        yield Problem(variable(("secret",)), f"is not set; give {Settings.model_fields['secret'].description}")


def _unusable_codes(settings: Settings) -> Iterator[Problem]:
    try:
        settings.tables(settings.codes)
    except BadCodes as error:
        yield Problem(variable(("codes",)), str(error))


def _made(path: tuple[str, ...], source: Source, table: Table) -> Iterator[Problem]:
    adapter = table.get(source.kind)
    if adapter is None:
        yield Problem(variable((*path, "kind")), f"{source.kind!r} is no kind we know; give one of {', '.join(table)}")
        return
    config = source.config(path[-1])
    try:
        adapter(config, Transport(config, Client(), observer=Silence(), now=lambda: datetime.now(UTC)))
    except (ValueError, CrossdockError) as error:
        yield Problem(variable(path), str(error))
