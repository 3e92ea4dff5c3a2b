"""FedEx Track v1 as it tells of the simulated distributor's parcels: 30 numbers a call, several shipments a number."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.distributor.harness import clock_of, run, simulator
from examples.distributor.journeys import Journey, Scan, ScanKind
from examples.distributor.paper import pdf
from examples.distributor.tokens import Tokens, client_of, form
from examples.distributor.world import World

CLIENT_ID: Final = "crossdock-fedex"
CLIENT_SECRET: Final = "demo secret & 100% <fedex>"

Journeys = Mapping[str, Sequence[Journey]]

OPERATING_COMPANY = {"FDEG": "FDXG", "FDE": "FDXE"}

EVENTS: Mapping[ScanKind, tuple[str, str, str, str]] = {
    ScanKind.LABEL: ("OC", "Shipment information sent to FedEx", "IN", ""),
    ScanKind.PICKED_UP: ("PU", "Picked up", "PU", ""),
    ScanKind.ARRIVED: ("AR", "Arrived at FedEx location", "IT", ""),
    ScanKind.DEPARTED: ("DP", "Departed FedEx location", "IT", ""),
    ScanKind.OUT_FOR_DELIVERY: ("OD", "On FedEx vehicle for delivery", "IT", ""),
    ScanKind.ATTEMPTED: ("DE", "Delivery exception", "DE", "08"),
    ScanKind.AVAILABLE_FOR_PICKUP: ("HL", "Ready for pickup", "HL", ""),
    ScanKind.DELIVERED: ("DL", "Delivered", "DL", ""),
    ScanKind.DELAYED: ("DY", "Delay", "DY", "71"),
    ScanKind.EXCEPTION: ("SE", "Shipment exception", "SE", "03"),
    ScanKind.RETURNING: ("RS", "Returning package to shipper", "RS", ""),
    ScanKind.RETURNED: ("DL", "Delivered to shipper", "DL", ""),
    ScanKind.VOIDED: ("CA", "Shipment cancelled by sender", "CA", ""),
}
"""Event type, text, derived status code and exception code."""


class NumberInfo(msgspec.Struct, frozen=True, rename="camel"):
    tracking_number: str


class TrackingInfo(msgspec.Struct, frozen=True, rename="camel"):
    tracking_number_info: NumberInfo


class TrackRequest(msgspec.Struct, frozen=True, rename="camel"):
    include_detailed_scans: bool
    tracking_info: Annotated[list[TrackingInfo], msgspec.Meta(min_length=1, max_length=30)]


class UniqueNumber(msgspec.Struct, frozen=True, rename="camel"):
    tracking_number: str
    tracking_number_unique_id: str


class DocumentSpecification(msgspec.Struct, frozen=True, rename="camel"):
    tracking_number_info: UniqueNumber


class DocumentDetail(msgspec.Struct, frozen=True, rename="camel"):
    document_type: Literal["SIGNATURE_PROOF_OF_DELIVERY"]
    document_format: Literal["PDF"]


class DocumentRequest(msgspec.Struct, frozen=True, rename="camel"):
    track_document_detail: DocumentDetail
    track_document_specification: Annotated[list[DocumentSpecification], msgspec.Meta(min_length=1, max_length=30)]


def letters(asked: DocumentRequest, journeys: Journeys, now: datetime) -> list[bytes]:
    """The proofs of delivery of what is delivered."""
    numbers = [each.tracking_number_info for each in asked.track_document_specification]
    return [
        b"".join(pdf(f"Delivered {number.tracking_number}, signed {delivered.signed_by}"))
        for number in numbers
        for journey in journeys.get(number.tracking_number, ())
        if unique_id(journey) == number.tracking_number_unique_id
        for delivered in journey.until(now)
        if delivered.kind is ScanKind.DELIVERED
    ]


def unique_id(journey: Journey) -> str:
    return f"{journey.unique_id}~{journey.number}~{journey.scac}"


def answer(numbers: Sequence[str], journeys: Journeys, now: datetime) -> object:
    """What a call says: for each number every shipment it has had, or an error in place of one."""
    results = [_complete(number, journeys.get(number, ()), now) for number in numbers]
    return {"transactionId": "5a7c3b52-demo", "output": {"completeTrackResults": results}}


def push(journey: Journey, at: datetime) -> object:
    """What the tracking webhook posts of a scan at ``at``: all of its shipment, as a call would answer then."""
    results = [_result(journey, journey.until(at))]
    complete = {"trackingNumber": journey.number, "trackResults": results}
    return {"transactionId": "5a7c3b52-demo", "output": {"completeTrackResults": [complete]}}


def _complete(number: str, journeys: Sequence[Journey], now: datetime) -> object:
    told = [_result(journey, journey.until(now)) for journey in journeys if journey.until(now)]
    missing = {
        "trackingNumberInfo": {"trackingNumber": number, "trackingNumberUniqueId": "", "carrierCode": ""},
        "error": {"code": "TRACKING.TRACKINGNUMBER.NOTFOUND", "message": "Tracking number cannot be found."},
    }
    return {"trackingNumber": number, "trackResults": told or [missing]}


def _result(journey: Journey, scans: Sequence[Scan]) -> dict[str, object]:
    events = [_event(scan) for scan in reversed(scans)]
    newest = events[0]
    delivered = next((scan for scan in scans if scan.kind is ScanKind.DELIVERED), None)
    return {
        "trackingNumberInfo": {
            "trackingNumber": journey.number,
            "trackingNumberUniqueId": unique_id(journey),
            "carrierCode": OPERATING_COMPANY[journey.scac],
        },
        "additionalTrackingInfo": {
            "packageIdentifiers": [{"type": "PURCHASE_ORDER", "values": [journey.order_number]}],
            "hasAssociatedShipments": False,
        },
        "latestStatusDetail": {
            "code": newest["eventType"],
            "derivedCode": newest["derivedStatusCode"],
            "statusByLocale": newest["derivedStatus"],
            "description": newest["eventDescription"],
            "scanLocation": newest["scanLocation"],
        },
        "serviceDetail": {"type": journey.service.upper().replace(" ", "_"), "description": journey.service},
        "packageDetails": {"weightAndDimensions": {"weight": [{"unit": "LB", "value": journey.weight_lb}]}},
        "recipientInformation": {"address": {"postalCode": journey.ship_to_postal_code, "residential": False}},
        "dateAndTimes": list(_dates(journey, delivered)),
        "scanEvents": events,
        "deliveryDetails": _delivery(delivered),
        "availableImages": [{"size": "LARGE", "type": "SIGNATURE_PROOF_OF_DELIVERY"}] if delivered else [],
    }


def _event(scan: Scan) -> dict[str, Any]:
    code, text, derived, exception = EVENTS.get(scan.kind, ("", "Event", "IT", ""))
    return {
        "date": _iso(scan),
        "eventType": scan.raw or code,
        "eventDescription": text,
        "exceptionCode": exception,
        "exceptionDescription": scan.reason or "",
        "derivedStatusCode": derived,
        "derivedStatus": text,
        "scanLocation": {
            "streetLines": [""],
            "city": scan.city,
            "stateOrProvinceCode": scan.region,
            "countryCode": scan.country,
            "residential": False,
        },
        "locationType": "FEDEX_FACILITY",
    }


def _dates(journey: Journey, delivered: Scan | None) -> Iterator[dict[str, str]]:
    yield {"type": "SHIP", "dateTime": f"{journey.shipped_on.isoformat()}T00:00:00-06:00"}
    if journey.estimated_delivery:
        yield {"type": "ESTIMATED_DELIVERY", "dateTime": f"{journey.estimated_delivery.isoformat()}T00:00:00-06:00"}
    if delivered:
        yield {"type": "ACTUAL_DELIVERY", "dateTime": _iso(delivered)}


def _delivery(delivered: Scan | None) -> dict[str, str]:
    if delivered is None:
        return {"deliveryAttempts": "0"}
    signed = delivered.signed_by or ""
    return {
        "locationDescription": "Shipping/Receiving",
        "receivedByName": signed,
        "signedByName": signed,
        "deliveryAttempts": "0",
    }


def _iso(scan: Scan) -> str:
    """With its offset, or local without one."""
    if scan.utc_offset_minutes is None:
        return f"{scan.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    local = scan.at.astimezone(UTC) + timedelta(minutes=scan.utc_offset_minutes)
    sign, minutes = "-" if scan.utc_offset_minutes < 0 else "+", abs(scan.utc_offset_minutes)
    return f"{local:%Y-%m-%dT%H:%M:%S}{sign}{minutes // 60:02}:{minutes % 60:02}"


def error(status: int, code: str, message: str) -> Response:
    return _json({"transactionId": "5a7c3b52-demo", "errors": [{"code": code, "message": message}]}, status)


def fault(operation: str, status: int) -> Response:
    code = "INTERNAL.SERVER.ERROR" if status in (200, 500) else "SERVICE.UNAVAILABLE.ERROR"
    return error(status, code, f"{operation}: the request could not be served")


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def routes(journeys: Journeys, lifetime: timedelta = timedelta(hours=1)) -> Sequence[Route]:
    """``journeys`` by tracking number; ``lifetime`` of a token."""
    tokens = Tokens(CLIENT_ID, CLIENT_SECRET, lifetime)

    async def token(request: Request) -> Response:
        issued = tokens.issue(request, client_of(form(await request.body())))
        if issued is None:
            return error(401, "NOT.AUTHORIZED.ERROR", "The given client credentials were not valid.")
        return _json(
            {"access_token": issued, "token_type": "bearer", "expires_in": tokens.seconds - 1, "scope": "CXS-TP"}
        )

    async def track(request: Request) -> Response:
        if not tokens.admits(request):
            return error(401, "NOT.AUTHORIZED.ERROR", "Access token expired.")
        try:
            asked = msgspec.json.decode(await request.body(), type=TrackRequest)
        except ValueError:
            return error(400, "TRACKING.TRACKINGNUMBER.EMPTY", "Please provide at most 30 tracking numbers.")
        numbers = [info.tracking_number_info.tracking_number for info in asked.tracking_info]
        return _json(answer(numbers, journeys, clock_of(request).now()))

    async def documents(request: Request) -> Response:
        if not tokens.admits(request):
            return error(401, "NOT.AUTHORIZED.ERROR", "Access token expired.")
        try:
            asked = msgspec.json.decode(await request.body(), type=DocumentRequest)
        except ValueError:
            return error(400, "TRACKING.TRACKINGNUMBER.EMPTY", "Please provide a valid tracking number.")
        found = letters(asked, journeys, clock_of(request).now())
        if not found:
            return error(404, "NOT.FOUND.ERROR", "The resource you requested is no longer available.")
        return _json({"transactionId": "5a7c3b52-demo", "output": {"localization": {}, "documents": found}})

    return [
        Route("/oauth/token", token, methods=["POST"]),
        Route("/track/v1/trackingdocuments", documents, methods=["POST"]),
        Route("/track/v1/trackingnumbers", track, methods=["POST"]),
    ]


OPERATIONS: Mapping[str, str] = {"/oauth/token": "token", "/track/v1/trackingdocuments": "file"}


def operation(request: Request, _: bytes) -> str:
    return OPERATIONS.get(request.url.path, "track")


if __name__ == "__main__":
    told = World.build().journeys({"FDEG", "FDE"})
    run(simulator("fedex", routes(told), operation=operation, fault=fault), "fedex")
