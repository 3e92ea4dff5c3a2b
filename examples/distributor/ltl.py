"""The mailbox that the own fleet and the LTL carriers fill with X12 214 messages, version 004010.

Each carrier has its own separators and tells several statuses a message; X12 has no escape, so separators in a text
become spaces.
"""

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zlib import crc32

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from examples.distributor.harness import clock_of, run, simulator
from examples.distributor.journeys import Journey, Scan, ScanKind
from examples.distributor.world import World

USERNAME: Final = "crossdock"
PASSWORD: Final = "demo secret: <mailbox>"

Journeys = Mapping[str, Sequence[Journey]]

STATUSES: Mapping[ScanKind, str] = {
    ScanKind.LABEL: "XB",
    ScanKind.PICKED_UP: "AF",
    ScanKind.ARRIVED: "X4",
    ScanKind.DEPARTED: "P1",
    ScanKind.OUT_FOR_DELIVERY: "AJ",
    ScanKind.ATTEMPTED: "AH",
    ScanKind.AVAILABLE_FOR_PICKUP: "AV",
    ScanKind.DELIVERED: "D1",
    ScanKind.DELAYED: "SD",
    ScanKind.EXCEPTION: "SD",
    ScanKind.RETURNING: "A7",
    ScanKind.RETURNED: "A3",
    ScanKind.VOIDED: "CA",
}
"""Shipment status codes (element 1650)."""
DAMAGED = "A9"

REASONS: Mapping[str, str] = {
    "weather": "AO",
    "mechanical": "AI",
    "credit": "C2",
    "late": "AW",
    "address": "A2",
    "damaged": "AK",
    "refused": "BS",
    "customs": "CA",
}
"""Reason codes (element 1651) by a word of the reason; "BG", other, for what has none."""

TIME_CODES: Mapping[int, str] = {-540: "AS", -480: "PS", -420: "MS", -360: "CS", -300: "ES", -210: "NS", 0: "UT"}
"""Time codes (element 623) by minutes east of UTC."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one carrier writes X12."""

    element: str
    component: str
    terminator: str
    line_end: str = ""

    def segment(self, *elements: str) -> str:
        """``elements`` without their separators; empty ones at the end are left out."""
        clean = [self._clean(element) for element in elements]
        while clean[-1] == "":
            clean.pop()
        return self.element.join(clean) + self.terminator + self.line_end

    def _clean(self, text: str) -> str:
        for separator in (self.element, self.component, self.terminator, "\r", "\n"):
            text = text.replace(separator, " ")
        return text


DIALECTS: Mapping[str, Dialect] = {
    "ODFL": Dialect("*", ">", "~"),
    "SAIA": Dialect("|", ":", "\n"),
    "CDOF": Dialect("*", ":", "~", "\r\n"),
}


def interchange(journey: Journey, scans: Sequence[Scan], now: datetime) -> str:
    """One consignment's statuses so far, in an envelope of its own."""
    write = DIALECTS[journey.scac].segment
    control = f"{crc32(f'{journey.unique_id}/{len(scans)}'.encode()) % 10**9:09}"
    body = [write("ST", "214", "0001"), *_message(journey, scans), ""]
    body[-1] = write("SE", str(len(body)), "0001")
    header = DIALECTS[journey.scac]
    isa = ("00", " " * 10, "00", " " * 10, "02", f"{journey.scac:15}", "ZZ", f"{'CROSSDOCK':15}")
    when = (f"{now:%y%m%d}", f"{now:%H%M}", "U", "00401", control, "0", "P")
    return "".join(
        (
            header.element.join(("ISA", *isa, *when)) + header.element + header.component + header.terminator,
            header.line_end,
            write("GS", "QM", journey.scac, "CROSSDOCK", f"{now:%Y%m%d}", f"{now:%H%M}", control, "X", "004010"),
            *body,
            write("GE", "1", control),
            write("IEA", "1", control),
        )
    )


def _message(journey: Journey, scans: Sequence[Scan]) -> Iterator[str]:
    write = DIALECTS[journey.scac].segment
    yield write("B10", journey.number, journey.unique_id, journey.scac)
    yield write("L11", journey.order_number, "PO")
    yield write("N1", "ST", "CONSIGNEE")
    yield write("N4", "", "", journey.ship_to_postal_code)
    if journey.estimated_delivery and scans[-1].kind is not ScanKind.DELIVERED:
        yield write("G62", "17", f"{journey.estimated_delivery:%Y%m%d}")
    for nth, scan in enumerate(scans, start=1):
        local = scan.at.astimezone(UTC) + timedelta(minutes=scan.utc_offset_minutes or 0)
        zone = "" if scan.utc_offset_minutes is None else TIME_CODES[scan.utc_offset_minutes]
        yield write("LX", str(nth))
        yield write("AT7", _status(scan), _reason(scan), "", "", f"{local:%Y%m%d}", f"{local:%H%M%S}", zone)
        yield write("MS1", scan.city, scan.region, scan.country)
        yield write("AT8", "G", "L", journey.weight_lb, "1")


def _status(scan: Scan) -> str:
    if scan.kind is ScanKind.EXCEPTION and "damaged" in (scan.reason or "").lower():
        return DAMAGED
    return scan.raw or STATUSES[scan.kind]


def _reason(scan: Scan) -> str:
    if scan.reason is None:
        return "NS"
    words = scan.reason.lower()
    return next((code for word, code in REASONS.items() if word in words), "BG")


def fault(operation: str, status: int) -> Response:
    return PlainTextResponse(f"{operation}: mailbox unavailable", status)


def routes(journeys: Journeys) -> Sequence[Route]:
    """``journeys`` by PRO number."""

    async def outbox(request: Request) -> Response:
        sent = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(sent, b"Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode())):
            return PlainTextResponse("who are you?", 401, {"WWW-Authenticate": 'Basic realm="mailbox"'})
        now = clock_of(request).now()
        told = [
            interchange(journey, journey.until(now), now)
            for number in request.query_params.getlist("pro")
            for journey in journeys.get(number, ())
            if journey.until(now)
        ]
        if not told:
            return Response(status_code=204)
        return Response("".join(told).encode(), media_type="application/edi-x12")

    return [Route("/outbox/214", outbox)]


def operation(_: Request, __: bytes) -> str:
    return "outbox"


if __name__ == "__main__":
    told = World.build().journeys(DIALECTS.keys())
    run(simulator("ltl", routes(told), operation=operation, fault=fault), "ltl")
