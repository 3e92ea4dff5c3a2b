"""What was recorded of each system is what its contract says: the WSDL's schema, the OpenAPI document, or the structs
that read it. A recording without a contract here is refused, so that none drifts unseen.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from lxml import etree

from domain.events import Delivery
from examples.distributor.erp import service
from sources import x12
from sources.carriers.dhl import wire as dhl
from sources.carriers.fedex import wire as fedex
from sources.carriers.ups import wire as ups
from sources.carriers.usps import wire as usps
from sources.feeds import FEEDS

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
XS = "http://www.w3.org/2001/XMLSchema"
OPENAPI = json.loads((ROOT / "examples" / "distributor" / "wms.openapi.json").read_bytes())
DAMAGED: Mapping[str, int] = {"OrdersReply": 1, "ShipmentsReply": 1, "x12": 1}
"""Records in a recording that break its contract, as that system's do at times: adapters are tested with them."""

Check = Callable[[bytes], object]


@cache
def schema() -> etree.XMLSchema:
    """All the ERP's schemas as one."""
    root = etree.Element(f"{{{XS}}}schema")
    for path in sorted(service.CONTRACT.glob("*.xsd")):
        namespace = etree.parse(path).getroot().get("targetNamespace", "")
        etree.SubElement(root, f"{{{XS}}}import", namespace=namespace, schemaLocation=path.as_uri())
    return etree.XMLSchema(root)


def by_wsdl(recorded: bytes) -> None:
    """A message of the schema in a SOAP envelope; or a fault, each of whose details is one."""
    (content,) = etree.fromstring(recorded).iterfind(f"{SOAP}Body/*")
    for message in content.iterfind("detail/*") if content.tag == f"{SOAP}Fault" else [content]:
        schema().assertValid(message)


def by_openapi(name: str) -> Check:
    wanted = {"$ref": f"#/components/schemas/{name}", "components": OPENAPI["components"]}

    def checked(recorded: bytes) -> None:
        errors = jsonschema.Draft202012Validator(wanted).iter_errors(json.loads(recorded))
        broken = {tuple(error.absolute_path)[:2] for error in errors}
        assert len(broken) == DAMAGED[name], broken

    return checked


def by_struct(struct: type[Any]) -> Check:
    return lambda recorded: msgspec.json.decode(recorded, type=struct)


def by_feed(role: str, kind: str) -> Check:
    def parsed(recorded: bytes) -> None:
        reader = FEEDS[role, kind].reader(None)
        assert reader.parse(
            Delivery(kind, "1", reader.topic(recorded), datetime(2026, 11, 20, 15, tzinfo=UTC), recorded)
        )

    return parsed


def by_x12(recorded: bytes) -> None:
    """Messages that are whole, but for those that were recorded because they are not."""
    damaged = [one for one in x12.read(recorded) if isinstance(one, x12.Damaged)]
    assert len(damaged) == DAMAGED["x12"], damaged


CONTRACTS: Mapping[str, Check] = {
    "erp_soap/*.xml": by_wsdl,
    "erp_soap/push_*.json": by_feed("erp", "soap"),
    "wms/orders.json": by_openapi("OrdersReply"),
    "wms/shipments.json": by_openapi("ShipmentsReply"),
    "wms/push.json": by_feed("wms", "rest"),
    "carriers/ups/alert_*.json": by_feed("carriers", "ups"),
    "carriers/ups/[dno]*.json": by_struct(ups.TrackReply),
    "carriers/fedex/track.json": by_struct(fedex.TrackReply),
    "carriers/fedex/push.json": by_feed("carriers", "fedex"),
    "carriers/usps/delivered.json": by_struct(usps.TrackingDetails),
    "carriers/usps/not_found.json": by_struct(usps.Refusal),
    "carriers/dhl/shipments.json": by_struct(dhl.TrackReply),
    "carriers/dhl/not_found.json": by_struct(dhl.Problem),
    "carriers/x12_214/outbox.x12": by_x12,
    "carriers/x12_214/push.x12": by_feed("carriers", "x12_214"),
}


RECORDINGS = [str(path.relative_to(FIXTURES)) for path in sorted(FIXTURES.rglob("*")) if path.is_file()]


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_is_what_its_contract_says(name: str) -> None:
    checks = [check for pattern, check in CONTRACTS.items() if Path(name).match(pattern)]
    assert len(checks) == 1, f"{name} has {len(checks)} contracts"
    checks[0]((FIXTURES / name).read_bytes())
