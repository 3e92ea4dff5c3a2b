"""What a hostile upstream answers, by name: on the wire for all of them, and in the body for who reads such bodies."""

import asyncio
import gzip
import json

from tests.sources.hostile import (
    MIB,
    Behaviour,
    bomb,
    drip,
    drip_head,
    hang,
    raw,
    reset,
    status,
)
from tests.sources.xml_attacks import ATTACKS, UNREAD

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def forever(first: bytes, again: bytes, pause: float = 0.001) -> Behaviour:
    """The pause keeps who attacks from starving who measures: both are one process."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(pause)

    return behave


def then_nothing(data: bytes) -> Behaviour:
    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await hang(writer)

    return behave


def elsewhere(code: int, address: str) -> Behaviour:
    """A redirect in every word there is for it."""
    return status(code, Location=address, Refresh=f"0; url={address}", Link=f'<{address}>; rel="preload"', Alt_Svc="*")


WIRE: dict[str, Behaviour] = {
    "nothing": hang,
    "reset": reset,
    "closed": raw(b""),
    "dripped headers": drip_head,
    "dripped body": drip,
    "dripped chunks": forever(OK + CHUNKED, b"1\r\n \r\n", 0.01),
    "dripped gzip": forever(
        OK + b"Content-Encoding: gzip\r\n" + CHUNKED, b"14\r\n" + gzip.compress(b"")[:20] + b"\r\n", 0.01
    ),
    "interim answers without end": forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless body": forever(OK + CHUNKED, b"10000\r\n" + bytes(0x10000) + b"\r\n"),
    "endless body until closed": forever(OK + b"\r\n", bytes(0x10000)),
    "endless gzip of nothing": forever(
        OK + b"Content-Encoding: gzip\r\n" + CHUNKED, b"4e20\r\n" + gzip.compress(b"") * 1000 + b"\r\n"
    ),
    "endless chunk sizes": forever(OK + CHUNKED[:-2] + b"\r\n", b"0" * 0x10000),
    "endless chunk extensions": forever(OK + CHUNKED + b"1;", b"x" * 0x10000),
    "endless trailers": forever(OK + CHUNKED + b"0\r\n", b"X: y\r\n" * 0x1000),
    "endless headers": forever(OK, b"X: y\r\n" * 0x1000),
    "endless header": forever(OK + b"X: ", b"x" * 0x10000),
    "endless status line": forever(b"HTTP/1.1 200 ", b"x" * 0x10000),
    "gzip bomb": bomb(1024 * MIB),
    "gzip in gzip": status(200, gzip.compress(gzip.compress(bytes(64 * MIB))), Content_Encoding="gzip"),
    "body too long for its length": raw(OK + b"Content-Length: 1\r\n\r\n" + bytes(MIB)),
    "body too short for its length": raw(OK + b"Content-Length: 1000000000000\r\n\r\n{"),
    "length that never comes": then_nothing(OK + b"Content-Length: 1000000000000\r\n\r\n" + bytes(4 * MIB)),
    "two lengths": raw(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}"),
    "length and chunks": raw(OK + b"Content-Length: 2\r\n" + CHUNKED + b"3\r\n{} \r\n0\r\n\r\n"),
    "negative length": raw(OK + b"Content-Length: -1\r\n\r\n{}"),
    "huge chunk": then_nothing(OK + CHUNKED + b"ffffffffffffffff\r\n" + bytes(MIB)),
    "another protocol": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "a switch of protocols": raw(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    ),
    "8 MiB of one letter": status(200, b" " * 8 * MIB),
    "endless error": forever(b"HTTP/1.1 500 X\r\n" + CHUNKED, b"10000\r\n" + bytes(0x10000) + b"\r\n"),
}

STUCK = frozenset(name for name in WIRE if name.startswith(("nothing", "dripped")))
"""These take as long as they are let."""


def xml(body: bytes) -> Behaviour:
    return status(200, body, Content_Type="text/xml")


ENVELOPE = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{}</e:Body></e:Envelope>'
XINCLUDE = '<x:include xmlns:x="http://www.w3.org/2001/XInclude" parse="text" href="file:///etc/passwd"/>'
WORD = "<a>LimitFault</a>"
"""Makes us look closer."""

XML: dict[str, Behaviour] = {
    **{name: xml(text.encode()) for name, text in ATTACKS.items()},
    **{name: xml(text) for name, text in UNREAD.items()},
    "XInclude": xml(ENVELOPE.format(XINCLUDE).encode()),
    "8 MiB of elements": xml(ENVELOPE.format("<a/>" * (2 * MIB - 100)).encode()),
    "8 MiB of deep records": xml(ENVELOPE.format(f"{'<a>' * 200}{'x' * 1000}{'</a>' * 200}" * 3500).encode()),
    "8 MiB of text beyond the first plane": xml(ENVELOPE.format(f"<a>{'😀' * (2 * MIB - 100)}</a>").encode()),
    "8 MiB of a fault that may be an overload": xml(ENVELOPE.format(WORD + "x" * (8 * MIB - 200)).encode()),
    "8 MiB of namespaces": xml(
        ENVELOPE.format("".join(f'<a xmlns="urn:{number}"/>' for number in range(350_000))).encode()
    ),
}

KEYS = ("orders", "errors", "shipments", "keys", "trackingEvents", "access_token")
"""The lists that somebody reads."""


def swollen(element: str, size: int = 8 * MIB) -> bytes:
    """So many elements under every name."""
    each = size // len(KEYS) // (len(element) + 1) - 10
    return ("{" + ",".join(f'"{key}":[{",".join([element] * each)}]' for key in KEYS) + "}").encode()


def told(body: bytes) -> Behaviour:
    return status(200, body, Content_Type="application/json")


def nested(path: str, element: str, size: int = 2 * MIB) -> bytes:
    """So many elements of the list that ``path`` leads to."""
    inside = f"[{','.join([element] * (size // (len(element) + 1) - 100))}]"
    for key in reversed(path.split(".")):
        inside = f'{{"{key}":{inside}}}'
    return inside.encode()


JSON: dict[str, Behaviour] = {
    "not JSON": told(b"<html/>"),
    "deep lists": told(b"[" * MIB),
    "deep objects": told(b'{"a":' * MIB),
    "deep orders": told(b'{"errors":[],"orders":' + b"[" * MIB),
    "a number without end": told(b'{"keys":[' + b"1" * MIB + b"]}"),
    "a power without end": told(b'{"expires_in":1e999999999,"access_token":"a"}'),
    "a million empty objects": told(swollen("{}")),
    "a million empty lists": told(swollen("[]")),
    "a million numbers": told(swollen("0")),
    "8 MiB of text beyond the first plane": told(
        json.dumps({"access_token": "😀" * 2 * MIB}, ensure_ascii=False).encode()
    ),
    "2 MiB of text beyond the first plane": told(
        json.dumps({"orders": [{"sku": "😀" * (MIB // 2)}], "errors": []}, ensure_ascii=False).encode()
    ),
    "UPS shipments": told(nested("trackResponse.shipment", "{}")),
    "FedEx results": told(nested("output.completeTrackResults", "{}")),
    "FedEx events": told(nested("output.completeTrackResults", '{"trackingNumber":"1","trackResults":[{}]}')),
    "DHL shipments": told(nested("shipments", '{"events":[]}')),
    "USPS events": told(nested("trackingEvents", "{}")),
    "bad UTF-8": told(b'{"orders":["\xff\xfe"]}'),
}

ISA = b"ISA*00*          *00*          *02*ODFL           *ZZ*CROSSDOCK      *261120*1500*U*00401*000000905*0*P*>~"
X12: dict[str, Behaviour] = {
    "segments": status(200, ISA + b"A~" * (MIB - 100)),
    "elements": status(200, ISA + b"A" + b"*" * (2 * MIB - 200)),
    "headers": status(200, ISA * (2 * MIB // len(ISA))),
    "half headers": status(200, b"ISA" * (2 * MIB // 3)),
    "messages": status(200, ISA + b"GS*QM~" + b"ST*214*1~B10*1~SE*1~" * 100_000),
    "beyond the first plane": status(200, ISA + "😀".encode() * (MIB // 2 - 100)),
}
