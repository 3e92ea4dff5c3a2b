"""Goes through everything an owner has, page by page, from any place where it stopped before."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Final, TypeAlias

import structlog

from domain.access import Visibility
from domain.errors import SourceError
from domain.events import Subject
from domain.model import CustomerId
from domain.queries import Cursor, CustomerQuery, OrderQuery, Page, RecordQuery
from sources.estate import Estate

log = structlog.get_logger("crossdock.paging")

LONGEST_PAUSE: Final = 60.0
"""Seconds between two tries of a page."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a walk has come: in which step, and after which row; as text "ORDER 2026-11-20T15:00:00+00:00 SO1"."""

    step: str
    after: Cursor | None = None

    def __str__(self) -> str:
        return f"{self.step} {self.after.at.isoformat()} {self.after.id}" if self.after else self.step

    @classmethod
    def read(cls, text: str) -> "Place":
        """Raises ValueError for what is no place's text."""
        step, space, rest = text.partition(" ")
        at, _, id_ = rest.partition(" ")
        return cls(step, Cursor(datetime.fromisoformat(at), id_) if space else None)


Turn: TypeAlias = Callable[[Estate, Visibility, Cursor | None, int], Awaitable[Page[Any]]]

PAGES: Mapping[Subject, Turn] = {
    Subject.CUSTOMER: lambda estate, scope, after, limit: estate.customer_page(
        CustomerQuery(scope, after=CustomerId(after.id) if after else None, limit=limit)
    ),
    Subject.ORDER: lambda estate, scope, after, limit: estate.order_page(
        OrderQuery(scope, after=after, limit=limit, amounts=True)
    ),
    Subject.INVOICE: lambda estate, scope, after, limit: estate.invoice_page(
        RecordQuery(scope, after=after, limit=limit)
    ),
    Subject.RETURN: lambda estate, scope, after, limit: estate.return_page(
        RecordQuery(scope, after=after, limit=limit)
    ),
    Subject.SHIPMENT: lambda estate, scope, after, limit: estate.shipment_page(
        RecordQuery(scope, after=after, limit=limit)
    ),
}
"""How each owner is asked for a page; orders, invoices, returns and shipments come newest first."""

NOWHEN: Final = datetime(1970, 1, 1, tzinfo=UTC)

SORTED_BY: Mapping[Subject, Callable[[Any], datetime]] = {
    Subject.CUSTOMER: lambda _: NOWHEN,
    Subject.ORDER: lambda order: order.placed_at.at,
    Subject.INVOICE: lambda invoice: datetime.combine(invoice.date, time(), UTC),
    Subject.RETURN: lambda rma: rma.requested_at.at,
    Subject.SHIPMENT: lambda shipment: shipment.created_at.at,
}


async def turn(
    estate: Estate, subject: Subject, scope: Visibility, after: Cursor | None, limit: int
) -> tuple[Sequence[Any], Cursor | None]:
    """The next page and where the one after it begins; None: this was the last. A source that fails is asked again
    until it answers, ever more seldom.
    """
    failures = 0
    while True:
        try:
            page = await PAGES[subject](estate, scope, after, limit)
        except SourceError as error:
            failures += 1
            log.warning("page not read", subject=subject, source=error.source, failures=failures, detail=str(error))
            await asyncio.sleep(min(LONGEST_PAUSE, 0.25 * 2 ** min(failures, 16)))
        else:
            last = page.rows[-1] if page.rows and page.more else None
            return page.rows, Cursor(SORTED_BY[subject](last), last.id) if last else None
