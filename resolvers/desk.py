"""What operators do to memory: give dead letters another try, have memory compared, settle an order's exceptions."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

from domain.audit import Entry, Item
from domain.errors import BadInput
from domain.events import Fact, Resolved
from domain.model import OrderId
from resolvers import nodes, orders, visible
from resolvers.context import Context
from resolvers.orders import ATTENTION, Attention
from store.inbox import Letters
from store.runs import Run

LONGEST = 1000
"""Characters of a note."""

OFF = "Nothing is remembered here, so there is nothing to work on."


class Desk(Protocol):
    """How a running Crossdock does it."""

    async def replay(self, which: Letters, entry: Entry) -> int:
        """Lets dead letters be worked on anew, and records ``entry`` with it; how many."""
        ...

    async def reconcile(self, entry: Entry) -> Run:
        """Begins a comparison of memory with its owners, or joins the one under way."""
        ...

    async def tell(self, fact: Fact, entry: Entry) -> None:
        """Puts what somebody of the house says into the inbox."""
        ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """A reconciliation under way. ``joined``: it was already."""

    run_id: str
    began_at: datetime
    joined: bool


async def replay(
    context: Context, *, source: str | None, external_id: str | None, topic: str | None, reason: str | None
) -> int:
    """How many dead letters will be worked on anew; every condition given must hold."""
    letters = Letters(source, external_id, topic, reason)
    with context.audit.acting("replayDeadLetters", **asdict(letters)) as entry:
        return await _desk(context).replay(letters, entry)


async def reconcile(context: Context) -> Comparison:
    with context.audit.acting("reconcile") as entry:
        run = await _desk(context).reconcile(entry)
    return Comparison(run.id, run.began_at, run.began_at < context.now)


async def resolve(context: Context, *, id: str, note: str) -> Attention:
    """Settles an exception as it stands now. Raises BadInput where there is none of that id, or no note."""
    desk, said = _desk(context), note.strip()
    if not 0 < len(said) <= LONGEST:
        raise BadInput(f"Say in 1 to {LONGEST} characters what was done.")
    order_id = OrderId((nodes.local_id(ATTENTION, id) or "").partition("|")[0])
    order = await visible.order(context, order_id) if order_id else None
    found = await orders.exceptions(context, order) if order else ()
    one = next((each for each in found if each.id == id), None)
    if one is None:
        raise BadInput("There is no such exception any more.")
    by, told = context.caller.name or context.caller.subject, one.exception
    about = Item("Order", "ops:write", (order_id,), ("Order.exceptions",))
    with context.audit.acting("resolveException", about, id=id, note=said) as entry:
        await desk.tell(
            Resolved(order_id, told.kind, told.part, told.since, told.internal, said, by, context.now), entry
        )
    return one


def _desk(context: Context) -> Desk:
    if context.desk is None:
        raise BadInput(OFF)
    return context.desk
