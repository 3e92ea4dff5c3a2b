"""The simulated company whole: its accounts, items and orders, and what each of its systems knows at an instant."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from random import Random
from typing import Protocol, Self, TypeVar

from examples.distributor.clock import START
from examples.distributor.journeys import Journey
from examples.distributor.world import floor, ledger
from examples.distributor.world.accounts import BUYER, PERSONAS, Account, PersonaFacts, customers
from examples.distributor.world.erp import CreditMemoView, CustomerView, ErpOrderView, InvoiceView, RmaView
from examples.distributor.world.facts import OrderFacts
from examples.distributor.world.happenings import Happening, Happenings
from examples.distributor.world.items import Item, catalogue
from examples.distributor.world.itineraries import Consigned, Journeys
from examples.distributor.world.orderbook import Orderbook, orderbook
from examples.distributor.world.receivables import credit_memo_view, customer_view, invoice_view
from examples.distributor.world.remembered import Remembered
from examples.distributor.world.rmas import rma_view
from examples.distributor.world.warehouse import ShipmentView, WmsOrderView

SEED = 2026

MOVING = "moving"
MOVES_AFTER, ARRIVES_WITHIN = timedelta(hours=2), timedelta(days=3)
PARCEL_PUSHERS = frozenset({"UPSN", "FDEG", "FDE"})


class World:
    """Every view is a function of ``now`` (aware UTC), None what is not there yet."""

    def __init__(self, accounts: Mapping[str, Account], items: Mapping[str, Item], book: Orderbook) -> None:
        self.accounts = accounts
        self.items = items
        self.personas: Mapping[str, PersonaFacts] = PERSONAS
        self._book = book
        self._erp: Remembered[ErpOrderView] = Remembered(ledger.instants)
        self._wms: Remembered[WmsOrderView] = Remembered(floor.instants)

    @classmethod
    def build(cls, seed: int = SEED) -> Self:
        """Everything follows from the seed."""
        accounts, items = customers(Random(seed)), catalogue(Random(seed))
        return cls(accounts, items, orderbook(seed, accounts, items))

    # -- accounts -----------------------------------------------------------------------------------------------------

    @cached_property
    def territories(self) -> Mapping[str, tuple[str, ...]]:
        """Account numbers by sales territory."""
        return _grouped((account.territory, account.number) for account in self.accounts.values())

    @cached_property
    def _children(self) -> Mapping[str, tuple[str, ...]]:
        return _grouped((account.parent, account.number) for account in self.accounts.values() if account.parent)

    def children(self, account: str) -> tuple[str, ...]:
        return self._children.get(account, ())

    def descendants(self, account: str) -> frozenset[str]:
        """All accounts below, itself excluded."""
        children = self.children(account)
        return frozenset(children).union(*(self.descendants(child) for child in children))

    def customer(self, account: str, now: datetime) -> CustomerView | None:
        if account not in self.accounts:
            return None
        own = (self.orders[number] for number in self._orders_by_account.get(account, ()))
        return customer_view(self.accounts[account], own, now)

    # -- orders -------------------------------------------------------------------------------------------------------

    @property
    def orders(self) -> Mapping[str, OrderFacts]:
        """By number, in order of submission; some are submitted only after the clock's start."""
        return self._book.orders

    @cached_property
    def newest_first(self) -> tuple[OrderFacts, ...]:
        return tuple(reversed(self._book.orders.values()))

    @cached_property
    def examples(self) -> Mapping[str, str]:
        """By case, the number of an order of the buyer's accounts that shows it when the clock starts.

        "moving" shows nothing yet: it goes from release to delivery in the days that follow.
        """
        family = self.descendants(BUYER) | {BUYER}
        own = (order for order in self.orders.values() if order.account in family)
        return {**self._book.examples, MOVING: next(order.number for order in own if _moves(order))}

    @cached_property
    def cases(self) -> Mapping[str, tuple[str, ...]]:
        """By case, the numbers of all orders placed to show it."""
        return {name: tuple(numbers) for name, numbers in self._book.cases.items()}

    @cached_property
    def orders_by_po(self) -> Mapping[str, tuple[str, ...]]:
        return _grouped((order.po_number, order.number) for order in self.orders.values() if order.po_number)

    @cached_property
    def _orders_by_account(self) -> Mapping[str, tuple[str, ...]]:
        return _grouped((order.account, order.number) for order in self.orders.values())

    def erp_order(self, number: str, now: datetime) -> ErpOrderView | None:
        order = self.orders.get(number)
        if order is None:
            return None
        return self._erp.view(order, now, lambda: ledger.order_view(order, self.accounts[order.account], now))

    # -- receivables and returns --------------------------------------------------------------------------------------

    @cached_property
    def invoice_numbers(self) -> Mapping[str, str]:
        """Order number by invoice number."""
        return {invoice.number: order.number for order in self.orders.values() for invoice in order.invoices}

    @cached_property
    def credit_memo_numbers(self) -> Mapping[str, str]:
        """Order number by credit memo number."""
        return {credit.number: order.number for order in self.orders.values() for credit in order.credit_memos}

    @cached_property
    def rma_numbers(self) -> Mapping[str, str]:
        """Order number by RMA number."""
        return {rma.number: order.number for order in self.orders.values() for rma in order.rmas}

    def invoice(self, number: str, now: datetime) -> InvoiceView | None:
        return _named(number, self.invoices_of(self.invoice_numbers.get(number, ""), now))

    def credit_memo(self, number: str, now: datetime) -> CreditMemoView | None:
        return _named(number, self.credit_memos_of(self.credit_memo_numbers.get(number, ""), now))

    def rma(self, number: str, now: datetime) -> RmaView | None:
        return _named(number, self.rmas_of(self.rma_numbers.get(number, ""), now))

    def invoices_of(self, order_number: str, now: datetime) -> tuple[InvoiceView, ...]:
        return tuple(
            view
            for order in self._one(order_number)
            for invoice in order.invoices
            if (view := invoice_view(order, self.accounts[order.account], invoice, now))
        )

    def credit_memos_of(self, order_number: str, now: datetime) -> tuple[CreditMemoView, ...]:
        return tuple(
            view
            for order in self._one(order_number)
            for credit in order.credit_memos
            if (view := credit_memo_view(order, self.accounts[order.account], credit, now))
        )

    def rmas_of(self, order_number: str, now: datetime) -> tuple[RmaView, ...]:
        return tuple(
            view for order in self._one(order_number) for rma in order.rmas if (view := rma_view(order, rma, now))
        )

    def _one(self, order_number: str) -> tuple[OrderFacts, ...]:
        order = self.orders.get(order_number)
        return () if order is None else (order,)

    # -- what is told unasked -----------------------------------------------------------------------------------------

    def happenings(self, after: datetime, until: datetime) -> Sequence[Happening]:
        """What happens in any system later than ``after`` and not later than ``until``, in order of time."""
        return self._happenings.between(after, until)

    @cached_property
    def _happenings(self) -> Happenings:
        return Happenings(self.orders.values())

    # -- the warehouse and the carriers -------------------------------------------------------------------------------

    @cached_property
    def shipment_numbers(self) -> Mapping[str, str]:
        """Order number by shipment number."""
        return {shipment.number: order.number for order in self.orders.values() for shipment in order.shipments}

    @cached_property
    def _consignments(self) -> Mapping[str, tuple[Consigned, ...]]:
        """By tracking number, everything that ever travelled under it."""
        return _grouped(
            (consignment.number, (order, shipment, consignment))
            for order in self.orders.values()
            for shipment in order.shipments
            for consignment in shipment.consignments
        )

    def warehouse_order(self, number: str, now: datetime) -> WmsOrderView | None:
        order = self.orders.get(number)
        return None if order is None else self._wms.view(order, now, lambda: floor.warehouse_view(order, now))

    def shipment(self, number: str, now: datetime) -> ShipmentView | None:
        order = self.warehouse_order(self.shipment_numbers.get(number, ""), now)
        return None if order is None else _named(number, order.shipments)

    def shipments_by_tracking(self, number: str, now: datetime) -> tuple[ShipmentView, ...]:
        """``number``: a package's, or a freight PRO number. Only once its label exists."""
        shipments = {shipment.number: shipment for _, shipment, _ in self._consignments.get(number, ())}
        views = (self.shipment(shipment, now) for shipment in shipments)
        return tuple(view for view in views if view is not None and number in _tracking_numbers(view))

    def journeys(self, scacs: Collection[str]) -> Mapping[str, Sequence[Journey]]:
        """The journeys these carriers know of, by tracking number, each told when first asked for."""
        return Journeys(
            {
                number: known
                for number, consigned in self._consignments.items()
                if (known := tuple(one for one in consigned if one[2].scac in scacs))
            }
        )


def _moves(order: OrderFacts) -> bool:
    """Whether the whole order is released and delivered within days of the start, by a carrier that tells so."""
    if order.submitted_at > START or len(order.shipments) != 1:
        return False
    (shipment,) = order.shipments
    if shipment.scac not in PARCEL_PUSHERS or shipment.planned_at < START + MOVES_AFTER:
        return False
    ends = [one.arrives_at for one in shipment.consignments if one.itinerary == "delivered" and one.arrives_at]
    return len(ends) == len(shipment.consignments) > 0 and max(ends) < START + ARRIVES_WITHIN


class _Numbered(Protocol):
    @property
    def number(self) -> str: ...


R = TypeVar("R", bound=_Numbered)
K = TypeVar("K")
V = TypeVar("V")


def _named(number: str, records: Iterable[R]) -> R | None:
    return next((record for record in records if record.number == number), None)


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in groups.items()}


def _tracking_numbers(shipment: ShipmentView) -> set[str | None]:
    return {shipment.pro_number, *(package.tracking_number for package in shipment.packages)}
