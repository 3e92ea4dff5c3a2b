"""Pages by keyset: as fast at any depth, whoever asks, as each account's or status's newest are read by an index."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from domain.access import Visibility
from domain.events import Subject
from domain.model import CustomerId
from domain.queries import Cursor, OrderFilter, OrderQuery, RecordQuery
from store import terms
from store.tables import orders, records_of_orders
from store.tables import terms as terms_table

PARTITIONS: Final = 2_000
"""The first rows of so many accounts at most are looked up one account after the other; beyond, the newest rows are
read until enough are visible: with so many accounts visible that is soon.
"""

Condition = ColumnElement[bool]
Q = TypeVar("Q", OrderQuery, RecordQuery)


def sees(table: Any, scope: Visibility) -> list[Condition]:
    """The rows that are visible."""
    there = sees_there(table, scope)
    return there if scope.accounts is None else [table.c.customer_id.in_(sorted(scope.accounts)), *there]


def sees_there(table: Any, scope: Visibility) -> list[Condition]:
    """The rows that go where the caller sees them, whosesoever they are."""
    return [] if scope.ship_tos is None else [table.c.ship_to_id.in_(sorted(scope.ship_tos))]


def order_page(dialect: str, tenant: str, query: OrderQuery) -> Select[Any]:
    """Rows of (id, document), and one more than asked for."""
    table, choice = orders.c, _of_order_page(tenant, query)
    found = choice.first(dialect)
    page = select(table.id, table.document).select_from(_looked_up(found, orders, tenant))
    return page.order_by(*choice.walk.order(found.c.at, found.c.id))


def order_leaders(tenant: str, query: OrderQuery) -> Select[Any] | None:
    """As ``Choice.leaders``."""
    return _of_order_page(tenant, query).leaders()


def led(query: Q, rows: Sequence[Any]) -> Q:
    """The query of the same page, narrowed to the accounts that ``rows`` of leaders leave."""
    walk = Walk(query.after, query.limit + 1, getattr(query, "ascending", False))
    newest = sorted((row.at for row in rows if row.at is not None), reverse=not walk.ascending)
    edge = newest[min(walk.limit, len(newest)) - 1] if newest else None
    kept = frozenset(
        CustomerId(row.account)
        for row in rows
        if row.at is not None and edge is not None and (row.at <= edge if walk.ascending else row.at >= edge)
    )
    return replace(query, visibility=replace(query.visibility, accounts=kept))


def order_count(tenant: str, query: OrderQuery) -> Select[Any]:
    table = orders.c
    conditions = [table.tenant == tenant, table.placed_at.is_not(None), *sees(orders, query.visibility)]
    if query.filter.customer_ids:
        conditions.append(table.customer_id.in_(sorted(query.filter.customer_ids)))
    if query.filter.statuses:
        conditions.append(table.status.in_(sorted(query.filter.statuses)))
    return select(func.count()).select_from(orders).where(*conditions, *_narrowing(tenant, query.filter))


def record_page(dialect: str, tenant: str, table: Table, subject: Subject, query: RecordQuery) -> Select[Any]:
    """Rows of (id, document) of a table of records, and one more than asked for; a shipment's document is its order's
    number.
    """
    document = table.c.order_id if subject is Subject.SHIPMENT else table.c.document
    choice = _of_record_page(tenant, table, subject, query)
    found = choice.first(dialect)
    page = select(table.c.id, document.label("document")).select_from(_looked_up(found, table, tenant))
    return page.order_by(*choice.walk.order(found.c.at, found.c.id))


def record_leaders(tenant: str, table: Table, subject: Subject, query: RecordQuery) -> Select[Any] | None:
    """As ``Choice.leaders``."""
    return _of_record_page(tenant, table, subject, query).leaders()


def found(dialect: str, tenant: str, condition: Condition, scope: Visibility, limit: int) -> Select[Any]:
    """Rows of (subject, id) of what has a term; of one term the latest first, of several in the terms' order."""
    table = terms_table.c
    key = (table.term, table.at, table.subject, table.id)
    chosen = select(*key).where(table.tenant == tenant, condition)
    if scope.ship_tos is not None:
        there = table.ship_to_id.in_(sorted(scope.ship_tos))
        chosen = chosen.where(or_(there, table.subject == Subject.CUSTOMER))
    chosen = chosen.order_by(table.term, table.at.desc(), table.id.desc()).limit(limit)
    accounts = _only(scope, frozenset())
    if accounts is None:
        return chosen
    if len(accounts) == 1:
        return chosen.where(table.customer_id == accounts[0])
    each = _each(accounts)
    if not 0 < len(accounts) <= PARTITIONS:
        return chosen.where(table.customer_id.in_(select(each.c.value)))
    merged = _of_each(dialect, tenant, each, chosen.where(table.customer_id == each.c.value), key)
    columns = merged.selected_columns
    return merged.order_by(columns.term, columns.at.desc(), columns.id.desc()).limit(limit)


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


@dataclass(frozen=True, slots=True)
class Choice:
    """What a page is chosen from. ``chosen``: (id, at) of every row there is, all in some ``account``; ``accounts``:
    whose are wanted, None: everybody's; ``kinds``: what divides rows further, each with an index that sorts them.
    ``key``: the columns of (id, at) in the table itself.
    """

    tenant: str
    chosen: Select[Any]
    account: Any
    at: Any
    id: Any
    accounts: Sequence[str] | None
    kinds: Sequence[Condition]
    walk: Walk
    key: tuple[Any, Any]

    def first(self, dialect: str) -> Any:
        """The first rows of each part, merged, each once: no part is read further than the page is long."""
        order = self.walk.order(self.at, self.id)
        parts = [self._part(kind, order, dialect) for kind in self.kinds or [true()]]
        if len(parts) == 1:
            return parts[0].subquery("found")
        merged = union(*(select(each.subquery(f"part{nth}")) for nth, each in enumerate(parts))).subquery("merged")
        whole = select(merged.c.id, merged.c.at).order_by(*self.walk.order(merged.c.at, merged.c.id))
        return whole.limit(self.walk.limit).subquery("found")

    def leaders(self) -> Select[Any] | None:
        """Of more accounts than a page has rows, only those can be on it whose own first row is among the first. Rows
        of (account, at), of every account its first row's time; None: there are so few, or so many, that all are
        looked at.
        """
        if self.accounts is None or not self.walk.limit < len(self.accounts) <= PARTITIONS:
            return None
        each = _each(self.accounts)
        own = self.chosen.with_only_columns(self.at).where(self.account == each.c.value)
        if self.kinds:
            own = own.where(or_(*self.kinds))
        newest = own.order_by(*self.walk.order(self.at, self.id)).limit(1).correlate(each).scalar_subquery()
        return select(each.c.value.label("account"), newest.label("at"))

    def _part(self, kind: Condition, order: Any, dialect: str) -> Select[Any]:
        rows, limit = self.chosen.where(kind).order_by(*order), self.walk.limit
        if self.accounts is None:
            return rows.limit(limit)
        if len(self.accounts) == 1:
            return rows.where(self.account == self.accounts[0]).limit(limit)
        each = _each(self.accounts)
        if not 0 < len(self.accounts) <= PARTITIONS:
            return rows.where(self.account.in_(select(each.c.value))).limit(limit)
        own = rows.where(self.account == each.c.value).limit(limit)
        found = _of_each(dialect, self.tenant, each, own, self.key)
        return found.order_by(*self.walk.order(found.selected_columns.at, found.selected_columns.id)).limit(limit)


def _looked_up(found: Any, table: Table, tenant: str) -> Any:
    """Each has its row: an outer join only says that they are looked up in turn."""
    return found.outerjoin(table, (table.c.tenant == tenant) & (table.c.id == found.c.id))


def _each(accounts: Sequence[str]) -> Any:
    return each_of(literal(json.dumps(accounts))).table_valued("value").alias("each")


def _of_each(dialect: str, tenant: str, each: Any, own: Select[Any], key: Sequence[Any]) -> Select[Any]:
    """The rows that ``own`` gives for each of ``each``. SQLite has no LATERAL, and looks them up again by ``key``, the
    columns of ``own`` in the table itself, which an index has. It begins with ``each`` only if all else depends on it.
    """
    if dialect == "postgresql":
        rows = own.correlate(each).lateral("own")
        return select(*rows.c).select_from(each.join(rows, true()))
    (table,) = {column.table for column in key}
    again = table.alias("again")
    columns = [again.c[column.name] for column in key]
    theirs = case((each.c.value.is_not(None), tenant)) == again.c.tenant
    named = zip(columns, own.selected_columns, strict=True)
    looked = select(*(column.label(of.name) for column, of in named))
    return looked.select_from(each.join(again, theirs & tuple_(*columns).in_(own.correlate(each))))


class each_of(FunctionElement[str]):  # noqa: N801 (it is written as SQL functions are)
    """The texts of a list in JSON as rows: however many they are, the statement is the same."""

    name = "each_of"
    inherit_cache = True


@compiles(each_of, "sqlite")
def _each_of(element: each_of, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(each_of, "postgresql")
def _each_of_json(element: each_of, compiler: Any, **options: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS JSON))"


def _of_order_page(tenant: str, query: OrderQuery) -> Choice:
    (tags, within), table, tagged = _tags(query.filter), orders.c, terms_table.c
    walk = Walk(query.after, query.limit + 1, query.ascending)
    accounts, ship_tos = _only(query.visibility, within.customer_ids), query.visibility.ship_tos
    rest = [table.tenant == tenant, table.placed_at.is_not(None), *_narrowing(tenant, within)]
    key = (table.id, table.placed_at)
    there, stands = sees_there(orders, query.visibility), _in_statuses(within)
    if tags:
        chosen = (
            select(tagged.id.label("id"), tagged.at.label("at"))
            .join(orders, (table.tenant == tenant) & (table.id == tagged.id))
            .where(tagged.tenant == tenant, tagged.subject == Subject.ORDER, *rest, *there, *stands)
            .where(*walk.beyond(tagged.at, tagged.id))
        )
        kinds = [tagged.term == tag for tag in tags]
        return Choice(tenant, chosen, tagged.customer_id, tagged.at, tagged.id, accounts, kinds, walk, key)
    chosen = select(table.id.label("id"), table.placed_at.label("at")).where(
        *rest, *walk.beyond(table.placed_at, table.id)
    )
    kinds = [table.status == status for status in sorted(within.statuses)]
    if accounts is not None and ship_tos is not None:
        kinds, there = [table.ship_to_id == ship_to for ship_to in sorted(ship_tos)] or [false()], stands
    return Choice(
        tenant, chosen.where(*there), table.customer_id, table.placed_at, table.id, accounts, kinds, walk, key
    )


def _of_record_page(tenant: str, table: Table, subject: Subject, query: RecordQuery) -> Choice:
    walk = Walk(query.after, query.limit + 1)
    rest = [table.c.tenant == tenant, table.c.at.is_not(None), *sees_there(table, query.visibility)]
    if query.order_ids:
        rest.append(_of_orders(tenant, table, subject, query))
    chosen = select(table.c.id.label("id"), table.c.at.label("at")).where(*rest, *walk.beyond(table.c.at, table.c.id))
    accounts = _only(query.visibility, query.customer_ids)
    key = (table.c.id, table.c.at)
    return Choice(tenant, chosen, table.c.customer_id, table.c.at, table.c.id, accounts, (), walk, key)


def _in_statuses(within: OrderFilter) -> list[Condition]:
    return [orders.c.status.in_(sorted(within.statuses))] if within.statuses else []


def _tags(within: OrderFilter) -> tuple[Sequence[str], OrderFilter]:
    """What few orders have of what is asked for, the rarest kind first, and what is asked for beside."""
    if within.po_number is not None:
        return [terms.folded(within.po_number)], within
    if within.sku is not None:
        return [terms.sku_tag(within.sku)], replace(within, sku=None)
    if within.exceptions:
        tags = [terms.exception_tag(kind) for kind in sorted(within.exceptions)]
        return tags, replace(within, exceptions=frozenset())
    return ([terms.EXCEPTION], replace(within, has_exception=None)) if within.has_exception else ([], within)


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
