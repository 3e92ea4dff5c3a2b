"""X12 214 messages that a freight carrier's station posts, instead of leaving them in the mailbox."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from domain.errors import SourceFault, UnknownTopic
from domain.events import Delivery
from domain.model import ShipmentStatus, Tracking, TrackingKey
from sources import pushed, x12
from sources.carriers.x12_214 import wire
from sources.codes import CodeTable

TOPIC: Final = "x12"
"""An interchange may hold several kinds of transaction set, so its kind is not one of them."""


class X12Feed:
    def __init__(self, codes: Path | None = None) -> None:
        self._codes = CodeTable.read("x12_214", Path(__file__).with_name("codes.tsv"), ShipmentStatus, codes)

    def topic(self, body: bytes) -> str:  # noqa: ARG002 (see TOPIC)
        return TOPIC

    def parse(self, delivery: Delivery) -> Sequence[Tracking]:
        """One for each consignment, as of when it came. Sets that are not 214 are for others; nothing else in the body
        is an UnknownTopic. One damaged interchange is the fault of the whole.
        """
        messages: dict[tuple[str, str, str], list[wire.Message]] = {}
        others: list[str] = []
        for place, told in enumerate(x12.read(delivery.body)):
            if isinstance(told, x12.Damaged):
                raise SourceFault(delivery.source, f"interchange {place + 1}: {told.reason}")
            for one in told.sets:
                if one.kind != wire.KIND:
                    others.append(one.kind)
                    continue
                with pushed.reading(delivery, f"interchange {told.control_number}"):
                    message = wire.Message.of(one)
                    name = message.scac, message.pro_number, message.shipment_id
                    messages.setdefault(name, []).append(message)
        if not messages:
            if others:
                raise UnknownTopic(delivery.source, " ".join(sorted(set(others))))
            raise SourceFault(delivery.source, "the body: holds no transaction set")
        return [
            self._tracking(delivery, TrackingKey(scac, number), parts) for (scac, number, _), parts in messages.items()
        ]

    def _tracking(self, delivery: Delivery, key: TrackingKey, parts: Sequence[wire.Message]) -> Tracking:
        with pushed.reading(delivery, f"214 {key.number}"):
            tracking = wire.to_domain(parts, key, self._codes, pushed.provenance(delivery))
        if tracking is None:
            raise SourceFault(delivery.source, f"214 {key.number}: says nothing of it")
        return tracking
