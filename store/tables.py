"""The tables of memory: tenant first in every key, key and filter columns beside one document, no sequences."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects import postgresql

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant as microseconds since 1970: the same in every database, exact, and sorted as time is."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 (the interface's)
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (the interface's)
        return None if value is None else EPOCH + value * MICROSECOND


def micros(value: datetime) -> int:
    """Raises ValueError for a time without an offset: nobody knows when that is."""
    if value.tzinfo is None:
        raise ValueError(f"{value} has no offset")
    return (value - EPOCH) // MICROSECOND


KEY = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that sorts by its bytes, in every database."""

metadata = MetaData()


def _key(name: str, *, primary_key: bool = False, nullable: bool = False) -> Column[str]:
    return Column(name, KEY, primary_key=primary_key, nullable=nullable)


def _tenant() -> Column[str]:
    return _key("tenant", primary_key=True)


deliveries = Table(
    "deliveries",
    metadata,
    _tenant(),
    _key("source", primary_key=True),
    _key("external_id", primary_key=True),
    _key("topic"),
    Column("received_at", Instant, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("headers", Text, nullable=False),
    Column("correlation_id", Text),
    _key("state"),
    Column("due_at", Instant),
    Column("attempts", Integer, nullable=False),
    _key("waits_for", nullable=True),
    Column("reason", Text),
    Column("ended_at", Instant),
    Index("deliveries_due", "tenant", "due_at"),
    Index("deliveries_received", "tenant", "received_at"),
    Index("deliveries_waiting", "tenant", "state", "waits_for"),
)
"""The inbox. ``due_at``: when a worker may next take it; none once it is settled or dead."""

orders = Table(
    "orders",
    metadata,
    _tenant(),
    _key("id", primary_key=True),
    Column("version", Integer, nullable=False),
    _key("customer_id", nullable=True),
    _key("ship_to_id", nullable=True),
    Column("placed_at", Instant),
    _key("po_number", nullable=True),
    _key("lifecycle", nullable=True),
    _key("status", nullable=True),
    Column("has_exception", Boolean),
    Column("review_at", Instant),
    Column("document", Text, nullable=False),
    Index("orders_placed", "tenant", "placed_at", "id"),
    Index("orders_of_account", "tenant", "customer_id", "placed_at", "id"),
    Index("orders_of_account_in_status", "tenant", "customer_id", "status", "placed_at", "id"),
    Index("orders_of_ship_to", "tenant", "customer_id", "ship_to_id", "placed_at", "id"),
    Index("orders_in_status", "tenant", "status", "placed_at", "id"),
    Index("orders_with_po", "tenant", "po_number"),
    Index("orders_to_review", "tenant", "review_at"),
)
"""One dossier a row. The columns between are those of the order as it stands, and empty while its owner has deleted
it.
"""

tracking_numbers = Table(
    "tracking_numbers",
    metadata,
    _tenant(),
    _key("number", primary_key=True),
    _key("order_id", primary_key=True),
    sqlite_with_rowid=False,
)
"""Whose shipments have or had a number, void ones too."""

shipments = Table(
    "shipments",
    metadata,
    _tenant(),
    _key("id", primary_key=True),
    _key("order_id"),
    _key("customer_id", nullable=True),
    _key("ship_to_id", nullable=True),
    Column("at", Instant),
    Index("shipments_at", "tenant", "at", "id"),
    Index("shipments_of_account", "tenant", "customer_id", "at", "id"),
    Index("shipments_of_order", "tenant", "order_id"),
)
"""Where a shipment is to be found: in its order's dossier. The columns beyond are empty once it is gone."""

terms = Table(
    "terms",
    metadata,
    _tenant(),
    _key("term", primary_key=True),
    Column("at", Instant, primary_key=True),
    _key("subject", primary_key=True),
    _key("id", primary_key=True),
    _key("customer_id"),
    _key("ship_to_id", nullable=True),
    _key("row"),
    Index("terms_of_account", "tenant", "customer_id", "term", "at", "id"),
    Index("terms_of_row", "tenant", "row"),
    sqlite_with_rowid=False,
)
"""What things are found by and lists are narrowed by (``store.terms``). ``row``: the row that a term was made of, as
"ORDER/SO1".
"""


def _records(name: str, *more: Column[str]) -> Table:
    return Table(
        name,
        metadata,
        _tenant(),
        _key("id", primary_key=True),
        Column("version", Integer, nullable=False),
        _key("customer_id", nullable=True),
        _key("ship_to_id", nullable=True),
        Column("at", Instant),
        *more,
        Column("withdrawn_at", Instant),
        Column("document", Text),
        Index(f"{name}_at", "tenant", "at", "id"),
        Index(f"{name}_of_account", "tenant", "customer_id", "at", "id"),
    )


invoices = _records("invoices")
returns = _records("returns")
customers = _records(
    "customers",
    _key("parent_id", nullable=True),
    _key("territory", nullable=True),
    _key("subsidiary", nullable=True),
)
"""``customer_id`` of an account is its own number. The columns between are empty while the owner has deleted it."""
Index("customers_below", customers.c.tenant, customers.c.parent_id)
Index("customers_in_territory", customers.c.tenant, customers.c.territory)
Index("customers_in_subsidiary", customers.c.tenant, customers.c.subsidiary)

records_of_orders = Table(
    "records_of_orders",
    metadata,
    _tenant(),
    _key("subject", primary_key=True),
    _key("order_id", primary_key=True),
    _key("id", primary_key=True),
    Index("records_of_orders_by_id", "tenant", "subject", "id"),
    sqlite_with_rowid=False,
)
"""Which orders an invoice or a return is of."""

changes = Table(
    "changes",
    metadata,
    _tenant(),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("document", Text, nullable=False),
    sqlite_with_rowid=False,
)

places = Table(
    "places",
    metadata,
    _tenant(),
    _key("name", primary_key=True),
    Column("position", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Where the log of changes ends ("changes"), and how far each of its readers has come."""

wants = Table(
    "wants",
    metadata,
    _tenant(),
    _key("subject", primary_key=True),
    _key("key", primary_key=True),
    Column("due_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Index("wants_due", "tenant", "due_at"),
    sqlite_with_rowid=False,
)
"""What is to be read from its owner. ``version`` grows with each time it is wanted."""

runs = Table(
    "runs",
    metadata,
    _tenant(),
    _key("id", primary_key=True),
    _key("kind"),
    Column("began_at", Instant, nullable=False),
    Column("moved_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("outcome", Text),
    Column("place", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Index("runs_of_kind", "tenant", "kind", "began_at"),
)
"""Backfills, rebuilds and reconciliations: how far each has come, to be resumed from there."""

discrepancies = Table(
    "discrepancies",
    metadata,
    _tenant(),
    _key("run_id", primary_key=True),
    _key("subject", primary_key=True),
    _key("id", primary_key=True),
    _key("kind", primary_key=True),
    _key("part", primary_key=True),
    Column("remembered", Text),
    Column("told", Text),
    Column("found_at", Instant, nullable=False),
    Index("discrepancies_found", "tenant", "found_at"),
)
"""What a reconciliation found to differ. ``part``: the line or field within the subject; empty: all of it."""

shadow = Table(
    "shadow",
    metadata,
    _tenant(),
    _key("subject", primary_key=True),
    _key("id", primary_key=True),
    _key("field", primary_key=True),
    Column("part", Text, nullable=False),
    Column("served_by", Text, nullable=False),
    Column("served", Text),
    Column("told_by", Text, nullable=False),
    Column("told", Text),
    Column("compared_at", Instant, nullable=False),
)
"""What two ERPs said otherwise of a record when it was last compared. Each record has a row of no field beside."""

audit = Table(
    "audit",
    metadata,
    _tenant(),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    _key("previous"),
    Column("document", Text, nullable=False),
    _key("hash"),
    Index("audit_at", "tenant", "at"),
)
"""The audit chain, one record a row (``domain.audit.Link``). Triggers that the migration makes let none be altered or
deleted.
"""

audit_heads = Table(
    "audit_heads",
    metadata,
    _tenant(),
    Column("sequence", BigInteger, nullable=False),
    _key("hash"),
    sqlite_with_rowid=False,
)
"""Where each chain ends. Whoever appends holds this row until its transaction ends."""

READ_MODEL = (
    orders,
    tracking_numbers,
    shipments,
    terms,
    invoices,
    returns,
    customers,
    records_of_orders,
)
"""What is made of deliveries and of nothing else, so that it can be dropped and made again."""
