"""Systems that send us events, each signing as its own documentation says, and a shelf that keeps what is accepted."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from standardwebhooks import Webhook

from domain.events import Delivery
from ingest.observer import Outcome, Silence

NOW = datetime(2026, 11, 25, 18, 30, tzinfo=UTC)


def whsec(word: str) -> str:
    return "whsec_" + base64.b64encode(hashlib.sha256(word.encode()).digest()).decode()


@dataclass(frozen=True)
class Message:
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Sender:
    """``where`` its proof is: the name of a header, or None for one inside the body. ``signs``: so that not a byte of
    the body can change; ``dates``: its time is signed too.
    """

    scheme: str
    secret: str
    older: str
    where: str | None
    write: Callable[[str, bytes, datetime, str], Message]
    signs: bool = True
    dates: bool = False

    def message(
        self, word: str = "first", *, secret: str | None = None, at: datetime = NOW, id_: str | None = None
    ) -> Message:
        """``word`` makes it another message."""
        told = json.dumps({"type": "salesOrder.changed", "word": word, "place": "Łódź"}).encode()
        return self.write(secret or self.secret, told, at, id_ or f"msg_{word}")


def _standard(secret: str, body: bytes, at: datetime, id_: str) -> Message:
    signature = Webhook(secret).sign(id_, at, body.decode())
    return Message(
        {"webhook-id": id_, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}, body
    )


def _shiphero(secret: str, body: bytes, _: datetime, id_: str) -> Message:
    digest = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    return Message({"x-shiphero-hmac-sha256": digest, "x-shiphero-message-id": id_}, body)


def _fedex(secret: str, body: bytes, _: datetime, __: str) -> Message:
    digest = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    return Message({"fdx-signature": digest}, body)


def _ups(secret: str, body: bytes, _: datetime, __: str) -> Message:
    return Message({"credential": secret, "user-agent": "UPSPubSubTrackingService"}, body)


def _business_central(secret: str, body: bytes, _: datetime, __: str) -> Message:
    told = {"subscriptionId": "webhook-1", "clientState": secret, "changeType": "updated", "resource": body.decode()}
    return Message({}, json.dumps({"value": [told, told]}).encode())


SENDERS = (
    Sender("standard", whsec("new"), whsec("old"), "webhook-signature", _standard, dates=True),
    Sender("shiphero", "warehouse-secret-new", "warehouse-secret-old", "x-shiphero-hmac-sha256", _shiphero),
    Sender("fedex", "fedex-security-token-new", "fedex-security-token-old", "fdx-signature", _fedex),
    Sender("ups", "ups-credential-of-ours-new", "ups-credential-of-ours-old", "credential", _ups, signs=False),
    Sender("business_central", "client-state-of-ours-new", "client-state-of-ours-old", None, _business_central, False),
)


@dataclass
class Shelf(Silence):
    """Stores deliveries in memory, each once; and remembers what became of every message at the door."""

    kept: list[Delivery] = field(default_factory=list)
    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)
    failure: Exception | None = None

    async def accept(self, deliveries: Sequence[Delivery]) -> int:
        if self.failure:
            raise self.failure
        known = {(each.source, each.external_id) for each in self.kept}
        new = [each for each in deliveries if (each.source, each.external_id) not in known]
        self.kept += new
        return len(new)

    def delivered(self, source: str, outcome: Outcome) -> None:
        self.outcomes.append((source, outcome))
