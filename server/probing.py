"""Asks every configured source one small question of each kind, and tells what is wrong and which setting mends it."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from domain.access import Visibility
from domain.errors import SourceError, SourceFault, SourceTimeout, SourceUnavailable
from domain.model import OrderId, TrackingKey
from domain.queries import CustomerQuery, OrderQuery, RecordQuery
from server.environment import variable
from server.sections import Source
from server.settings import Settings, role_and_name
from sources import registry
from sources.client import Client
from sources.observer import Silence
from sources.skeleton import NotMapped
from sources.transport import Transport

EVERYTHING: Final = Visibility(None)
NOBODYS: Final = "999999999999"
"""A number that nobody has given out; every carrier takes it for one of its own."""
REFUSED: Final = re.compile(r"HTTP (401|403)\b|credential|authenticat|unauthori[sz]ed|token:", re.IGNORECASE)
"""What an error says when it is not the answer but we who are not accepted."""
UNFIT: Final = re.compile(r"Unfit|has no |comes (once|often)| is .*, not ")
"""What the reason says when a WSDL is there and is not the one that the adapter was written for."""
MOST_TOLD: Final = 300
"""Characters of an error."""

Question = Callable[[Any], Awaitable[object]]

QUESTIONS: Final[Mapping[str, Mapping[str, Question]]] = {
    "erp": {
        "description": lambda erp: erp.warm(),
        "orders": lambda erp: erp.order_page(OrderQuery(EVERYTHING, limit=1, amounts=True)),
        "accounts": lambda erp: erp.customer_page(CustomerQuery(EVERYTHING, limit=1)),
        "invoices": lambda erp: erp.invoice_page(RecordQuery(EVERYTHING, limit=1)),
        "returns": lambda erp: erp.return_page(RecordQuery(EVERYTHING, limit=1)),
    },
    "wms": {
        "shipments": lambda wms: wms.shipment_page(RecordQuery(EVERYTHING, limit=1)),
        "work": lambda wms: wms.warehouse_orders([OrderId(NOBODYS)]),
    },
    "carriers": {
        "tracking": lambda carrier: carrier.tracking([TrackingKey(min(carrier.scacs), NOBODYS)]),
    },
}
"""By section of the settings. A real record is read where one can be had without knowing any: that tells its shape."""
TABLES: Final[Mapping[str, Mapping[str, Callable[..., Any]]]] = {
    "erp": registry.ERPS,
    "wms": registry.WAREHOUSES,
    "carriers": registry.CARRIERS,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """``wrong`` empty: it answers, lets us in, and says what was expected. ``seconds`` until that was known."""

    source: str
    kind: str
    at: str
    answered: Sequence[str]
    wrong: str
    seconds: float

    def __str__(self) -> str:
        word, outcome = ("FAILS", self.wrong) if self.wrong else ("ok", f"{', '.join(self.answered)} as expected")
        return f"{word:<6}{self.source} ({self.kind} at {self.at}): {outcome} ({self.seconds:.1f} s)"


async def probe(settings: Settings, deadline: float) -> Sequence[Finding]:
    """Every source at once, each within ``deadline`` seconds, tried once. What is found names no secret."""
    sources = list(settings.sources())
    async with Client(sum(source.limits.concurrency for _, source in sources)) as pool:
        return await asyncio.gather(*(_probed(path, source, pool, deadline) for path, source in sources))


async def _probed(path: Sequence[str], source: Source, pool: Client, deadline: float) -> Finding:
    began, answered, wrong = asyncio.get_running_loop().time(), list[str](), ""
    try:
        async with asyncio.timeout(deadline):
            await _asked(path, source, pool, answered)
    except TimeoutError:
        wrong = f"no answer within {deadline:g} s; see {_named(path, 'url')} and the network between"
    except SourceError as error:
        wrong = _explained(error, path, source)
    except KeyError:
        wrong = f"{source.kind!r} is no kind we know; see {_named(path, 'kind')}"
    except Exception as error:  # noqa: BLE001 (whatever a source makes an adapter do, the others are told of)
        wrong = f"{type(error).__name__}: {error}"[:MOST_TOLD] + f"; see {_named(path, 'kind')}"
    seconds = asyncio.get_running_loop().time() - began
    where = urlsplit(source.url)
    clean = _unsecret(" ".join(wrong.split()), source)
    return Finding(role_and_name(path)[1], source.kind, f"{where.scheme}://{where.netloc}", answered, clean, seconds)


async def _asked(path: Sequence[str], source: Source, pool: Client, answered: list[str]) -> None:
    """Each question in turn, so that the first that fails is told by itself."""
    role, name = role_and_name(path)
    config = source.config(name)
    config = replace(config, limits=replace(config.limits, attempts=1))
    transport = Transport(config, pool, observer=Silence(), now=lambda: datetime.now(UTC))
    adapter = TABLES[role][source.kind](config, transport)
    for question, ask in QUESTIONS[role].items():
        try:
            answer = await ask(adapter)
        except NotMapped:
            continue
        if isinstance(answer, Mapping):
            for error in answer.values():
                if isinstance(error, SourceError):
                    raise error
        answered.append(question)


def _explained(error: SourceError, path: Sequence[str], source: Source) -> str:
    said = (error.detail or error.public)[:MOST_TOLD]
    if isinstance(error, SourceTimeout):
        return (
            f"no answer in time ({said}); see {_named(path, 'url')}, or raise {_named((*path, 'limits'), 'deadline')}"
        )
    if REFUSED.search(said):
        return f"does not let us in ({said}); see {', '.join(_credentials(path, source))}"
    if isinstance(error, SourceUnavailable) and not UNFIT.search(said):
        return f"cannot be reached ({said}); see {_named(path, 'url')}"
    if isinstance(error, SourceFault) and "HTTP 404" in said:
        return f"is not there ({said}); see {_named(path, 'url')}"
    return (
        f"answers in another shape than expected ({said}); see {_named(path, 'kind')} and {_named(path, 'url')}, "
        "or its contract has changed"
    )


def _credentials(path: Sequence[str], source: Source) -> Iterator[str]:
    """Those that are given; where none is, those that may be."""
    names = ("username", "password", "client_id", "client_secret", "token_url")
    given = [name for name in names if getattr(source, name) is not None]
    return (_named(path, name) for name in given or names[:2])


def _unsecret(text: str, source: Source) -> str:
    for secret in (source.password, source.client_secret, source.webhook_secret):
        if secret and secret.get_secret_value():
            text = text.replace(secret.get_secret_value(), "**********")
    return text


def _named(path: Sequence[str], setting: str) -> str:
    return variable((*path, setting))
