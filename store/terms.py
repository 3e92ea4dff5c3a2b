"""What a thing is found by: its numbers, its account's name, the goods in it; case and spaces do not matter."""

from collections.abc import Iterable, Iterator
from typing import Final

from domain.model import Customer, Invoice, Order, Return, Shipment
from domain.projection import Projection

EXCEPTION: Final = "exception:"
"""The tag of whatever has an exception of any kind."""

LONGEST: Final = 100
"""Characters of a term; what is longer is found by its beginning."""


def folded(text: str) -> str:
    """As it is compared: without case, with single spaces."""
    return " ".join(text.casefold().split())[:LONGEST]


def of_order(order: Order) -> frozenset[str]:
    """Its number and the customer's."""
    return _terms((order.number, order.po_number))


def of_shipment(shipment: Shipment) -> frozenset[str]:
    """Its own number and every tracking number it has."""
    return _terms((shipment.id, *shipment.tracking_numbers))


def of_invoice(invoice: Invoice) -> frozenset[str]:
    return _terms((invoice.id,))


def of_return(rma: Return) -> frozenset[str]:
    return _terms((rma.id,))


def of_customer(customer: Customer) -> frozenset[str]:
    """Its number, and its name from every word on."""
    words = folded(customer.name).split(" ")
    return _terms((customer.id, *(" ".join(words[start:]) for start in range(len(words)))))


def tags(found: Projection) -> frozenset[str]:
    """What lists are narrowed by."""
    skus = (sku for line in found.order.lines for sku in (line.sku, line.customer_sku) if sku)
    wrong = [exception_tag(one.kind) for one in found.exceptions]
    return frozenset((*map(sku_tag, skus), *wrong, *([EXCEPTION] if wrong else [])))


def sku_tag(sku: str) -> str:
    return f"sku:{folded(sku)}"


def exception_tag(kind: str) -> str:
    return f"{EXCEPTION}{kind}"


def _terms(texts: Iterable[str | None]) -> frozenset[str]:
    return frozenset(_kept(texts))


def _kept(texts: Iterable[str | None]) -> Iterator[str]:
    for text in texts:
        if text and (term := folded(text)):
            yield term
