"""UPS Track v1 as it tells of the simulated distributor's parcels: local and GMT times, codes that need their type."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.distributor.harness import clock_of, run, simulator
from examples.distributor.journeys import Journey, Scan, ScanKind
from examples.distributor.tokens import Tokens, basic_client, form
from examples.distributor.world import World

CLIENT_ID: Final = "crossdock-ups"
CLIENT_SECRET: Final = "demo secret & 100% <ups>"

Journeys = Mapping[str, Sequence[Journey]]

ACTIVITIES: Mapping[ScanKind, tuple[str, str, str, str]] = {
    ScanKind.LABEL: ("M", "MP", "003", "Label created"),
    ScanKind.PICKED_UP: ("I", "PU", "038", "Pickup Scan "),
    ScanKind.ARRIVED: ("I", "AR", "005", "Arrived at Facility"),
    ScanKind.DEPARTED: ("I", "DP", "005", "Departed from Facility"),
    ScanKind.OUT_FOR_DELIVERY: ("I", "OT", "021", "Out For Delivery Today"),
    ScanKind.ATTEMPTED: ("X", "48", "060", "Nobody there"),
    ScanKind.AVAILABLE_FOR_PICKUP: ("D", "2Q", "040", "Delivered to UPS Access Point"),
    ScanKind.DELIVERED: ("D", "KB", "011", "DELIVERED "),
    ScanKind.DELAYED: ("X", "DU", "046", "Delay"),
    ScanKind.EXCEPTION: ("X", "AG", "013", "Exception"),
    ScanKind.RETURNING: ("X", "DL", "035", "Returning to Sender"),
    ScanKind.RETURNED: ("X", "UA", "034", "Returned to Sender"),
    ScanKind.VOIDED: ("MV", "VP", "007", "Voided"),
}
"""Activity type, code, package status code and text. KB is in no published list: its status code says what it means."""


def answer(number: str, journeys: Sequence[Journey], now: datetime) -> object:
    """What ``/details/{number}`` says: one shipment per consignment the number has had, or a warning inside a 200."""
    shipments = [_shipment(journey, journey.until(now)) for journey in journeys if journey.until(now)]
    missing = {"inquiryNumber": number, "warnings": [{"code": "TW0001", "message": "Tracking Information Not Found"}]}
    return {"trackResponse": {"shipment": shipments or [missing]}}


def alert(journey: Journey, at: datetime) -> object:
    """What Track Alert posts of the scan at ``at``: that activity alone, in other words than ``answer`` has for it."""
    scans = journey.until(at)
    scan = scans[-1]
    local, status = _local(scan), _status(scan)
    placed = scan.utc_offset_minutes is not None
    estimate = journey.estimated_delivery
    delivered = scan.kind is ScanKind.DELIVERED
    return {
        "trackingNumber": journey.number,
        "localActivityDate": f"{local:%Y%m%d}",
        "localActivityTime": f"{local:%H%M%S}",
        "activityLocation": {
            "city": scan.city,
            "stateProvince": scan.region,
            "postalCode": journey.ship_to_postal_code if delivered else "",
            "country": scan.country,
        },
        "activityStatus": {
            "type": status["type"],
            "code": status["code"],
            "description": status["description"],
            "descriptionCode": status.get("statusCode", ""),
        },
        "scheduledDeliveryDate": f"{estimate:%Y%m%d}" if estimate and not delivered else "",
        "actualDeliveryDate": f"{local:%Y%m%d}" if delivered else "",
        "actualDeliveryTime": f"{local:%H%M%S}" if delivered else "",
        "gmtActivityDate": f"{scan.at:%Y%m%d}" if placed else "",
        "gmtActivityTime": f"{scan.at:%H%M%S}" if placed else "",
        "deliveryStartTime": "",
        "deliveryEndTime": "",
        "deliveryTimeDescription": "" if delivered else "end of day",
    }


def _shipment(journey: Journey, scans: Sequence[Scan]) -> object:
    activities = [_activity(scan) for scan in reversed(scans)]
    package = {
        "trackingNumber": journey.number,
        **dict(_delivery(journey, scans)),
        "activity": activities,
        "packageCount": 1,
        "currentStatus": activities[0]["status"],
        "referenceNumber": [{"type": "SHIPMENT", "number": journey.order_number}],
        "service": {"code": "518", "levelCode": "011", "description": journey.service},
        "weight": {"unitOfMeasurement": "LBS", "weight": journey.weight_lb},
        "packageAddress": [{"type": "DESTINATION", "address": {"postalCode": journey.ship_to_postal_code}}],
    }
    return {"inquiryNumber": journey.number, "package": [package]}


def _activity(scan: Scan) -> dict[str, Any]:
    place = {"city": scan.city, "stateProvince": scan.region, "countryCode": scan.country, "country": scan.country}
    local = _local(scan)
    told = {
        "location": {"address": place, "slic": "4321"},
        "status": _status(scan),
        "date": f"{local:%Y%m%d}",
        "time": f"{local:%H%M%S}",
    }
    if scan.utc_offset_minutes is not None:
        sign, minutes = "-" if scan.utc_offset_minutes < 0 else "+", abs(scan.utc_offset_minutes)
        told |= {
            "gmtDate": f"{scan.at:%Y%m%d}",
            "gmtTime": f"{scan.at:%H:%M:%S}",
            "gmtOffset": f"{sign}{minutes // 60:02}:{minutes % 60:02}",
        }
    return told


def _status(scan: Scan) -> dict[str, str]:
    if scan.kind is ScanKind.ODD:
        return {"type": "I", "code": scan.raw or "", "description": "Event"}
    kind, code, status_code, text = ACTIVITIES[scan.kind]
    description = f"{text}: {scan.reason}" if scan.reason else text
    return {"type": kind, "code": scan.raw or code, "statusCode": status_code, "description": description}


def _delivery(journey: Journey, scans: Sequence[Scan]) -> Iterator[tuple[str, object]]:
    delivered = next((scan for scan in scans if scan.kind is ScanKind.DELIVERED), None)
    if delivered:
        local = _local(delivered)
        yield "deliveryDate", [{"type": "DEL", "date": f"{local:%Y%m%d}"}]
        yield "deliveryTime", {"type": "DEL", "endTime": f"{local:%H%M%S}"}
        yield "deliveryInformation", {"location": "Dock", "receivedBy": delivered.signed_by or "", "signature": {}}
    elif journey.estimated_delivery:
        scheduled = [{"type": "SDD", "date": f"{journey.estimated_delivery:%Y%m%d}"}]
        if any(scan.kind is ScanKind.DELAYED for scan in scans):
            later = journey.estimated_delivery + timedelta(days=2)
            scheduled.append({"type": "RDD", "date": f"{later:%Y%m%d}"})
        yield "deliveryDate", scheduled
        yield "deliveryTime", {"type": "EOD"}


def _local(scan: Scan) -> datetime:
    return scan.at.astimezone(UTC) + timedelta(minutes=scan.utc_offset_minutes or 0)


def error(status: int, code: str, message: str) -> Response:
    return _json({"response": {"errors": [{"code": code, "message": message}]}}, status)


def fault(operation: str, status: int) -> Response:
    return error(status, "10002" if status < 500 else "10001", f"{operation}: the request could not be served")


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def routes(journeys: Journeys, lifetime: timedelta = timedelta(hours=4)) -> Sequence[Route]:
    """``journeys`` by tracking number; ``lifetime`` of a token."""
    tokens = Tokens(CLIENT_ID, CLIENT_SECRET, lifetime)

    async def token(request: Request) -> Response:
        asked = form(await request.body())
        issued = tokens.issue(request, basic_client(request))
        if asked.get("grant_type") != "client_credentials" or issued is None:
            return error(401, "10401", "ClientId is Invalid")
        return _json(
            {
                "token_type": "Bearer",
                "client_id": CLIENT_ID,
                "access_token": issued,
                "expires_in": str(tokens.seconds),
                "status": "approved",
            }
        )

    async def details(request: Request) -> Response:
        if not tokens.admits(request):
            return error(401, "250002", "Invalid Authentication Information.")
        if not (request.headers.get("transid") and request.headers.get("transactionsrc")):
            return error(400, "TV1001", "transId and transactionSrc are required")
        number = request.path_params["number"]
        return _json(answer(number, journeys.get(number, ()), clock_of(request).now()))

    return [
        Route("/security/v1/oauth/token", token, methods=["POST"]),
        Route("/api/track/v1/details/{number:path}", details),
    ]


def operation(request: Request, _: bytes) -> str:
    return "token" if request.url.path == "/security/v1/oauth/token" else "track"


if __name__ == "__main__":
    told = World.build().journeys({"UPSN"})
    run(simulator("ups", routes(told), operation=operation, fault=fault), "ups")
