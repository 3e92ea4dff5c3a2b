"""What two ERPs say otherwise of the same record is kept, to be reported by field."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

KEY = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "shadow",
        sa.Column("tenant", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("field", KEY, nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("served_by", sa.Text(), nullable=False),
        sa.Column("served", sa.Text(), nullable=True),
        sa.Column("told_by", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.Column("compared_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject", "id", "field"),
    )
