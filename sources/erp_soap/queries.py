"""What our ports ask, in the ERP's search language: every condition given must hold, and none may be widened.

A page's search is None when nothing can meet it: an empty set of accounts, or a text that XML cannot even hold. Keys
given to the others must be ``sayable``.
"""

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Final

from domain.model import Lifecycle, OrderId
from domain.queries import Cursor, CustomerQuery, OrderFilter, OrderQuery, RecordQuery
from sources.erp_soap.lexical import sayable
from sources.erp_soap.wire import Codes
from sources.erp_soap.writer import Of

MESSAGES: Final = "{urn:erp.example:messages:2026_1}"
TRANSACTION_SEARCH, CUSTOMER_SEARCH = MESSAGES + "TransactionSearch", MESSAGES + "CustomerSearch"
RECEIVABLES: Final = ("invoice", "creditMemo")
RETURNS: Final = ("returnAuthorization",)
NEWEST_FIRST: Final = {"direction": "descending"}

NOTHING: Final[dict[str, Any]] = {"nothing": "meets this"}
"""A condition that no record meets; never sent."""

Accounts = AbstractSet[str] | None
"""None: every account."""


def orders(query: OrderQuery, accounts: Accounts, codes: Codes) -> Of | None:
    """``accounts``: those of ``query`` that this search is for (``bounded``)."""
    given = query.filter
    return _transactions(
        ("salesOrder",),
        accounts,
        bounded(given.ship_to_ids, query.visibility.ship_tos),
        query.after,
        ascending=query.ascending,
        status=_statuses(given, codes),
        item=_refs([given.sku]) if given.sku is not None else None,
        otherRefNum=_texts([given.po_number]) if given.po_number is not None else None,
        tranDate=[
            {"operator": operator, "searchValue": at}
            for operator, at in (("onOrAfter", given.placed_after), ("before", given.placed_before))
            if at is not None
        ],
    )


def records(types: Collection[str], query: RecordQuery, accounts: Accounts) -> Of | None:
    """A page of receivables documents or returns."""
    created_from = _refs(query.order_ids) if query.order_ids else None
    return _transactions(types, accounts, query.visibility.ship_tos, query.after, createdFrom=created_from)


def orders_by_po(po_numbers: Collection[str]) -> Of:
    return Of(TRANSACTION_SEARCH, {"type": ["salesOrder"], "otherRefNum": _texts(po_numbers), **NEWEST_FIRST})


def records_by_order(types: Collection[str], orders: Collection[OrderId]) -> Of:
    return Of(TRANSACTION_SEARCH, {"type": list(types), "createdFrom": _refs(orders), **NEWEST_FIRST})


def records_by_number(types: Collection[str], numbers: Collection[str]) -> Of:
    return Of(TRANSACTION_SEARCH, {"type": list(types), "externalId": _texts(numbers), **NEWEST_FIRST})


def customers(query: CustomerQuery, accounts: Accounts) -> Of | None:
    name = None if query.name is None else _text("contains", query.name)
    after = None if query.after is None else _text("greaterThan", query.after)
    entity = None if accounts is None else _refs(accounts)
    return _search(CUSTOMER_SEARCH, {"entity": entity, "companyName": name, "externalId": after})


def customers_by(field: str, numbers: Collection[str]) -> Of:
    """Accounts by "parent", "ancestor", "territory" or "subsidiary"."""
    return Of(CUSTOMER_SEARCH, {field: _refs(numbers)})


def bounded(asked: AbstractSet[str], seen: Accounts) -> Accounts:
    """What was asked for (empty: everything) of what may be seen; None: all there is."""
    if not asked:
        return seen
    return asked if seen is None else asked & seen


def _transactions(
    types: Collection[str],
    accounts: Accounts,
    ship_tos: Accounts,
    after: Cursor | None,
    *,
    ascending: bool = False,
    **conditions: Any,
) -> Of | None:
    start = None if after is None else {"tranDate": after.at, "externalId": after.id}
    if after is not None and not sayable(after.id):
        return None
    return _search(
        TRANSACTION_SEARCH,
        {
            "type": list(types),
            "entity": None if accounts is None else _refs(accounts),
            "shipAddress": None if ship_tos is None else _refs(ship_tos),
            "startAfter": start,
            "direction": "ascending" if ascending else "descending",
            **conditions,
        },
    )


def _search(type_name: str, values: dict[str, Any]) -> Of | None:
    return None if any(value is NOTHING for value in values.values()) else Of(type_name, values)


def _statuses(given: OrderFilter, codes: Codes) -> dict[str, Any] | None:
    """The ERP's statuses of some lifecycles. UNKNOWN is every status no table holds, so it is asked by exclusion."""
    if not given.lifecycles:
        return None
    wanted = {lifecycle.value for lifecycle in given.lifecycles}
    known = {code: meaning.value for (table, code), (meaning, _) in codes.entries.items() if table == "order_status"}
    if Lifecycle.UNKNOWN in given.lifecycles:
        others = [code for code, meaning in known.items() if meaning not in wanted]
        return _texts(others, "noneOf") if others else None
    return _texts(code for code, meaning in known.items() if meaning in wanted)


def _refs(numbers: Iterable[str]) -> dict[str, Any]:
    values = [{"externalId": number} for number in sorted(numbers) if sayable(number)]
    return {"operator": "anyOf", "searchValue": values} if values else NOTHING


def _texts(values: Iterable[str], operator: str = "anyOf") -> dict[str, Any]:
    texts = sorted(value for value in values if sayable(value))
    return {"operator": operator, "searchValue": texts} if texts else NOTHING


def _text(operator: str, value: str) -> dict[str, Any]:
    return {"operator": operator, "searchValue": value} if sayable(value) else NOTHING
