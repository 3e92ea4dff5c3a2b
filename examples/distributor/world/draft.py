"""An order while its story is told: verbs that each let something happen, at a cursor in time that moves on."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from random import Random

from examples.distributor.world import words
from examples.distributor.world.accounts import Account, ShipTo
from examples.distributor.world.billing import CreditDraft, InvoiceDraft, billed_lines, payment_plan, settled
from examples.distributor.world.carriers import usual_carrier
from examples.distributor.world.facts import HoldFacts, LineFacts, OrderFacts, RmaFacts, ShipmentFacts
from examples.distributor.world.items import Item, Unit
from examples.distributor.world.numbers import Numbering
from examples.distributor.world.pricing import NOTHING, cents, charge
from examples.distributor.world.shipping import Dispatch, Piece, Way, hours


@dataclass(slots=True)
class LineDraft:
    """``open``: what is neither cancelled nor planned on a shipment yet."""

    key: str
    number: int
    item: Item
    unit: Unit
    description: str
    customer_sku: str | None
    unit_price: Decimal
    warehouse: str
    entered_at: datetime
    ordered: list[tuple[datetime, Decimal]]
    open: Decimal
    allocated: list[tuple[datetime, Decimal]] = field(default_factory=list)
    cancelled: list[tuple[datetime, Decimal]] = field(default_factory=list)
    backorders: list[tuple[datetime, dt.date]] = field(default_factory=list)
    substitution_of: str | None = None
    substituted_by: str | None = None


Pieces = Sequence[tuple[LineDraft, Decimal]]
"""Lines, each with a quantity of it."""


class Draft:
    """One order. ``at`` is the cursor: when the next thing happens; quantities are in the lines' units."""

    def __init__(
        self,
        rng: Random,
        numbering: Numbering,
        account: Account,
        ship_to: ShipTo,
        *,
        items: Mapping[str, Item],
        number: str,
        po_number: str | None,
        submitted_at: datetime,
    ) -> None:
        self.rng = rng
        self.numbering = numbering
        self.account = account
        self.ship_to = ship_to
        self.items = items
        self.number = number
        self.po_number = po_number
        self.submitted_at = self.at = submitted_at
        self.internal_id = str(next(numbering.internal))
        self.memo = rng.choice(words.MEMOS)
        self.discount_rate = rng.choice((NOTHING, NOTHING, NOTHING, Decimal("0.02"), Decimal("0.055")))
        self.tax_rate = Decimal("0.13") if account.subsidiary == "CA" else Decimal("0.0725")
        self.freight = cents(Decimal(rng.choice(("0", "0", "12.95", "24.50", "189.99"))))
        self.promised_date = (submitted_at + timedelta(days=rng.randrange(3, 9))).date()
        self.requested_date = self.promised_date - timedelta(days=rng.randrange(0, 2)) if rng.random() < 0.5 else None
        self.approved_at: datetime | None = None
        self.cancelled_at: datetime | None = None
        self.closed_at: datetime | None = None
        self.edits: list[datetime] = []
        self.holds: list[HoldFacts] = []
        self.lines: list[LineDraft] = []
        self.shipments: list[ShipmentFacts] = []
        self.invoices: list[InvoiceDraft] = []
        self.credits: list[CreditDraft] = []
        self.rmas: list[RmaFacts] = []

    # -- what is ordered ----------------------------------------------------------------------------------------------

    def enter(self, item: Item, unit: Unit, quantity: Decimal, *, text: str = "") -> LineDraft:
        """A further line; ``text`` is added to its description."""
        line = LineDraft(
            key=str(next(self.numbering.line)),
            number=len(self.lines) + 1,
            item=item,
            unit=unit,
            description=item.description + text,
            customer_sku=f"{self.account.company[-3:]}/{item.sku}" if self.rng.random() < 0.3 else None,
            unit_price=item.price * unit.per_unit,
            warehouse="C1" if self.account.subsidiary == "CA" else self.rng.choice(("01", "01", "02")),
            entered_at=self.at,
            ordered=[(self.at, quantity)],
            open=quantity,
        )
        self.lines.append(line)
        return line

    def wait(self, low: float, high: float | None = None) -> None:
        """Let between ``low`` and ``high`` hours pass."""
        self.at += hours(self.rng, low, low if high is None else high)

    def approve(self) -> None:
        self.wait(0.2, 2)
        self.approved_at = self.at

    def hold(self, code: str) -> None:
        self.wait(0.1, 1)
        self.holds.append(HoldFacts(self.at, None, code, words.HOLD_REASONS[code]))

    def release(self) -> None:
        """Lift the last hold."""
        held = self.holds.pop()
        self.holds.append(HoldFacts(held.since, self.at, held.code, held.reason))

    def edit(self, line: LineDraft, by: Decimal) -> None:
        """The customer wants more of a line, or less."""
        line.ordered.append((self.at, by))
        line.open += by
        self.edits.append(self.at)

    def cancel(self, *lines: LineDraft) -> None:
        """Nothing more of ``lines`` (default: the whole order) is going to be shipped."""
        for line in lines or self.lines:
            if line.open:
                line.cancelled.append((self.at, line.open))
                line.open = NOTHING
        if not lines:
            self.cancelled_at = self.at

    def close(self) -> None:
        """The ERP expects nothing more: what is still open is cancelled."""
        self.cancel(*self.lines)
        self.closed_at = self.at

    def substitute(self, line: LineDraft, sku: str) -> LineDraft:
        """Another item in place of what is open of ``line``."""
        item, quantity = self.items[sku], line.open
        self.cancel(line)
        instead = self.enter(item, item.units[0], quantity.to_integral(ROUND_FLOOR) or Decimal(1))
        instead.substitution_of, line.substituted_by = line.key, instead.key
        return instead

    # -- the warehouse ------------------------------------------------------------------------------------------------

    def all_open(self) -> Pieces:
        return [(line, line.open) for line in self.lines if line.open]

    def half_open(self) -> Pieces:
        """About half of what is open, but not all: whole lines where there are several, else a part of the one."""
        pieces = self.all_open()
        if len(pieces) > 1:
            return pieces[: len(pieces) // 2]
        return [(line, (quantity / 2).to_integral(ROUND_FLOOR) or quantity / 2) for line, quantity in pieces]

    def allocate(self, pieces: Pieces | None = None) -> Pieces:
        """Stock is committed to ``pieces`` (default: all open); answers them."""
        self.wait(0.3, 3)
        pieces = self.all_open() if pieces is None else pieces
        for line, quantity in pieces:
            line.allocated.append((self.at, quantity))
        return pieces

    def backorder(self, *lines: LineDraft, days: float) -> None:
        """What is not committed of ``lines`` has to wait, for so many days from now by the ERP's word."""
        self.wait(0.1, 0.5)
        for line in lines:
            line.backorders.append((self.at, (self.at + timedelta(days=days)).date()))

    def ship(self, pieces: Pieces | None = None, way: Way | None = None) -> ShipmentFacts:
        """``pieces`` (default: all open) go through the warehouse and away; the cursor ends at the last stage."""
        self.wait(0.1, 0.5)
        way = way or Way()
        pieces = self.all_open() if pieces is None else pieces
        loads = [Piece(line.key, quantity, line.item.weight_lb * line.unit.per_unit) for line, quantity in pieces]
        weight = sum((load.weight_lb * load.quantity for load in loads), NOTHING)
        carrier = way.carrier or usual_carrier(self.rng, weight, self.ship_to.country)
        dispatch = Dispatch(self.rng, self.numbering, loads, way, carrier=carrier, at=self.at)
        shipment = dispatch.facts(pieces[0][0].warehouse)
        self.shipments.append(shipment)
        self.at = shipment.voided_at or shipment.fulfilled_at or dispatch.last
        if not way.voided:
            for (line, _), pick in zip(pieces, shipment.picks, strict=True):
                line.open -= pick.picked
        if shipment.fulfilled_at and way.lag_hours:
            self._invoice(shipment, shipment.fulfilled_at + hours(self.rng, *way.lag_hours))
        return shipment

    # -- money --------------------------------------------------------------------------------------------------------

    def _invoice(self, shipment: ShipmentFacts, issued_at: datetime) -> None:
        lines = billed_lines({pick.line_key: pick.picked for pick in shipment.picks}, self._unit_prices())
        self.invoices.append(
            InvoiceDraft(
                number=self.numbering.invoice.next(),
                internal_id=str(next(self.numbering.internal)),
                shipment_number=shipment.number,
                issued_at=issued_at,
                due_date=issued_at.date() + timedelta(days=self.account.due_days),
                lines=lines,
                charge=charge(
                    (line.amount for line in lines),
                    discount_rate=self.discount_rate,
                    freight=NOTHING if self.invoices else self.freight,
                    tax_rate=self.tax_rate,
                ),
                payments=payment_plan(self.rng, issued_at, self.account.due_days),
            )
        )

    def credit(self, line_key: str, quantity: Decimal, *, memo: str, rma_number: str | None = None) -> str:
        """A credit memo for some of what was billed of a line; answers its number."""
        lines = billed_lines({line_key: quantity}, self._unit_prices())
        credit = CreditDraft(
            number=self.numbering.credit_memo.next(),
            internal_id=str(next(self.numbering.internal)),
            rma_number=rma_number,
            invoice=next(
                invoice.number for invoice in self.invoices if any(line.line_key == line_key for line in invoice.lines)
            ),
            issued_at=self.at,
            lines=lines,
            charge=charge(
                (line.amount for line in lines),
                discount_rate=self.discount_rate,
                freight=NOTHING,
                tax_rate=self.tax_rate,
            ),
            memo=memo,
        )
        self.credits.append(credit)
        return credit.number

    def _unit_prices(self) -> Mapping[str, Decimal]:
        return {line.key: line.unit_price for line in self.lines}

    # -- the end of the story -----------------------------------------------------------------------------------------

    def facts(self) -> OrderFacts:
        invoices, credit_memos = settled(self.invoices, self.credits)
        return OrderFacts(
            number=self.number,
            internal_id=self.internal_id,
            po_number=self.po_number,
            account=self.account.number,
            ship_to=self.ship_to,
            submitted_at=self.submitted_at,
            approved_at=self.approved_at,
            cancelled_at=self.cancelled_at,
            closed_at=self.closed_at,
            edits=tuple(self.edits),
            holds=tuple(self.holds),
            requested_date=self.requested_date,
            promised_date=self.promised_date,
            memo=self.memo,
            discount_rate=self.discount_rate,
            freight=self.freight,
            tax_rate=self.tax_rate,
            lines=tuple(_line(line) for line in self.lines),
            shipments=tuple(self.shipments),
            invoices=invoices,
            credit_memos=credit_memos,
            rmas=tuple(self.rmas),
        )


def _line(line: LineDraft) -> LineFacts:
    return LineFacts(
        key=line.key,
        number=line.number,
        sku=line.item.sku,
        customer_sku=line.customer_sku,
        description=line.description,
        unit=line.unit.code,
        per_unit=line.unit.per_unit,
        base_unit=line.item.base_unit,
        unit_price=line.unit_price,
        warehouse=line.warehouse,
        entered_at=line.entered_at,
        ordered=tuple(line.ordered),
        allocated=tuple(line.allocated),
        cancelled=tuple(line.cancelled),
        backorders=tuple(line.backorders),
        substitution_of=line.substitution_of,
        substituted_by=line.substituted_by,
    )
