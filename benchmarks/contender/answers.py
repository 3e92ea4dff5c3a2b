"""Puts our answers and the harness's expectations in the same words, and says where the two differ by design.

Our schema nests where the benchmark's is flat, writes decimals as strings, and derives what it can prove. Nothing here
loosens a value: what is compared is compared exactly, numbers as decimals.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

RESHAPE: Mapping[str, str] = {
    "orders.nodes": "orders",
    "shipments.nodes": "shipments",
    "erpStatus.raw": "status",
    "stage.raw": "status",
    "code.raw": "code",
    "totals.total.amount": "total",
    "totals.total.currency": "currency",
    "item.sku": "sku",
    "item.description": "description",
    "ordered.value": "quantity",
    "unitPrice.amount": "unitPrice",
    "carrier.name": "carrier",
    "total.amount": "amount",
    "total.currency": "currency",
}
"""Where our answer keeps what the benchmark calls by another name: path in the object to name."""

DIFFERENCES: Mapping[str, str] = {
    "Q1": (
        "our schema has no email, segment or country of a customer (left out); `shippedAt` is derived: the warehouse's"
        " word or the carrier's first scan, whichever is earlier; an invoice has a date, no time of day"
    ),
    "Q3": "pages go by cursor",
    "Q5": "shipments come newest first",
}

ABSENT = frozenset({"email", "segment", "country"})
DECIMALS = frozenset({"total", "unitPrice", "amount", "quantity"})
INSTANTS = frozenset({"orderDate", "issuedAt", "shippedAt", "timestamp"})
PAID = {"PAID": True, "UNPAID": False}


def expected(query: str, data: dict[str, Any]) -> dict[str, Any]:
    """The harness's expected ``data`` of ``query`` as our schema tells it."""
    if query == "Q1":
        order = data["order"]
        customer = {key: value for key, value in order["customer"].items() if key not in ABSENT}
        shipments = [shipment | {"shippedAt": _left(shipment)} for shipment in order["shipments"]]
        invoices = [invoice | {"issuedAt": invoice["issuedAt"][:10]} for invoice in order["invoices"]]
        return {"order": order | {"customer": customer, "shipments": shipments, "invoices": invoices}}
    if query == "Q5":
        return {"shipments": data["shipments"][::-1]}
    return data


def _left(shipment: Mapping[str, Any]) -> str:
    """Every timestamp of the data set is in the same form, so text order is time order."""
    first: str = min(shipment["shippedAt"], *(event["timestamp"] for event in shipment["events"]))
    return first


def canonical(answer: Any, rules: Mapping[str, str], key: str | None = None) -> Any:
    """Takes the place of the harness's ``canon``: rules may name several parts of one object, decimals stay exact."""
    match answer:
        case dict():
            moved = {path: value for path in rules if (value := _at(answer, path)) is not None}
            spent = {path.partition(".")[0] for path in moved}
            flat = {name: value for name, value in answer.items() if name not in spent}
            flat |= {rules[path]: value for path, value in moved.items()}
            return {name: canonical(value, rules, name) for name, value in sorted(flat.items())}
        case list():
            return [canonical(each, rules, key) for each in answer]
        case str() | int() | float() if key in DECIMALS:
            return Decimal(str(answer))
        case str() if key in INSTANTS:
            at = datetime.fromisoformat(answer)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        case str() if key == "paid":
            return PAID[answer]
    return answer


def _at(row: Mapping[str, Any], path: str) -> Any:
    found: Any = row
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
