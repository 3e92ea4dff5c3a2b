"""USPS Tracking v3 as it tells of the simulated distributor's parcels: GMT times, numbers that are used again.

As the live service does, it sends nulls, booleans as words and mail classes as people read them, where its
specification has none of these.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.distributor.harness import clock_of, run, simulator
from examples.distributor.journeys import Journey, Scan, ScanKind
from examples.distributor.tokens import Tokens, client_of, json_fields
from examples.distributor.world import World

CLIENT_ID: Final = "crossdock-usps"
CLIENT_SECRET: Final = "demo secret & 100% <usps>"

Journeys = Mapping[str, Sequence[Journey]]

EVENTS: Mapping[ScanKind, tuple[str, str, str]] = {
    ScanKind.LABEL: ("GX", "Shipping Label Created, USPS Awaiting Item", "Pre-Shipment"),
    ScanKind.PICKED_UP: ("03", "USPS in possession of item", "Accepted"),
    ScanKind.ARRIVED: ("A1", "Arrived at USPS Regional Facility", "In Transit"),
    ScanKind.DEPARTED: ("T1", "Departed USPS Regional Facility", "In Transit"),
    ScanKind.OUT_FOR_DELIVERY: ("OF", "Out for Delivery", "In Transit"),
    ScanKind.ATTEMPTED: ("02", "Notice Left", "Delivery Attempt"),
    ScanKind.AVAILABLE_FOR_PICKUP: ("16", "Available for Pickup", "Available for Pickup"),
    ScanKind.DELIVERED: ("01", "Delivered, Front Desk/Reception/Mail Room", "Delivered"),
    ScanKind.DELAYED: ("71", "Rescheduled to Next Delivery Day", "Alert"),
    ScanKind.EXCEPTION: ("05", "Undeliverable as Addressed", "Alert"),
    ScanKind.RETURNING: ("09", "Return to Sender", "Alert"),
    ScanKind.RETURNED: ("01", "Delivered, To Original Sender", "Delivered to Agent"),
}
"""Event code, text and status category, which calls out-for-delivery in transit. A void label is simply not known."""


def answer(journeys: Sequence[Journey], now: datetime, mailed: date | None) -> object | None:
    """What ``/tracking/{number}`` says: the mail piece mailed nearest to ``mailed``, else the newest; None: a 404."""
    told = [journey for journey in journeys if _scans(journey, now)]
    if not told:
        return None
    if mailed is None:
        piece = max(told, key=lambda journey: journey.shipped_on)
    else:
        piece = min(told, key=lambda journey: abs(journey.shipped_on - mailed))
    return _details(piece, _scans(piece, now))


def _scans(journey: Journey, now: datetime) -> Sequence[Scan]:
    scans = journey.until(now)
    return () if any(scan.kind is ScanKind.VOIDED for scan in scans) else scans


def _details(journey: Journey, scans: Sequence[Scan]) -> object:
    newest = EVENTS.get(scans[-1].kind, ("", "Event", "In Transit"))
    details: dict[str, object] = {
        "trackingNumber": journey.number,
        "destinationZIP": journey.ship_to_postal_code,
        "emailEnabled": "true",
        "kahalaIndicator": "false",
        "mailClass": f"{journey.service}<SUP>&#174;</SUP>",
        "mailType": "DM",
        "originCity": scans[0].city,
        "originState": scans[0].region,
        "serviceTypeCode": "001",
        "services": ["USPS Tracking<SUP>&#174;</SUP>"],
        "status": newest[1],
        "statusCategory": newest[2],
        "tableCode": "T",
        "uniqueMailPieceID": journey.unique_id,
        "mailPieceIntakeDate": f"{journey.shipped_on.isoformat()} 11:09:19.000000",
        "trackingEvents": [_event(scan) for scan in reversed(scans)],
    }
    if journey.estimated_delivery and scans[-1].kind is not ScanKind.DELIVERED:
        details["expectedDeliveryTimeStamp"] = f"{journey.estimated_delivery.isoformat()}T00:00:00"
    return details


def _event(scan: Scan) -> dict[str, Any]:
    code, text, _ = EVENTS.get(scan.kind, ("", "Event", ""))
    local = scan.at.astimezone(UTC) + timedelta(minutes=scan.utc_offset_minutes or 0)
    told = {
        "eventType": f"{text}: {scan.reason}" if scan.reason else text,
        "eventTimestamp": f"{local:%Y-%m-%dT%H:%M}:00",
        "eventCountry": None if scan.country == "US" else scan.country,
        "eventCity": scan.city,
        "eventState": scan.region,
        "eventZIP": None,
        "firm": None,
        "name": scan.signed_by,
        "authorizedAgent": "false",
        "eventCode": scan.raw or code,
        "additionalProp": None,
    }
    if scan.utc_offset_minutes is not None:
        sign, minutes = "-" if scan.utc_offset_minutes < 0 else "+", abs(scan.utc_offset_minutes)
        told |= {
            "GMTTimestamp": f"{scan.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z",
            "GMTOffset": f"{sign}{minutes // 60}:{minutes % 60:02}",
        }
    return told


def error(status: int, message: str) -> Response:
    body = {
        "apiVersion": "/tracking/v3",
        "error": {
            "code": str(status),
            "message": message,
            "errors": [{"status": str(status), "code": "150001", "title": message, "detail": message}],
        },
    }
    return _json(body, status)


def fault(operation: str, status: int) -> Response:
    return error(status, f"{operation}: the request could not be served")


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def routes(journeys: Journeys, lifetime: timedelta = timedelta(hours=8)) -> Sequence[Route]:
    """``journeys`` by tracking number; ``lifetime`` of a token."""
    tokens = Tokens(CLIENT_ID, CLIENT_SECRET, lifetime)

    async def token(request: Request) -> Response:
        issued = tokens.issue(request, client_of(json_fields(await request.body())))
        if issued is None:
            return _json({"error": "invalid_client", "error_description": "Client authentication failed."}, 401)
        return _json(
            {"access_token": issued, "token_type": "Bearer", "expires_in": tokens.seconds - 1, "scope": "tracking"}
        )

    async def track(request: Request) -> Response:
        if not tokens.admits(request):
            return error(401, "Invalid token")
        number, mailed = request.path_params["number"], request.query_params.get("mailingDate")
        if request.query_params.get("expand") != "DETAIL":
            return error(400, "Only expand=DETAIL is simulated.")
        try:
            day = date.fromisoformat(mailed) if mailed else None
        except ValueError:
            return error(400, "mailingDate is not a date.")
        told = answer(journeys.get(number, ()), clock_of(request).now(), day)
        return error(404, "A status update is not yet available on this package.") if told is None else _json(told)

    return [
        Route("/oauth2/v3/token", token, methods=["POST"]),
        Route("/tracking/v3/tracking/{number:path}", track),
    ]


def operation(request: Request, _: bytes) -> str:
    return "token" if request.url.path == "/oauth2/v3/token" else "track"


if __name__ == "__main__":
    run(simulator("usps", routes(World.build().journeys({"USPS"})), operation=operation, fault=fault), "usps")
