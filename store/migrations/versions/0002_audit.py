"""The audit chain, which triggers keep from being altered: defence in depth, for whoever may drop a trigger may alter
it, and the chain's hashes show that.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

KEY = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

TRIGGERS = {
    "sqlite": (
        """CREATE TRIGGER audit_keeps_rows BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
        """CREATE TRIGGER audit_loses_none BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
        # INSERT OR REPLACE deletes without asking the one before
        """CREATE TRIGGER audit_replaces_none BEFORE INSERT ON audit
        WHEN EXISTS (SELECT 1 FROM audit WHERE tenant = NEW.tenant AND sequence = NEW.sequence)
        BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$""",
        """CREATE TRIGGER audit_keeps_rows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()""",
    ),
}


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("previous", KEY, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "sequence"),
    )
    op.create_index("audit_at", "audit", ["tenant", "at"], unique=False)
    op.create_table(
        "audit_heads",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
        sqlite_with_rowid=False,
    )
    for statement in TRIGGERS[op.get_context().dialect.name]:
        op.execute(statement)
