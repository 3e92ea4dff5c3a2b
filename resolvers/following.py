"""What a subscriber is told of the log of changes: what they asked for, may see at that moment, and may read."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.access import Visibility
from domain.changes import Change, Logged
from domain.errors import BadInput, SourceError
from domain.events import Subject
from domain.model import (
    Customer,
    CustomerId,
    Invoice,
    InvoiceId,
    Order,
    Return,
    ReturnId,
    Shipment,
    ShipmentId,
)
from domain.timeline import TimelineEvent, TimelineKind
from resolvers import changes, nodes, visible
from resolvers.changes import Listener
from resolvers.context import Context

SUBJECT_SCOPES: Mapping[Subject, str] = {Subject.INVOICE: "invoice:read", Subject.RETURN: "return:read"}
"""What a caller must hold to be told of a change at all, beyond the scope of the subscription."""

STORY_SCOPES: Mapping[TimelineKind, str] = {
    TimelineKind.INVOICED: "invoice:read",
    TimelineKind.INVOICE_ADJUSTED: "invoice:read",
    TimelineKind.RETURN_REQUESTED: "return:read",
}
"""The same for an event of the timeline."""

KINDS: Mapping[Subject, str] = {
    Subject.ORDER: "Order",
    Subject.SHIPMENT: "Shipment",
    Subject.INVOICE: "Invoice",
    Subject.RETURN: "Return",
    Subject.CUSTOMER: "Customer",
}
"""What the log tells of, by the kinds of global ids."""

OF_AN_ORDER = frozenset((Subject.ORDER, Subject.INVOICE, Subject.RETURN))
"""What an order's follower is told of. Whatever moves a shipment is told of its order too."""


@dataclass(frozen=True, slots=True)
class Happening:
    """A change as one caller is told of it. ``missed``: there were others before it that cannot be told any more."""

    change: Change
    cursor: str
    events: tuple[TimelineEvent, ...]
    missed: bool

    @property
    def at(self) -> datetime:
        return self.change.at

    @property
    def kind(self) -> Subject:
        return self.change.subject

    @property
    def before(self) -> str | None:
        return self.change.before

    @property
    def after(self) -> str | None:
        return self.change.after


Wanted: TypeAlias = Callable[[Change], bool]
Confirm: TypeAlias = Callable[[Context, Change], Awaitable[bool]]


class Following:
    """The happenings that ``wanted`` picks, as they come. ``confirm`` decides where a change alone does not tell.

    Raises SourceError when nobody can say what the caller may see: better no word than one too many.
    """

    def __init__(self, context: Context, listener: Listener, wanted: Wanted, confirm: Confirm | None = None) -> None:
        self._context = context
        self._listener = listener
        self._wanted = wanted
        self._confirm = confirm
        self._pending: deque[Logged] = deque()
        self._missed = False

    def __aiter__(self) -> "Following":
        return self

    async def __anext__(self) -> Happening:
        scope: Visibility | None = None
        while True:
            if not self._pending:
                batch = await self._listener.take()
                if batch is None:
                    raise StopAsyncIteration
                self._missed |= batch.missed
                self._pending.extend(batch.entries)
                scope = None
            logged = self._pending.popleft()
            told = self._told(logged) if self._wanted(logged.change) else None
            if told is None:
                continue
            scope = scope or await self._visibility()
            if _sees(scope, told.change) and await self._confirmed(told.change):
                self._missed = False
                return told

    async def aclose(self) -> None:
        self._listener.close()

    def _told(self, logged: Logged) -> Happening | None:
        """The change as far as the caller's scopes let them read it; None when that leaves nothing."""
        caller, change = self._context.caller, logged.change
        if change.subject in SUBJECT_SCOPES and not caller.may(SUBJECT_SCOPES[change.subject]):
            return None
        events = tuple(
            event for event in change.story if event.kind not in STORY_SCOPES or caller.may(STORY_SCOPES[event.kind])
        )
        if change.story and not events and change.before == change.after:
            return None
        cursor = changes.cursor(self._context.policy.seal, caller, logged.position)
        return Happening(change, cursor, events, self._missed)

    async def _visibility(self) -> Visibility:
        fresh = self._context.anew()
        try:
            return await fresh.visibility()
        finally:
            fresh.close()

    async def _confirmed(self, change: Change) -> bool:
        if self._confirm is None:
            return True
        fresh = self._context.anew()
        try:
            return await self._confirm(fresh, change)
        finally:
            fresh.close()


def _sees(scope: Visibility, change: Change) -> bool:
    """An account has no ship-to of its own; everything else is seen where it goes."""
    if change.subject is Subject.CUSTOMER:
        return scope.sees(change.customer_id)
    return scope.sees_at(change.customer_id, change.ship_to_id)


# -- what can be followed ----------------------------------------------------------------------------------------------


async def order(context: Context, *, id: str | None, number: str | None, after: str | None) -> Following:
    """One order by exactly one of its names. One that the caller may not see is followed in silence, like none."""
    name, value = nodes.exactly_one(id=id, number=number)
    sought = nodes.local_id("Order", value) if name == "id" else value

    def wanted(change: Change) -> bool:
        return sought is not None and change.order_id == sought and change.subject in OF_AN_ORDER

    return Following(context, await _listen(context, after), wanted)


async def shipment(context: Context, *, id: str | None, tracking_number: str | None, after: str | None) -> Following:
    """As ``order``; by a tracking number, every shipment that has it or comes to have it."""
    name, value = nodes.exactly_one(id=id, trackingNumber=tracking_number)
    if name == "id":
        sought = nodes.local_id("Shipment", value)
        return Following(
            context, await _listen(context, after), lambda each: each.subject is Subject.SHIPMENT and each.id == sought
        )
    known = await context.attempt(visible.shipments_by_tracking(context, value))
    found = set[str]() if isinstance(known, SourceError) else {str(each.id) for each in known}

    async def has_number(fresh: Context, change: Change) -> bool:
        if change.id not in found:
            seen = await visible.shipment(fresh, ShipmentId(change.id))
            if seen is None or value not in _numbers(seen):
                return False
            found.add(change.id)
        return True

    return Following(
        context, await _listen(context, after), lambda each: each.subject is Subject.SHIPMENT, confirm=has_number
    )


async def activity(context: Context, *, id: str | None, number: str | None, after: str | None) -> Following:
    """All that happens to one account, or to every account that the caller may see."""
    if id is None and number is None:
        return Following(context, await _listen(context, after), lambda each: each.subject in KINDS)
    name, value = nodes.exactly_one(id=id, number=number)
    sought = nodes.local_id("Customer", value) if name == "id" else value
    return Following(
        context, await _listen(context, after), lambda each: each.customer_id == sought and each.subject in KINDS
    )


async def _listen(context: Context, after: str | None) -> Listener:
    if context.changes is None:
        raise BadInput("Nothing is remembered here, so nothing can be followed.")
    position = None if after is None else changes.position(context.policy.seal, context.caller, after)
    return await context.changes.listen(position)


def _numbers(row: Shipment) -> frozenset[str | None]:
    """All it ever had, voided packages included."""
    return frozenset((row.pro_number, *(package.tracking_number for package in row.packages)))


# -- what a happening is about -----------------------------------------------------------------------------------------


async def order_of(context: Context, told: Happening) -> Order | None:
    return await visible.order(context, told.change.order_id) if told.change.order_id else None


async def shipment_of(context: Context, told: Happening) -> Shipment | None:
    return await visible.shipment(context, ShipmentId(told.change.id)) if told.kind is Subject.SHIPMENT else None


async def invoice_of(context: Context, told: Happening) -> Invoice | None:
    return await visible.invoice(context, InvoiceId(told.change.id)) if told.kind is Subject.INVOICE else None


async def return_of(context: Context, told: Happening) -> Return | None:
    return await visible.return_(context, ReturnId(told.change.id)) if told.kind is Subject.RETURN else None


async def customer_of(context: Context, told: Happening) -> Customer | None:
    return await visible.customer(context, CustomerId(told.change.customer_id))


def id_of(told: Happening) -> str:
    """The global id of what changed."""
    return nodes.encode(KINDS[told.kind], told.change.id)
