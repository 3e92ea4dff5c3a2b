"""The catalogue of business events: who tells of each, how soon subscribers hear, and what the customer sees of it."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum

from domain.invoice_status import PaymentStatus as P
from domain.model import ReturnStatus as R
from domain.model import ShipmentStatus as S
from domain.order_status import OrderStatus as O
from domain.timeline import TimelineKind as K
from ingest.business_events import BusinessEvent, Teller, became, told

ERP_ORDER = Teller("erp", ("salesOrder.created", "salesOrder.changed"), 10)
ERP_ORDER_GONE = Teller("erp", ("salesOrder.deleted",), 10)
ERP_INVOICE = Teller("erp", ("invoice.created", "invoice.changed"), 30)
ERP_CREDIT = Teller("erp", ("creditMemo.created", "creditMemo.changed"), 30)
ERP_INVOICE_GONE = Teller("erp", ("invoice.deleted", "creditMemo.deleted"), 30)
ERP_RETURN = Teller("erp", ("returnAuthorization.created", "returnAuthorization.changed"), 30)
ERP_RETURN_GONE = Teller("erp", ("returnAuthorization.deleted",), 30)
ERP_CUSTOMER = Teller("erp", ("customer.created", "customer.changed", "customer.deleted"), 30)
ALLOCATED = Teller("wms", ("Order Allocated",), 5)
RELEASED = Teller("wms", ("Order Released",), 5)
PACKED = Teller("wms", ("Order Packed Out",), 5)
SHIPPED = Teller("wms", ("Shipment Update",), 5)
CARRIERS = (
    Teller("ups", ("Track Alert",), 30),
    Teller("fedex", ("tracking",), 30),
    Teller("ltl", ("x12",), 30),
    Teller("usps", (), 30),
    Teller("dhl", (), 30),
)

ORDER = (ERP_ORDER,)
ALLOCATION = (ERP_ORDER, ALLOCATED)
RELEASE = (RELEASED,)
PACKING = (PACKED,)
SHIPPING = (SHIPPED,)
LEAVING = (SHIPPED, *CARRIERS)
INVOICE = (ERP_INVOICE,)
RETURN = (ERP_RETURN,)

GOING_ON = frozenset(O) - {O.ON_HOLD, O.CANCELLED, O.UNKNOWN}
NOT_RELEASED = frozenset({None, O.RECEIVED, O.CONFIRMED, O.ON_HOLD, O.BACKORDERED, O.PARTIALLY_ALLOCATED, O.UNKNOWN})
GONE = became(None)

EVENTS: Sequence[BusinessEvent] = (
    BusinessEvent(
        "order.placed", (told(K.ORDER_PLACED),), ORDER, "The order is listed, with its lines and promised date."
    ),
    BusinessEvent(
        "order.confirmed",
        (became(*(GOING_ON - {O.RECEIVED}), before={O.RECEIVED}),),
        ORDER,
        "The order is approved and will be worked on.",
    ),
    BusinessEvent(
        "order.revised", (told(K.ORDER_CHANGED),), ORDER, "The order shows its new lines, quantities or dates."
    ),
    BusinessEvent(
        "order.held",
        (told(K.ORDER_HELD), became(O.ON_HOLD)),
        ORDER,
        "The order is on hold, with one public sentence about what to do; never why.",
    ),
    BusinessEvent(
        "order.resumed", (became(*GOING_ON, before={O.ON_HOLD}),), ORDER, "The hold is gone and the order goes on."
    ),
    BusinessEvent(
        "order.backordered",
        (became(O.BACKORDERED),),
        ALLOCATION,
        "The order waits for stock, with the date each line is expected.",
    ),
    BusinessEvent(
        "order.allocated",
        (became(O.ALLOCATED, O.PARTIALLY_ALLOCATED, before=NOT_RELEASED),),
        ALLOCATION,
        "Stock is reserved for all or part of the order.",
    ),
    BusinessEvent("order.released", (told(K.RELEASED_TO_WAREHOUSE),), RELEASE, "The order is in the warehouse."),
    BusinessEvent("order.picking", (told(K.PICKING),), RELEASE, "The goods are being taken from the shelves."),
    BusinessEvent(
        "order.picked", (told(K.PICKED, K.PICKED_SHORT),), PACKING, "The goods are picked; a line picked short says so."
    ),
    BusinessEvent("order.packed", (told(K.PACKED),), PACKING, "The goods are packed, with what is in each package."),
    BusinessEvent(
        "order.partially_shipped",
        (became(O.PARTIALLY_SHIPPED),),
        LEAVING,
        "Part of the order is on its way, and it says how much.",
    ),
    BusinessEvent(
        "order.awaiting_carrier",
        (became(O.SHIPPED_PENDING_CARRIER),),
        (ERP_ORDER, SHIPPED),
        "The order is stated as shipped, and no carrier has it yet.",
    ),
    BusinessEvent(
        "order.shipped",
        (became(O.SHIPPED),),
        LEAVING,
        "The whole order is on its way, with a tracking number for each package.",
    ),
    BusinessEvent(
        "order.partially_delivered",
        (became(O.PARTIALLY_DELIVERED),),
        CARRIERS,
        "Part of the order has arrived, and it says how much.",
    ),
    BusinessEvent(
        "order.delivered", (became(O.DELIVERED),), CARRIERS, "All that was ordered and not cancelled has arrived."
    ),
    BusinessEvent("order.completed", (became(O.COMPLETED),), ORDER, "The order is closed; it says what was cancelled."),
    BusinessEvent("order.cancelled", (became(O.CANCELLED),), ORDER, "The order is cancelled."),
    BusinessEvent("order.withdrawn", (GONE,), (ERP_ORDER_GONE,), "The order is no longer listed: the ERP deleted it."),
    BusinessEvent(
        "order.changed", (), ALLOCATION, "Something else of the order is different, such as a date or a warning."
    ),
    BusinessEvent(
        "shipment.planned",
        (told(K.SHIPMENT_CREATED, K.LABEL_CREATED),),
        PACKING,
        "A shipment is listed with the order, with its packages and tracking numbers once they are known.",
    ),
    BusinessEvent(
        "shipment.packed", (told(K.SHIPMENT_PACKED),), PACKING, "The shipment is packed and waits for the carrier."
    ),
    BusinessEvent("shipment.manifested", (told(K.MANIFESTED),), SHIPPING, "The shipment is announced to the carrier."),
    BusinessEvent(
        "shipment.confirmed",
        (told(K.SHIP_CONFIRMED),),
        SHIPPING,
        "The warehouse has handed the shipment over; with a manifest or a tracking number it counts as shipped.",
    ),
    BusinessEvent(
        "shipment.in_transit",
        (became(S.SHIPPED, S.IN_TRANSIT),),
        LEAVING,
        "The shipment is on its way, with an estimated day of delivery where the carrier gives one.",
    ),
    BusinessEvent(
        "shipment.tracked",
        (told(K.TRACKING),),
        CARRIERS,
        "The shipment's story has a new scan, delay or message of the carrier's.",
    ),
    BusinessEvent(
        "shipment.out_for_delivery", (became(S.OUT_FOR_DELIVERY),), CARRIERS, "The shipment is to arrive today."
    ),
    BusinessEvent(
        "shipment.available_for_pickup", (became(S.AVAILABLE_FOR_PICKUP),), CARRIERS, "The shipment can be fetched."
    ),
    BusinessEvent(
        "shipment.not_delivered",
        (became(S.DELIVERY_ATTEMPTED, S.RETURNING, S.RETURNED, S.LOST),),
        CARRIERS,
        "The shipment was tried in vain, is on its way back, or is lost.",
    ),
    BusinessEvent(
        "shipment.delivered",
        (became(S.DELIVERED),),
        CARRIERS,
        "Every package of the shipment has arrived, with the time and, where the carrier gives it, the proof.",
    ),
    BusinessEvent(
        "shipment.voided",
        (told(K.SHIPMENT_VOIDED), became(S.VOIDED, None)),
        LEAVING,
        "The shipment is withdrawn and counts no longer.",
    ),
    BusinessEvent(
        "shipment.changed", (), LEAVING, "Something else of the shipment is different, such as a package or a date."
    ),
    BusinessEvent(
        "invoice.issued", (told(K.INVOICED),), INVOICE, "The invoice is listed, for those who may see invoices."
    ),
    BusinessEvent(
        "invoice.adjusted",
        (told(K.INVOICE_ADJUSTED), became(P.VOIDED, P.PARTIALLY_APPLIED, P.APPLIED)),
        (ERP_CREDIT, ERP_INVOICE),
        "A credit memo is listed or applied, or an invoice is void, for those who may see invoices.",
    ),
    BusinessEvent(
        "invoice.paid",
        (became(P.PARTIALLY_PAID, P.PAID),),
        INVOICE,
        "A payment is booked, for those who may see invoices.",
    ),
    BusinessEvent("invoice.withdrawn", (GONE,), (ERP_INVOICE_GONE,), "The invoice is no longer listed."),
    BusinessEvent("invoice.changed", (), (ERP_INVOICE, ERP_CREDIT), "Something else of the invoice is different."),
    BusinessEvent("return.requested", (told(K.RETURN_REQUESTED),), RETURN, "The return is listed with its RMA number."),
    BusinessEvent("return.authorized", (became(R.AUTHORIZED),), RETURN, "The goods may be sent back."),
    BusinessEvent(
        "return.received",
        (became(R.PARTIALLY_RECEIVED, R.RECEIVED),),
        RETURN,
        "The goods have come back, all or in part.",
    ),
    BusinessEvent(
        "return.credited",
        (became(R.PARTIALLY_CREDITED, R.CREDITED),),
        RETURN,
        "The return is credited, all or in part.",
    ),
    BusinessEvent("return.closed", (became(R.CLOSED, R.CANCELLED),), RETURN, "The return is closed or cancelled."),
    BusinessEvent("return.withdrawn", (GONE,), (ERP_RETURN_GONE,), "The return is no longer listed."),
    BusinessEvent("return.changed", (), RETURN, "Something else of the return is different."),
    BusinessEvent(
        "customer.changed", (), (ERP_CUSTOMER,), "The account is different, such as its name, ship-tos or terms."
    ),
)
"""In the order of an order's life."""

UNTOLD: Mapping[type[StrEnum], AbstractSet[str]] = {
    O: {O.RECEIVED, O.CONFIRMED, O.IN_WAREHOUSE, O.UNKNOWN},
    S: {S.PLANNED, S.LABEL_CREATED, S.PACKED, S.MANIFESTED, S.DELAYED, S.EXCEPTION, S.UNKNOWN},
    P: {P.UNPAID, P.UNAPPLIED},
    R: {R.REQUESTED, R.UNKNOWN},
}
"""Statuses that are no event by themselves: the story tells how they came about, they are facets that no shipment shows
as its status, or they say that nothing can be read.
"""
