"""Law: personal data needs its scope. Every text of the schema is guarded by it, or stands here as read and found to
tell of no person; a new one fails until somebody has decided.
"""

from collections.abc import Iterator

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, get_named_type

from domain.access import PrincipalKind, granted
from engine.guards import read_guard
from graph import schema as graph_schema

PERSONAL = "personal:read"

GUARDED = {
    "Address.name",
    "Address.lines",
    "Hold.reason",
    "OrderException.internal",
    "ProofOfDelivery.receivedBy",
    "ShipTo.name",
}
"""Consignees and addressees, streets, who signed, and what people wrote."""

OF_NO_PERSON = {
    "Activity": "after before cursor",
    "Address": "city country postalCode region",
    "Carrier": "name scac",
    "Code": "raw table",
    "Customer": "name notice number subsidiary terms territory",
    "Document": "mediaType title url",
    "Hold": "message",
    "Invoice": "number",
    "InvoiceLine": "description sku",
    "Item": "customerSku description sku",
    "LineDiscrepancy": "rule",
    "Money": "currency",
    "Order": "number poNumber shipToId summary",
    "OrderException": "message",
    "OrderUpdate": "cursor",
    "Package": "id trackingNumber",
    "PageInfo": "endCursor startCursor",
    "ProofOfDelivery": "location",
    "Quantity": "baseUnit unit",
    "ReconcilePayload": "runId",
    "Return": "rmaNumber",
    "ReturnLine": "disposition reason sku",
    "ShipTo": "id",
    "Shipment": "number orderNumber service trackingNumber trackingUrl warehouse",
    "ShipmentLine": "sku",
    "ShipmentUpdate": "cursor",
    "Source": "system",
    "StatedQuantity": "source what",
    "StatusEvidence": "code source",
    "StatusExplanation": "missing rule",
    "TimelineEvent": "id message source",
    "TrackingEvent": "location message trackingNumber utcOffset",
    "Viewer": "name scopes",
}
"""Numbers, codes, goods, companies' names, sentences of ours, towns, and the caller's own name."""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return graph_schema.executable(graph_schema.build())


def texts(schema: GraphQLSchema) -> Iterator[tuple[str, bool]]:
    """Every field that holds texts, and whether the scope of personal data guards it."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("_"):
            for name, field in type_.fields.items():
                if get_named_type(field.type).name == "String" and not type_.name.endswith("Edge"):
                    guard = read_guard(field)
                    scopes = guard.scopes if guard else ()
                    yield f"{type_.name}.{name}", bool(scopes) and all(PERSONAL in each for each in scopes)


def test_every_text_is_guarded_as_personal_or_known_to_be_none(schema: GraphQLSchema) -> None:
    known = {f"{type_}.{name}" for type_, names in OF_NO_PERSON.items() for name in names.split()}
    found = dict(texts(schema))
    assert {field for field, guarded in found.items() if guarded} == GUARDED
    assert {field for field, guarded in found.items() if not guarded} == known


@pytest.mark.parametrize("kind", PrincipalKind)
def test_only_an_analyst_must_be_given_the_scope(kind: PrincipalKind) -> None:
    stated = frozenset({"order:read", "root"})
    assert granted(kind, stated) == {"order:read"} | ({PERSONAL} if kind is not PrincipalKind.ANALYST else set())
    assert granted(kind, stated | {PERSONAL}) == {"order:read", PERSONAL}
