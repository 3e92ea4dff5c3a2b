"""How each system that sends events proves that it was it, with the secrets the demo's Crossdock is given."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from standardwebhooks import Webhook

SECRETS: Final[Mapping[str, str]] = {
    "erp": "whsec_ZGVtbyBzZWNyZXQgb2YgdGhlIEVSUCdzIGV2ZW50cw==",
    "wms": "demo-secret-&-100%-<wms>",
    "ups": "demo-secret-&-100%-<ups>",
    "fedex": "demo-secret-&-100%-<fedex>",
    "ltl": "whsec_ZGVtbyBzZWNyZXQgb2YgdGhlIGZyZWlnaHQgc3RhdGlvbg==",
}
"""By source; the same in every fleet."""

FORGERS: Final[Mapping[str, str]] = {
    source: "whsec_" + base64.b64encode(f"nobody told me {source}".encode()).decode() for source in SECRETS
}
"""What somebody who does not know the secrets signs with."""

Headers = dict[str, str]


def standard(secret: str, id_: str, body: bytes, now: datetime) -> Headers:
    signature = Webhook(secret).sign(id_, now, body.decode())
    return {"webhook-id": id_, "webhook-timestamp": f"{int(now.timestamp())}", "webhook-signature": signature}


def shiphero(secret: str, _: str, body: bytes, __: datetime) -> Headers:
    return {"x-shiphero-hmac-sha256": base64.b64encode(_hmac(secret, body)).decode()}


def credential(secret: str, _: str, __: bytes, ___: datetime) -> Headers:
    return {"credential": secret}


def fedex(secret: str, _: str, body: bytes, __: datetime) -> Headers:
    return {"fdx-signature": _hmac(secret, body).hex()}


SCHEMES: Final[Mapping[str, Callable[[str, str, bytes, datetime], Headers]]] = {
    "erp": standard,
    "wms": shiphero,
    "ups": credential,
    "fedex": fedex,
    "ltl": standard,
}


def signed(source: str, id_: str, body: bytes, now: datetime, *, secret: str | None = None) -> Headers:
    """The headers that vouch for ``body``; ``now`` is the real time, whatever the simulated clock shows."""
    return SCHEMES[source](secret or SECRETS[source], id_, body, now)


def _hmac(secret: str, body: bytes) -> bytes:
    return hmac.digest(secret.encode(), body, hashlib.sha256)
