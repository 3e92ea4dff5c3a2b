"""How lists are asked for: what narrows them, where a page begins, and whose rows may be in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from domain.access import Visibility
from domain.model import CustomerId, Lifecycle, OrderId
from domain.order_exceptions import ExceptionKind
from domain.order_status import OrderStatus

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A keyset position: the sort key of the last row seen, and its id as the tie-breaker."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows in order, and whether more follow."""

    rows: Sequence[T]
    more: bool


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Every condition given must hold. Times are aware, ``placed_after`` inclusive, ``placed_before`` exclusive.

    ``statuses``, ``exceptions`` and ``has_exception`` are derived, so only memory can answer them.
    """

    lifecycles: frozenset[Lifecycle] = frozenset()
    placed_after: datetime | None = None
    placed_before: datetime | None = None
    customer_ids: frozenset[CustomerId] = frozenset()
    ship_to_ids: frozenset[str] = frozenset()
    sku: str | None = None
    po_number: str | None = None
    statuses: frozenset[OrderStatus] = frozenset()
    exceptions: frozenset[ExceptionKind] = frozenset()
    has_exception: bool | None = None

    @property
    def derived(self) -> bool:
        """Whether it asks for what no source system can filter by."""
        return bool(self.statuses or self.exceptions or self.has_exception is not None)


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """A page of orders sorted by (placed_at, id), newest first unless ``ascending``. Of each, ``lines`` and ``amounts``
    only where they are wanted.
    """

    visibility: Visibility
    filter: OrderFilter = OrderFilter()
    after: Cursor | None = None
    limit: int = 20
    ascending: bool = False
    amounts: bool = False
    lines: bool = True


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """A page of records, newest first by (time, id): an invoice's date at 00:00 UTC, a return's requested_at, a
    shipment's created_at.
    """

    visibility: Visibility
    order_ids: frozenset[OrderId] = frozenset()
    customer_ids: frozenset[CustomerId] = frozenset()
    after: Cursor | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class CustomerQuery:
    """A page of accounts in number order. ``name``: a fragment of the name, any case; ``after``: the last number
    seen.
    """

    visibility: Visibility
    name: str | None = None
    after: CustomerId | None = None
    limit: int = 20
