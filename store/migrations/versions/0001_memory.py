"""The tables of memory as they first were."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

KEY = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "position"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "customers",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("customer_id", KEY, nullable=True),
        sa.Column("ship_to_id", KEY, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("parent_id", KEY, nullable=True),
        sa.Column("territory", KEY, nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_index("customers_at", "customers", ["tenant", "at", "id"], unique=False)
    op.create_index("customers_below", "customers", ["tenant", "parent_id"], unique=False)
    op.create_index("customers_in_territory", "customers", ["tenant", "territory"], unique=False)
    op.create_index("customers_of_account", "customers", ["tenant", "customer_id", "at", "id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("external_id", KEY, nullable=False),
        sa.Column("topic", KEY, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("state", KEY, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("waits_for", KEY, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "source", "external_id"),
    )
    op.create_index("deliveries_due", "deliveries", ["tenant", "due_at"], unique=False)
    op.create_index("deliveries_received", "deliveries", ["tenant", "received_at"], unique=False)
    op.create_index("deliveries_waiting", "deliveries", ["tenant", "state", "waits_for"], unique=False)
    op.create_table(
        "discrepancies",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("part", KEY, nullable=False),
        sa.Column("remembered", sa.Text(), nullable=True),
        sa.Column("told", sa.Text(), nullable=True),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "run_id", "subject", "id", "kind", "part"),
    )
    op.create_index("discrepancies_found", "discrepancies", ["tenant", "found_at"], unique=False)
    op.create_table(
        "invoices",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("customer_id", KEY, nullable=True),
        sa.Column("ship_to_id", KEY, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_index("invoices_at", "invoices", ["tenant", "at", "id"], unique=False)
    op.create_index("invoices_of_account", "invoices", ["tenant", "customer_id", "at", "id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("customer_id", KEY, nullable=True),
        sa.Column("ship_to_id", KEY, nullable=True),
        sa.Column("placed_at", sa.BigInteger(), nullable=True),
        sa.Column("po_number", KEY, nullable=True),
        sa.Column("lifecycle", KEY, nullable=True),
        sa.Column("status", KEY, nullable=True),
        sa.Column("has_exception", sa.Boolean(), nullable=True),
        sa.Column("review_at", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_index("orders_in_status", "orders", ["tenant", "status", "placed_at", "id"], unique=False)
    op.create_index("orders_of_account", "orders", ["tenant", "customer_id", "placed_at", "id"], unique=False)
    op.create_index(
        "orders_of_account_in_status", "orders", ["tenant", "customer_id", "status", "placed_at", "id"], unique=False
    )
    op.create_index(
        "orders_of_ship_to", "orders", ["tenant", "customer_id", "ship_to_id", "placed_at", "id"], unique=False
    )
    op.create_index("orders_placed", "orders", ["tenant", "placed_at", "id"], unique=False)
    op.create_index("orders_to_review", "orders", ["tenant", "review_at"], unique=False)
    op.create_index("orders_with_po", "orders", ["tenant", "po_number"], unique=False)
    op.create_table(
        "places",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "records_of_orders",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("order_id", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject", "order_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("records_of_orders_by_id", "records_of_orders", ["tenant", "subject", "id"], unique=False)
    op.create_table(
        "returns",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("customer_id", KEY, nullable=True),
        sa.Column("ship_to_id", KEY, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_index("returns_at", "returns", ["tenant", "at", "id"], unique=False)
    op.create_index("returns_of_account", "returns", ["tenant", "customer_id", "at", "id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_index("runs_of_kind", "runs", ["tenant", "kind", "began_at"], unique=False)
    op.create_table(
        "shipments",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("order_id", KEY, nullable=False),
        sa.Column("customer_id", KEY, nullable=True),
        sa.Column("ship_to_id", KEY, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_index("shipments_at", "shipments", ["tenant", "at", "id"], unique=False)
    op.create_index("shipments_of_account", "shipments", ["tenant", "customer_id", "at", "id"], unique=False)
    op.create_index("shipments_of_order", "shipments", ["tenant", "order_id"], unique=False)
    op.create_table(
        "terms",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("term", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("customer_id", KEY, nullable=False),
        sa.Column("ship_to_id", KEY, nullable=True),
        sa.Column("row", KEY, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "term", "at", "subject", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("terms_of_account", "terms", ["tenant", "customer_id", "term", "at", "id"], unique=False)
    op.create_index("terms_of_row", "terms", ["tenant", "row"], unique=False)
    op.create_table(
        "tracking_numbers",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("number", KEY, nullable=False),
        sa.Column("order_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", "order_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "wants",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("wants_due", "wants", ["tenant", "due_at"], unique=False)
