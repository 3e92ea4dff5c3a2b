"""Accounts are found by their subsidiary too, as those who are bound to some see no others."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

KEY = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

FILLED = {
    "sqlite": "UPDATE customers SET subsidiary = json_extract(document, '$.subsidiary') WHERE at IS NOT NULL",
    "postgresql": "UPDATE customers SET subsidiary = CAST(document AS JSON) ->> 'subsidiary' WHERE at IS NOT NULL",
}
"""By what each account's document says of it."""


def upgrade() -> None:
    op.add_column("customers", sa.Column("subsidiary", KEY, nullable=True))
    op.create_index("customers_in_subsidiary", "customers", ["tenant", "subsidiary"], unique=False)
    op.execute(FILLED[op.get_context().dialect.name])
