"""DHL Shipment Tracking Unified as it tells of the simulated distributor's parcels: five codes, times as told."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.distributor.harness import clock_of, run, simulator
from examples.distributor.journeys import Journey, Scan, ScanKind
from examples.distributor.world import World

API_KEY: Final = "demo-key-dhl"

Journeys = Mapping[str, Sequence[Journey]]

EVENTS: Mapping[ScanKind, tuple[str, str, str]] = {
    ScanKind.LABEL: ("pre-transit", "SD", "Shipment information received"),
    ScanKind.PICKED_UP: ("transit", "PU", "Shipment picked up"),
    ScanKind.ARRIVED: ("transit", "AF", "Arrived at DHL facility"),
    ScanKind.DEPARTED: ("transit", "DF", "Departed a DHL facility"),
    ScanKind.OUT_FOR_DELIVERY: ("transit", "WC", "Shipment is out with courier for delivery"),
    ScanKind.ATTEMPTED: ("failure", "NH", "Delivery attempted; consignee not available"),
    ScanKind.AVAILABLE_FOR_PICKUP: ("transit", "CC", "Awaiting collection by the consignee"),
    ScanKind.DELIVERED: ("delivered", "OK", "Delivered"),
    ScanKind.DELAYED: ("failure", "OH", "Shipment is on hold"),
    ScanKind.EXCEPTION: ("failure", "MD", "Further details required"),
    ScanKind.RETURNING: ("failure", "RT", "Returned to shipper"),
    ScanKind.RETURNED: ("unknown", "RT", "Return delivered"),
    ScanKind.VOIDED: ("unknown", "CA", "Cancelled"),
}
"""Status code, status and text. Five codes say less than what happened."""


def answer(journeys: Sequence[Journey], now: datetime) -> object | None:
    """What ``/track/shipments`` says: every shipment the number has had; None: a 404."""
    told = [_shipment(journey, journey.until(now)) for journey in journeys if journey.until(now)]
    return {"shipments": told} if told else None


def _shipment(journey: Journey, scans: Sequence[Scan]) -> object:
    events = [_event(scan) for scan in reversed(scans)]
    delivered = next((scan for scan in scans if scan.kind is ScanKind.DELIVERED), None)
    details: dict[str, object] = {
        "product": {"productName": journey.service},
        "weight": {"value": float(journey.weight_lb), "unitText": "lb"},
        "references": [{"number": journey.order_number, "type": "customer-reference"}],
        "proofOfDeliverySignedAvailable": delivered is not None,
    }
    if delivered:
        details["proofOfDelivery"] = {
            "timestamp": _iso(delivered),
            "signed": {"@type": "Person", "name": delivered.signed_by or ""},
        }
    shipment = {
        "id": journey.number,
        "service": "express",
        "origin": {"address": {"addressLocality": scans[0].city, "countryCode": scans[0].country}},
        "destination": {"address": {"postalCode": journey.ship_to_postal_code}},
        "status": events[0],
        "details": details,
        "events": events,
    }
    if journey.estimated_delivery and not delivered:
        shipment["estimatedTimeOfDelivery"] = f"{journey.estimated_delivery.isoformat()}T00:00:00Z"
    return shipment


def _event(scan: Scan) -> dict[str, Any]:
    code, status, text = EVENTS.get(scan.kind, (scan.raw or "", "XX", "Event"))
    return {
        "timestamp": _iso(scan),
        "location": {"address": {"addressLocality": f"{scan.city} - {scan.region}", "countryCode": scan.country}},
        "statusCode": scan.raw or code,
        "status": status,
        "description": f"{text}: {scan.reason}" if scan.reason else text,
    }


def _iso(scan: Scan) -> str:
    """With its offset, or local without one."""
    if scan.utc_offset_minutes is None:
        return f"{scan.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    local = scan.at.astimezone(UTC) + timedelta(minutes=scan.utc_offset_minutes)
    sign, minutes = "-" if scan.utc_offset_minutes < 0 else "+", abs(scan.utc_offset_minutes)
    return f"{local:%Y-%m-%dT%H:%M:%S}{sign}{minutes // 60:02}:{minutes % 60:02}"


def problem(status: int, title: str, detail: str) -> Response:
    """RFC 9457."""
    body = {"title": title, "status": status, "detail": detail}
    return Response(msgspec.json.encode(body), status, media_type="application/problem+json")


def fault(operation: str, status: int) -> Response:
    return problem(status, "The service cannot answer", f"{operation}: the request could not be served")


def routes(journeys: Journeys) -> Sequence[Route]:
    """``journeys`` by tracking number."""

    async def track(request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("dhl-api-key", "").encode(), API_KEY.encode()):
            return problem(401, "Unauthorized", "DHL-API-Key is missing or wrong.")
        number = request.query_params.get("trackingNumber")
        if not number:
            return problem(400, "Bad request", "trackingNumber is required.")
        told = answer(journeys.get(number, ()), clock_of(request).now())
        if told is None:
            return problem(404, "No result found", "No shipment with given tracking number found.")
        return Response(msgspec.json.encode(told), media_type="application/json")

    return [Route("/track/shipments", track)]


def operation(_: Request, __: bytes) -> str:
    return "track"


if __name__ == "__main__":
    run(simulator("dhl", routes(World.build().journeys({"DHLE"})), operation=operation, fault=fault), "dhl")
