"""How exact values look on the wire: decimals as strings, instants in UTC, never a float."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import strawberry
from graphql import GraphQLError

from domain.values import Moment
from graph.directives import guarded


def instant(value: Moment | datetime) -> datetime:
    """In UTC, for ``engine.wire`` to write: eighteen instants an order were half of the time that an answer took."""
    at = value.at if isinstance(value, Moment) else value
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def read_instant(value: Any) -> datetime:
    """An aware datetime; a time without an offset is refused, because it names no instant."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise GraphQLError(f"{value!r} is not an ISO 8601 date and time.") from None
    if at.tzinfo is None:
        raise GraphQLError(f"{value!r} has no offset: add Z or +hh:mm.")
    return at.astimezone(UTC)


def write_decimal(value: Decimal) -> str:
    return format(value, "f")


def read_decimal(value: Any) -> Decimal:
    try:
        if isinstance(value, str | int):
            return Decimal(value)
    except InvalidOperation:
        pass
    raise GraphQLError(f"{value!r} is not a decimal: pass a string or an integer.")


DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="An instant in UTC, ISO 8601: 2026-03-01T19:03:00Z.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=instant,
    parse_value=read_instant,
)
DECIMAL = strawberry.scalar(
    name="Decimal",
    description='An exact decimal number as a string: "1204.50".',
    serialize=write_decimal,
    parse_value=read_decimal,
)
SCALARS: dict[object, Any] = {Moment: DATE_TIME, datetime: DATE_TIME, Decimal: DECIMAL}


@strawberry.type(description="An exact amount in one currency (ISO 4217).")
class Money:
    amount: Decimal
    currency: str


@strawberry.type(
    description="A count in the unit it was sold in, and the same count in the item's base (stocking) unit."
)
class Quantity:
    value: Decimal
    unit: str
    base_value: Decimal
    base_unit: str


@strawberry.type(description="A postal address as the source keeps it.")
class Address:
    name: str | None = guarded("personal:read")
    lines: list[str] | None = guarded("personal:read")
    city: str | None
    region: str | None
    postal_code: str | None
    country: str | None


@strawberry.type(
    description="A source's own code, raw, with the table that gives it meaning. An unknown code moves no status."
)
class Code:
    raw: str
    table: str
    known: bool = strawberry.field(
        description="False when no mapping holds it: it is kept, shown and counted, and moves nothing."
    )
