"""Which adapter speaks to which kind of system: one line each, and the estate they make together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from random import Random
from typing import Protocol, TypeVar

from domain.errors import SourceError
from sources.carriers.dhl.adapter import DhlCarrier
from sources.carriers.fedex.adapter import FedexCarrier
from sources.carriers.ups.adapter import UpsCarrier
from sources.carriers.usps.adapter import UspsCarrier
from sources.carriers.x12_214.adapter import X12Carrier
from sources.client import Client
from sources.coexistence import Coexistence
from sources.config import EstateConfig, SourceConfig
from sources.erp_soap.adapter import SoapErp
from sources.estate import Estate
from sources.observer import Observer
from sources.ports import CarrierSource, DocumentSource, ErpSource, ReturnsSource, WarehouseSource
from sources.shadow import Shadow
from sources.transport import Transport
from sources.wms.adapter import WmsWarehouse

T = TypeVar("T")

Adapter = Callable[[SourceConfig, Transport], T]


class BackOffice(ErpSource, ReturnsSource, DocumentSource, Protocol):
    """An ERP that owns returns and documents too."""

    async def warm(self) -> None:
        """Gets ready what the first caller should not wait for. Raises SourceError; whatever is asked later tries
        again.
        """
        ...


ERPS: Mapping[str, Adapter[BackOffice]] = {
    "soap": SoapErp,
}

WAREHOUSES: Mapping[str, Adapter[WarehouseSource]] = {
    "rest": WmsWarehouse,
}

CARRIERS: Mapping[str, Adapter[CarrierSource]] = {
    "ups": UpsCarrier,
    "fedex": FedexCarrier,
    "usps": UspsCarrier,
    "dhl": DhlCarrier,
    "x12_214": X12Carrier,
}


@asynccontextmanager
async def open_estate(
    config: EstateConfig,
    *,
    observer: Observer,
    now: Callable[[], datetime],
    carriers: Mapping[str, Adapter[CarrierSource]] = CARRIERS,
) -> AsyncIterator[Estate]:
    """The configured estate over one pool of connections, until left.

    ``carriers``: the table to find carriers' adapters in. Raises ValueError for an unknown kind, for two sources of one
    name, and for two carriers that answer for one SCAC.
    """
    following = config.following
    beside = (following.source,) if following else ()
    sources = (config.erp, *beside, config.wms, *(carrier for _, carrier in config.carriers))
    if len({source.name for source in sources}) < len(sources):
        raise ValueError(f"two sources share a name: {', '.join(sorted(source.name for source in sources))}")
    async with Client(sum(source.limits.concurrency for source in sources)) as pool:
        doors = {source.name: Transport(source, pool, observer=observer, now=now) for source in sources}
        erp = _find(ERPS, config.erp_kind, config.erp)(config.erp, doors[config.erp.name])
        erps, shadow = {config.erp.name: erp}, None
        told: ErpSource = erp
        if following:
            other = _find(ERPS, following.kind, following.source)(following.source, doors[following.source.name])
            erps[following.source.name] = other
            told = Coexistence(erp, other, following.waves, now=now, lifetimes=config.lifetimes)
            if following.shadow:
                shadow = _shadow(erps, following.shadow, now)
        wms = _find(WAREHOUSES, config.wms_kind, config.wms)(config.wms, doors[config.wms.name])
        holders: dict[str, object] = {**erps, config.wms.name: wms}
        by_scac: dict[str, CarrierSource] = {}
        for kind, source in config.carriers:
            carrier = _find(carriers, kind, source)(source, doors[source.name])
            if taken := sorted(carrier.scacs & by_scac.keys()):
                raise ValueError(f"{source.name}: another carrier answers for {', '.join(taken)} already")
            by_scac |= dict.fromkeys(carrier.scacs, carrier)
            holders[source.name] = carrier
        warming = asyncio.gather(*map(_warm, erps.values()))
        try:
            yield Estate(
                erp=told,
                returns=erp,
                warehouse=wms,
                carriers=by_scac,
                now=now,
                lifetimes=config.lifetimes,
                observer=observer,
                doors=tuple(doors.values()),
                documents={name: each for name, each in holders.items() if isinstance(each, DocumentSource)},
                pace=pool.pace,
                shadow=shadow,
            )
        finally:
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)


def _shadow(erps: Mapping[str, ErpSource], share: float, now: Callable[[], datetime]) -> Shadow:
    chance = Random()  # noqa: S311 (a sample, no secret)
    return Shadow(erps, lambda: chance.random() < share, now=now)


async def _warm(erp: BackOffice) -> None:
    with suppress(SourceError):
        await erp.warm()


def _find(table: Mapping[str, T], kind: str, source: SourceConfig) -> T:
    if kind not in table:
        raise ValueError(f"{source.name}: unknown kind {kind!r}; known are {', '.join(sorted(table))}")
    return table[kind]
