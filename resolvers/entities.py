"""The one way from an object's identity to the object, for `node`, `nodes` and federation's `_entities`: scoped like
every other read.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from domain.model import (
    Customer,
    CustomerId,
    Invoice,
    InvoiceId,
    Order,
    OrderId,
    Return,
    ReturnId,
    Shipment,
    ShipmentId,
)
from resolvers import nodes, visible
from resolvers.context import Context

Entity: TypeAlias = Order | Shipment | Invoice | Return | Customer


@dataclass(frozen=True, slots=True)
class Kind:
    """How objects of one type are read, and the scope without which they do not exist for the caller. ``key``: the
    field that holds the local id.
    """

    read: Callable[[Context, str], Awaitable[Entity | None]]
    scope: str
    key: str | None


KINDS: Mapping[str, Kind] = {
    "Order": Kind(lambda c, key: visible.order(c, OrderId(key)), "order:read", "number"),
    "Shipment": Kind(lambda c, key: visible.shipment(c, ShipmentId(key)), "order:read", None),
    "Invoice": Kind(lambda c, key: visible.invoice(c, InvoiceId(key)), "invoice:read", "number"),
    "Return": Kind(lambda c, key: visible.return_(c, ReturnId(key)), "return:read", "rmaNumber"),
    "Customer": Kind(lambda c, key: visible.customer(c, CustomerId(key)), "order:read", "number"),
}


async def node(context: Context, global_id: str) -> Entity | None:
    """The object behind a global id; None for what is missing, invisible or not an id at all."""
    found = nodes.decode(global_id)
    return await _read(context, *found) if found else None


async def reference(context: Context, representation: Mapping[str, object]) -> Entity | None:
    """The object a federation representation points at, by global id or by its business number."""
    name = representation.get("__typename")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None or not isinstance(name, str):
        return None
    global_id = representation.get("id")
    local = nodes.local_id(name, global_id) if isinstance(global_id, str) else representation.get(kind.key or "")
    return await _read(context, name, local) if isinstance(local, str) else None


async def _read(context: Context, name: str, local: str) -> Entity | None:
    kind = KINDS.get(name)
    if kind is None or not context.caller.may(kind.scope):
        return None
    return await kind.read(context, local)
