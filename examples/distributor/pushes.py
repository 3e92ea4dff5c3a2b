"""Each system's own message about something that happened in it, as its webhooks post it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from examples.distributor import fedex, ltl, ups, wms_records
from examples.distributor.journeys import Journey
from examples.distributor.world import World
from examples.distributor.world.happenings import PUSHED_BY, Happening

JSON = "application/json"
X12 = "application/edi-x12"


@dataclass(frozen=True, slots=True)
class Push:
    content_type: str
    body: bytes


class Pushes:
    """Writes them from the world, as of when each happened, however late it is sent."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._journeys = world.journeys(PUSHED_BY)
        self._writers: Mapping[str, Callable[[Happening], Push]] = {
            "erp": self._record,
            "wms": self._work,
            "ups": lambda one: _json(ups.alert(self._journey(one), one.at)),
            "fedex": lambda one: _json(fedex.push(self._journey(one), one.at)),
            "ltl": self._message,
        }

    def of(self, happening: Happening) -> Push:
        return self._writers[happening.source](happening)

    def _record(self, one: Happening) -> Push:
        told = {
            "type": one.kind,
            "recordType": one.kind.partition(".")[0],
            "externalId": one.number,
            "changedAt": _zulu(one.at),
        }
        made_from = one.order if one.order != one.number else ""
        return _json(told | ({"createdFrom": made_from} if made_from else {}))

    def _work(self, one: Happening) -> Push:
        order = self._world.warehouse_order(one.number, one.at)
        records = wms_records.orders(order, wms_records.PARTS) if order else []
        return _json({"webhook_type": one.kind, "occurred_at": _zulu(one.at), "orders": records})

    def _message(self, one: Happening) -> Push:
        journey = self._journey(one)
        return Push(X12, ltl.interchange(journey, journey.until(one.at), one.at).encode())

    def _journey(self, one: Happening) -> Journey:
        return next(each for each in self._journeys[one.number] if each.unique_id == one.unique_id)


def _json(told: object) -> Push:
    return Push(JSON, msgspec.json.encode(told))


def _zulu(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
