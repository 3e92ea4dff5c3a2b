"""A day's trade as systems tell of it: for each order its record, the warehouse's work, a carrier's scans, an invoice;
in disorder, and what is told twice is told in the same words.
"""

import base64
import hmac
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, TypeAlias

from domain.model import CustomerId, InvoiceId, OrderId
from domain.values import Moment
from ingest.parsing import OBSERVATION
from store.documents import encode_fact
from tests.domain import samples
from tests.durability.site import OBSERVED, SECRETS

Key: TypeAlias = tuple[str, str]
"""A delivery's source and its id there."""

OPEN: Final = 60
"""Messages that may be told next, of some dozen orders: so far apart may come what belongs together."""

TASKS: Final = 6
SCANS: Final = 12


@dataclass(frozen=True)
class Message:
    """One thing to be told, and the name that its delivery will bear. ``path``: where it is posted."""

    source: str
    name: str
    topic: str
    path: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> Key:
        return self.source, self.name


class Trade:
    """Endless, and the same for one seed. ``close``: what is still to be told of the orders begun."""

    def __init__(self, seed: int, now: datetime, *, padding: int = 0) -> None:
        """``padding``: bytes that each push of the warehouse is longer by; at most half of them can be compressed."""
        self._random = random.Random(seed)
        self._opened = now - timedelta(hours=6)
        self._padding = padding
        self._open: list[Message] = []
        self._orders = 0

    def __iter__(self) -> Iterator[Message]:
        while True:
            if len(self._open) < OPEN:
                self._orders += 1
                note = self._random.randbytes(self._padding // 2).hex()
                self._open += _life(self._orders, self._opened, note)
            yield self._open.pop(self._random.randrange(len(self._open)))

    def close(self) -> Iterator[Message]:
        self._random.shuffle(self._open)
        while self._open:
            yield self._open.pop()


def _life(nth: int, opened: datetime, note: str) -> Iterator[Message]:
    """All that is ever told of one order."""
    number, tracked = f"SO{nth:07}", f"1Z999AA1{nth:010}"
    at = Moment(opened)
    account, told = CustomerId(f"C{nth % 7}"), samples.provenance("erp", opened)
    order = samples.order(
        samples.line(order_id=OrderId(number)),
        id=OrderId(number),
        po_number=f"PO-{nth}",
        customer_id=account,
        placed_at=at,
        modified_at=at,
        source=told,
    )
    invoice = samples.invoice(id=InvoiceId(f"IN{nth:07}"), order_ids=(order.id,), customer_id=account, source=told)
    yield _observed("erp", f"ORDER/{order.id}", encode_fact(order))
    yield _observed("erp", f"INVOICE/{invoice.id}", encode_fact(invoice))
    for task in range(TASKS):
        shipped = [_shipment(number, account, tracked, opened)] if task >= TASKS - 2 else []
        yield _push(number, task, opened + timedelta(minutes=10 * task), shipped, note)
    for scan in range(SCANS):
        yield _alert(tracked, opened + timedelta(hours=2, minutes=10 * scan), last=scan == SCANS - 1)


def _observed(source: str, name: str, body: bytes) -> Message:
    return Message(source, name, OBSERVATION, f"/{OBSERVED}/{source}/{name}", body)


def _push(number: str, task: int, at: datetime, shipments: list[Any], note: str) -> Message:
    counted = {"unit": "EA", "stockQuantityDone": task + 1, "stockQuantityShort": 0, "stockUnit": "EA"}
    done = {
        "taskId": f"T{task}",
        "status": "400",
        "orderLine": "1",
        "quantityDone": task + 1,
        "quantityShort": 0,
        "reportedAt": at.isoformat(),
        **counted,
    }
    work = {"orderNumber": number, "warehouse": "01", "waves": [], "tasks": [done], "shipments": shipments}
    told = {"webhook_type": "Shipment Update", "occurred_at": at.isoformat(), "orders": [work], "note": note}
    body = json.dumps(told).encode()
    signature = base64.b64encode(hmac.digest(SECRETS["wms"].encode(), body, "sha256")).decode()
    headers = {"x-shiphero-hmac-sha256": signature}
    return Message("wms", sha256(body).hexdigest(), "Shipment Update", "/webhooks/wms", body, headers)


def _shipment(number: str, account: str, tracked: str, opened: datetime) -> Any:
    told = opened.astimezone(UTC).isoformat()
    held = {"orderLine": "1", "sku": "BOLT-M8", "quantity": 10, "unit": "EA", "stockQuantity": 10, "stockUnit": "EA"}
    package = {"lpn": f"L{number}", "weight": None, "weightUnit": "LB", "voided": False, "contents": [held]}
    return {
        "shipmentId": f"SH{number}",
        "orderNumber": number,
        "account": account,
        "shipTo": None,
        "warehouse": "01",
        "status": "50",
        "statusText": None,
        "mode": "Parcel",
        "carrier": {"scac": "UPSN", "name": "UPS", "service": None},
        "proNumber": None,
        "createdAt": told,
        **dict.fromkeys(("labelledAt", "packedAt", "manifestedAt", "confirmedAt"), told),
        "voidedAt": None,
        "lines": [held],
        "packages": [{**package, "trackingNumber": tracked}],
    }


def _alert(tracked: str, at: datetime, *, last: bool) -> Message:
    status = {"type": "D", "code": "KB"} if last else {"type": "I", "code": "AR"}
    told = {
        "trackingNumber": tracked,
        "activityStatus": {**status, "description": "told by UPS"},
        **{f"{clock}ActivityDate": f"{at:%Y%m%d}" for clock in ("local", "gmt")},
        **{f"{clock}ActivityTime": f"{at:%H%M%S}" for clock in ("local", "gmt")},
        "activityLocation": {"city": "Louisville", "stateProvince": "KY", "country": "US"},
    }
    body = json.dumps(told).encode()
    headers = {"credential": SECRETS["ups"]}
    return Message("ups", sha256(body).hexdigest(), "Track Alert", "/webhooks/ups", body, headers)
