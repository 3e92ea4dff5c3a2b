"""Pages by keyset: as fast at any depth, whoever asks, as each account's or status's newest are read by an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, exists, func, literal, or_, select, true, tuple_, union, union_all

from domain.access import Visibility
from domain.events import Subject
from domain.order_exceptions import ExceptionKind
from domain.queries import Cursor, OrderFilter, OrderQuery, RecordQuery
from store import terms
from store.tables import orders, records_of_orders
from store.tables import terms as terms_table

PARTITIONS: Final = 400
"""Into so many indexed parts a page is divided at most (SQLite allows 500 in one statement); beyond, the newest rows
are read one by one until enough are visible: with so many accounts visible that is soon.
"""

Condition = ColumnElement[bool]


def sees(table: Any, scope: Visibility) -> list[Condition]:
    """The rows that are visible."""
    there = sees_there(table, scope)
    return there if scope.accounts is None else [table.c.customer_id.in_(sorted(scope.accounts)), *there]


def sees_there(table: Any, scope: Visibility) -> list[Condition]:
    """The rows that go where the caller sees them, whosesoever they are."""
    return [] if scope.ship_tos is None else [table.c.ship_to_id.in_(sorted(scope.ship_tos))]


def order_page(tenant: str, query: OrderQuery) -> Select[Any]:
    """Rows of (id, document), and one more than asked for."""
    within, table = query.filter, orders.c
    accounts = _only(query.visibility, within.customer_ids)
    rest = [table.tenant == tenant, *sees_there(orders, query.visibility), *_narrowing(tenant, within)]
    walk = Walk(query.after, query.limit + 1, query.ascending)
    tags = _tags(within)
    if tags and (accounts is None or len(accounts) > PARTITIONS):
        if accounts is not None:
            rest.append(table.customer_id.in_(accounts))
        if within.statuses:
            rest.append(table.status.in_(sorted(within.statuses)))
        found = _newest_tagged(tenant, tags, rest, walk)
    else:
        found = _newest(orders, table.placed_at, _parts(accounts, within), rest, walk)
    page = select(table.id, table.document).join(found, (table.tenant == tenant) & (table.id == found.c.id))
    return page.order_by(*walk.order(found.c.at, found.c.id))


def order_count(tenant: str, query: OrderQuery) -> Select[Any]:
    table = orders.c
    conditions = [table.tenant == tenant, table.placed_at.is_not(None), *sees(orders, query.visibility)]
    if query.filter.customer_ids:
        conditions.append(table.customer_id.in_(sorted(query.filter.customer_ids)))
    if query.filter.statuses:
        conditions.append(table.status.in_(sorted(query.filter.statuses)))
    return select(func.count()).select_from(orders).where(*conditions, *_narrowing(tenant, query.filter))


def record_page(tenant: str, table: Table, subject: Subject, query: RecordQuery) -> Select[Any]:
    """Rows of (id, document) of a table of records, and one more than asked for; a shipment's document is its order's
    number.
    """
    accounts = _only(query.visibility, query.customer_ids)
    rest = [table.c.tenant == tenant, *sees_there(table, query.visibility)]
    if query.order_ids:
        rest.append(_of_orders(tenant, table, subject, query))
    document = table.c.order_id if subject is Subject.SHIPMENT else table.c.document
    parts = None if accounts is None else [table.c.customer_id == account for account in accounts]
    walk = Walk(query.after, query.limit + 1)
    found = _newest(table, table.c.at, _bounded(table.c.customer_id, parts, accounts), rest, walk)
    page = select(table.c.id, document.label("document")).join(
        found, (table.c.tenant == tenant) & (table.c.id == found.c.id)
    )
    return page.order_by(*walk.order(found.c.at, found.c.id))


def found(tenant: str, condition: Condition, scope: Visibility, limit: int) -> Select[Any]:
    """Rows of (subject, id) of what has a term; of one term the latest first, of several in the terms' order."""
    table = terms_table.c
    chosen = select(table.subject, table.id, table.term, table.at).where(table.tenant == tenant, condition)
    if scope.ship_tos is not None:
        there = table.ship_to_id.in_(sorted(scope.ship_tos))
        chosen = chosen.where(or_(there, table.subject == Subject.CUSTOMER))
    accounts = _only(scope, frozenset())
    parts = None if accounts is None else [table.customer_id == account for account in accounts]
    order = (table.term, table.at.desc(), table.id.desc())
    first = [
        chosen.where(part).order_by(*order).limit(limit)
        for part in _bounded(table.customer_id, parts, accounts) or [true()]
    ]
    if len(first) == 1:
        return first[0]
    merged = union_all(*(select(each.subquery(f"part{nth}")) for nth, each in enumerate(first))).subquery("merged")
    return select(merged).order_by(merged.c.term, merged.c.at.desc(), merged.c.id.desc()).limit(limit)


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a page begins, how many rows it takes, and which way."""

    after: Cursor | None
    limit: int
    ascending: bool = False

    def order(self, at: Any, id_: Any) -> tuple[Any, Any]:
        return (at, id_) if self.ascending else (at.desc(), id_.desc())

    def beyond(self, at: Any, id_: Any) -> list[Condition]:
        if self.after is None:
            return []
        edge = tuple_(literal(self.after.at, at.type), literal(self.after.id, id_.type))
        return [tuple_(at, id_) > edge if self.ascending else tuple_(at, id_) < edge]


def _newest(table: Table, at: Any, parts: Sequence[Condition], rest: Sequence[Condition], walk: Walk) -> Any:
    """The first rows of each part, merged: no part is read further than the page is long."""
    chosen = select(table.c.id.label("id"), at.label("at")).where(at.is_not(None), *rest, *walk.beyond(at, table.c.id))
    return _merged([chosen.where(part) for part in parts] or [chosen], at, table.c.id, walk)


def _newest_tagged(tenant: str, tags: Sequence[str], rest: Sequence[Condition], walk: Walk) -> Any:
    """Orders by what few of them have."""
    tagged = terms_table.c
    chosen = (
        select(tagged.id.label("id"), tagged.at.label("at"))
        .join(orders, (orders.c.tenant == tenant) & (orders.c.id == tagged.id))
        .where(tagged.tenant == tenant, tagged.subject == Subject.ORDER, *rest, *walk.beyond(tagged.at, tagged.id))
    )
    return _merged([chosen.where(tagged.term == tag) for tag in tags], tagged.at, tagged.id, walk)


def _merged(parts: Sequence[Select[Any]], at: Any, id_: Any, walk: Walk) -> Any:
    """Each row once, be it in several parts."""
    first = [part.order_by(*walk.order(at, id_)).limit(walk.limit) for part in parts]
    if len(first) == 1:
        return first[0].subquery("found")
    merged = union(*(select(each.subquery(f"part{nth}")) for nth, each in enumerate(first))).subquery("merged")
    whole = select(merged.c.id, merged.c.at).order_by(*walk.order(merged.c.at, merged.c.id))
    return whole.limit(walk.limit).subquery("found")


def _tags(within: OrderFilter) -> Sequence[str]:
    """What few orders have of what is asked for; the rarest kind first."""
    if within.po_number is not None:
        return [terms.folded(within.po_number)]
    if within.sku is not None:
        return [terms.sku_tag(within.sku)]
    kinds = sorted(within.exceptions) or (list(ExceptionKind) if within.has_exception else [])
    return [terms.exception_tag(kind) for kind in kinds]


def _parts(accounts: Sequence[str] | None, within: OrderFilter) -> Sequence[Condition]:
    """What to divide orders by: accounts where they are bounded, else statuses."""
    table = orders.c
    statuses = sorted(within.statuses)
    if accounts is None:
        return [table.status == status for status in statuses]
    parts = [table.customer_id == account for account in accounts]
    bounded = _bounded(table.customer_id, parts, accounts)
    return [part & table.status.in_(statuses) for part in bounded] if statuses else bounded


def _bounded(column: Any, parts: Sequence[Condition] | None, values: Sequence[str] | None) -> Sequence[Condition]:
    """Nobody's rows are one empty part."""
    if parts is None or values is None:
        return ()
    return parts if 0 < len(parts) <= PARTITIONS else [column.in_(values)]


def _only(scope: Visibility, asked: frozenset[Any]) -> Sequence[str] | None:
    """The visible accounts among those asked for; None: all there are."""
    if scope.accounts is None:
        return sorted(asked) or None
    return sorted(scope.accounts & asked if asked else scope.accounts)


def _narrowing(tenant: str, within: OrderFilter) -> list[Condition]:
    """Every condition but those that divide."""
    table = orders.c
    found: list[Condition] = []
    if within.lifecycles:
        found.append(table.lifecycle.in_(sorted(within.lifecycles)))
    if within.placed_after is not None:
        found.append(table.placed_at >= within.placed_after)
    if within.placed_before is not None:
        found.append(table.placed_at < within.placed_before)
    if within.ship_to_ids:
        found.append(table.ship_to_id.in_(sorted(within.ship_to_ids)))
    if within.po_number is not None:
        found.append(table.po_number == within.po_number)
    if within.has_exception is not None:
        found.append(table.has_exception.is_(within.has_exception))
    if within.sku is not None:
        found.append(_tagged(tenant, [terms.sku_tag(within.sku)]))
    if within.exceptions:
        found.append(_tagged(tenant, [terms.exception_tag(kind) for kind in sorted(within.exceptions)]))
    return found


def _tagged(tenant: str, tags: Sequence[str]) -> Condition:
    tagged = terms_table.alias("tagged").c
    return or_(
        *(
            exists().where(
                tagged.tenant == tenant,
                tagged.term == tag,
                tagged.at == orders.c.placed_at,
                tagged.subject == Subject.ORDER,
                tagged.id == orders.c.id,
            )
            for tag in tags
        )
    )


def _of_orders(tenant: str, table: Table, subject: Subject, query: RecordQuery) -> Condition:
    if subject is Subject.SHIPMENT:
        return table.c.order_id.in_(sorted(query.order_ids))
    link = records_of_orders.c
    return table.c.id.in_(
        select(link.id).where(
            link.tenant == tenant, link.subject == subject, link.order_id.in_(sorted(query.order_ids))
        )
    )
