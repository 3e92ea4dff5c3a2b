"""The ERP's events: which record changed and nothing of its content, so each becomes a read of that record."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec

from domain.errors import SourceFault
from domain.events import Delivery, Subject, Want
from sources import pushed

RECORDS: Mapping[str, Subject] = {
    "salesOrder": Subject.ORDER,
    "invoice": Subject.INVOICE,
    "creditMemo": Subject.INVOICE,
    "returnAuthorization": Subject.RETURN,
    "customer": Subject.CUSTOMER,
}
"""What each type of record is to us; invoices and credit memos are read alike."""

TOPICS: Final = {f"{record}.{verb}": record for record in RECORDS for verb in ("created", "changed", "deleted")}
"""Its events. A deletion too is only a reason to look: the ERP itself must say that the record is gone."""

Number = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,100}\Z")]


class Head(msgspec.Struct, frozen=True, rename={"topic": "type"}):
    topic: str


class Changed(msgspec.Struct, frozen=True, rename="camel"):
    """``created_from``: the sales order that an invoice, credit memo or return authorization was made from."""

    record_type: str
    external_id: Number
    changed_at: Annotated[datetime, msgspec.Meta(tz=True)]
    created_from: Number | None = None


class ErpFeed:
    """Standard Webhooks, or the same bodies from a broker."""

    def topic(self, body: bytes) -> str:
        return pushed.topic(body, Head)

    def parse(self, delivery: Delivery) -> Sequence[Want]:
        """What to read: the record, and the order it was made from, whose quantities it may have moved."""
        record = TOPICS[pushed.known(delivery, Head, TOPICS)]
        told = pushed.decode(delivery, Changed)
        if told.record_type != record:
            raise SourceFault(delivery.source, f"$.recordType: {told.record_type[:100]!r} is no {record}")
        wants = [Want(RECORDS[record], told.external_id)]
        if told.created_from:
            wants.append(Want(Subject.ORDER, told.created_from))
        return wants
