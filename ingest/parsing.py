"""Reads a stored delivery as what it says: facts and wants, or the reason why it says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import structlog

from domain.errors import SourceFault, UnknownTopic
from domain.events import OURS, Delivery, Fact, Resolved, Want, Withdrawn, told_at
from sources.feeds import Feed
from store.documents import decode_fact
from store.inbox import Claimed

log = structlog.get_logger("crossdock.worker")

OBSERVATION = f"{OURS}observation"
"""The topic of what we read ourselves: a fact in canonical form, from polling, backfill or reconciliation."""


class Death(StrEnum):
    """Why a delivery became a dead letter; replayed once the reason is gone."""

    MALFORMED = "malformed"
    MAPPING_FAILED = "mapping failed"
    """Our own reading of it stumbled: a bug, to be mended."""
    UNKNOWN_TOPIC = "unknown topic"
    UNKNOWN_SOURCE = "unknown source"
    ORDER_NEVER_CAME = "its order never came"
    GAVE_UP = "gave up"


@dataclass(frozen=True, slots=True)
class Reading:
    """A claimed delivery and what it says. ``death`` set: nothing can be read in it; ``detail`` tells operators why."""

    claimed: Claimed
    facts: tuple[Fact, ...] = ()
    wants: tuple[Want, ...] = ()
    death: Death | None = None
    detail: str = ""

    @property
    def name(self) -> tuple[str, str]:
        return self.claimed.delivery.source, self.claimed.delivery.external_id


def read(claimed: Claimed, feeds: Mapping[str, Feed]) -> Reading:
    """Never raises: what a delivery does to its reader is a reading too. ``feeds`` by source."""
    delivery = claimed.delivery
    try:
        if delivery.topic == OBSERVATION:
            said: tuple[Fact | Want, ...] = (decode_fact(delivery.body),)
        elif feed := feeds.get(delivery.source):
            said = tuple(feed.parse(delivery))
        else:
            return Reading(claimed, death=Death.UNKNOWN_SOURCE, detail=f"no source {delivery.source!r} sends events")
    except UnknownTopic as error:
        return Reading(claimed, death=Death.UNKNOWN_TOPIC, detail=str(error))
    except (SourceFault, ValueError) as error:
        return Reading(claimed, death=Death.MALFORMED, detail=str(error))
    except Exception as error:
        log.exception("a mapping failed", source=delivery.source, delivery=delivery.external_id)
        return Reading(claimed, death=Death.MAPPING_FAILED, detail=f"{type(error).__name__}: {error}")
    return Reading(
        claimed,
        facts=tuple(_not_ahead(one, delivery) for one in said if not isinstance(one, Want)),
        wants=tuple(one for one in said if isinstance(one, Want)),
    )


def _not_ahead(fact: Fact, delivery: Delivery) -> Fact:
    """No source knows more than now: one whose clock runs ahead would outrank what comes later, and look too fresh."""
    if told_at(fact) <= delivery.received_at:
        return fact
    if isinstance(fact, Withdrawn | Resolved):
        return replace(fact, at=delivery.received_at)
    return replace(fact, source=replace(fact.source, as_of=delivery.received_at))
