"""What systems push becomes the facts they tell, the same as when they are asked; drift is a fault that says where."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import SourceFault, UnknownTopic
from domain.events import Delivery, Fact, Subject, Want
from domain.model import (
    ProofOfDelivery,
    ShipmentStatus,
    Tracking,
    TrackingKey,
    WarehouseOrder,
    WarehouseStage,
)
from domain.values import Moment, Precision, Provenance
from sources import x12
from sources.carriers.fedex import wire as fedex
from sources.carriers.ups import wire as ups
from sources.carriers.x12_214 import wire as x12_214
from sources.codes import CodeTable
from sources.feeds import FEEDS, Feed, FeedConfig, Told, doors, feeds
from sources.observer import Silence, UnknownCode
from tests.senders import whsec

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests/fixtures"
CAME = datetime(2026, 11, 20, 15, tzinfo=UTC)
EST = timedelta(hours=-5)

CONFIGS = (
    FeedConfig("erp", "soap", "erp"),
    FeedConfig("wms", "rest", "wms"),
    FeedConfig("carriers", "ups", "brown"),
    FeedConfig("carriers", "fedex", "fedex"),
    FeedConfig("carriers", "x12_214", "ltl"),
    FeedConfig("carriers", "usps", "usps"),
)
RECORDED: Mapping[str, str] = {
    "erp": "erp_soap/push_invoice.json",
    "wms": "wms/push.json",
    "brown": "carriers/ups/alert_delivered.json",
    "fedex": "carriers/fedex/push.json",
    "ltl": "carriers/x12_214/push.x12",
}
JSON = {source: name for source, name in RECORDED.items() if name.endswith(".json")}


class Counter(Silence):
    def __init__(self) -> None:
        self.codes: list[UnknownCode] = []

    def unknown_code(self, fact: UnknownCode) -> None:
        self.codes.append(fact)


def parse(source: str, body: bytes, *, came: datetime = CAME, counter: Counter | None = None) -> Told:
    feed: Feed = feeds(CONFIGS, counter or Counter())[source]
    return feed.parse(Delivery(source, "1", "whatever the topic says", came, body))


def recorded(source: str) -> bytes:
    return (FIXTURES / RECORDED[source]).read_bytes()


def tracking(told: Sequence[Fact | Want]) -> Tracking:
    (only,) = told
    assert isinstance(only, Tracking)
    return only


def alert(name: str) -> Tracking:
    return tracking(parse("brown", (FIXTURES / f"carriers/ups/alert_{name}.json").read_bytes()))


def codes(carrier: str) -> CodeTable[ShipmentStatus]:
    return CodeTable.read(carrier, ROOT / f"sources/carriers/{carrier}/codes.tsv", ShipmentStatus)


# -- what each kind tells ----------------------------------------------------------------------------------------------


def test_who_sends_events_has_a_feed_whether_its_door_is_open_or_not() -> None:
    assert set(feeds(CONFIGS, Counter())) == {"erp", "wms", "brown", "fedex", "ltl"}
    assert doors(CONFIGS) == {}
    assert set(doors([replace(CONFIGS[0], secrets=(whsec("a"),)), *CONFIGS[1:]])) == {"erp"}


def test_a_kind_that_sends_nothing_has_no_door() -> None:
    with pytest.raises(ValueError, match="systems of kind usps send no events"):
        doors([replace(CONFIGS[-1], secrets=("sixteen-letters-and-more",))])


def test_an_erp_event_is_a_reason_to_read_the_record_and_the_order_it_was_made_from() -> None:
    assert parse("erp", recorded("erp")) == [Want(Subject.INVOICE, "INV-0000417"), Want(Subject.ORDER, "SO-104000")]


@pytest.mark.parametrize(
    ("topic", "record", "subject"),
    [
        ("salesOrder.created", "salesOrder", Subject.ORDER),
        ("salesOrder.deleted", "salesOrder", Subject.ORDER),
        ("creditMemo.changed", "creditMemo", Subject.INVOICE),
        ("returnAuthorization.created", "returnAuthorization", Subject.RETURN),
        ("customer.changed", "customer", Subject.CUSTOMER),
    ],
)
def test_every_erp_record_has_its_subject(topic: str, record: str, subject: Subject) -> None:
    told = {"type": topic, "recordType": record, "externalId": "00", "changedAt": "2026-11-20T14:59:30-06:00"}
    assert parse("erp", msgspec.json.encode(told)) == [Want(subject, "00")]


def test_the_warehouse_tells_whole_what_it_knows_of_its_orders() -> None:
    first, second = parse("wms", recorded("wms"))
    assert isinstance(first, WarehouseOrder)
    assert isinstance(second, WarehouseOrder)
    assert (first.order_id, second.order_id, second.tasks, second.shipments) == ("0010042", "0010044", (), ())
    assert first.source == Provenance("wms", datetime(2026, 11, 20, 14, 59, 30, tzinfo=UTC))
    assert [shipment.id for shipment in first.shipments] == ["00", "02-7"]
    assert [package.id for package in first.shipments[0].packages] == ["LPN0001", "LPN0002", "LPN0003", "LPN0004"]
    assert first.shipments[1].stage is WarehouseStage.UNKNOWN
    assert first.shipments[1].lines[0].quantity.value == Decimal("123456789012345678901234567890.123456789")


def test_a_ups_alert_is_one_event_of_one_package() -> None:
    told = alert("delivered")
    assert told.key == TrackingKey("UPSN", "1Z023E2X0214323462")
    assert told.source == Provenance("brown", CAME)
    assert told.estimated_delivery is None
    (event,) = told.events
    assert (event.status, event.code.raw, event.location) == (ShipmentStatus.DELIVERED, "011", "Branchburg, NJ, US")
    at = Moment(datetime(2021, 2, 12, 15, 15, 23, tzinfo=UTC), EST)
    assert event.occurred == at
    assert told.proof_of_delivery == ProofOfDelivery("RECEIVING <2>", None, at)


def test_a_ups_alert_tells_when_delivery_is_expected() -> None:
    told = alert("unknown")
    assert told.estimated_delivery == Moment(datetime(2026, 11, 21, 13, tzinfo=UTC), None, Precision.LOCAL)
    assert told.proof_of_delivery is None


def test_a_ups_alert_may_leave_out_what_is_not_known() -> None:
    told = alert("label")
    (event,) = told.events
    assert (event.status, event.location) == (ShipmentStatus.LABEL_CREATED, "US")
    assert event.occurred == Moment(datetime(2021, 2, 10, tzinfo=UTC), None, Precision.DATE)
    assert told.estimated_delivery is None
    least = {"trackingNumber": "1Z1", "localActivityDate": "20261120", "activityStatus": {"type": "I", "code": "AR"}}
    (event,) = tracking(parse("brown", msgspec.json.encode(least))).events
    assert (event.status, event.location) == (ShipmentStatus.IN_TRANSIT, None)


@pytest.mark.parametrize(
    ("local", "gmt", "offset"),
    [
        (("20261120", "060000"), ("20261120", "110000"), timedelta(hours=-5)),
        (("20261120", "60000"), ("20261120", "11:00:00"), timedelta(hours=-5)),
        (("20261121", "003000"), ("20261120", "190000"), timedelta(hours=5, minutes=30)),
        (("20261120", "110000"), ("20261120", "110000"), timedelta()),
        (("20261119", "200000"), ("20261120", "110000"), None),
    ],
)
def test_the_offset_of_a_ups_alert_is_the_distance_of_its_two_times(
    local: tuple[str, str], gmt: tuple[str, str], offset: timedelta | None
) -> None:
    told = msgspec.json.decode(recorded("brown")) | {
        "localActivityDate": local[0],
        "localActivityTime": local[1],
        "gmtActivityDate": gmt[0],
        "gmtActivityTime": gmt[1],
    }
    (event,) = tracking(parse("brown", msgspec.json.encode(told))).events
    assert (event.occurred.offset, event.occurred.precision) == (offset, Precision.INSTANT)


def test_fedex_tells_of_every_consignment_under_a_number_and_not_of_errors() -> None:
    first, second = parse("fedex", recorded("fedex"))
    assert isinstance(first, Tracking)
    assert isinstance(second, Tracking)
    assert first.key == second.key == TrackingKey("FDEG", "123456789012")
    assert (first.unique_id, second.unique_id) == ("12013~123456789012~FDEG", "11002~123456789012~FDEG")
    assert [event.status for event in second.events] == [ShipmentStatus.DELIVERED, ShipmentStatus.LABEL_CREATED]
    assert first.source == Provenance("fedex", CAME)


def test_a_freight_station_tells_of_its_consignments_and_its_other_messages_are_for_others() -> None:
    told = tracking(parse("ltl", recorded("ltl")))
    assert (told.key, told.unique_id) == (TrackingKey("ODFL", "04123456789"), "BOL-77")
    assert [event.code.raw for event in told.events] == ["XB", "AF", "ZZ"]


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("wms", recorded("wms").replace(b"2026-11-20T08:59:30-06:00", b"2030-01-01T00:00:00Z")),
        ("brown", recorded("brown")),
    ],
)
def test_nothing_is_told_later_than_it_came(source: str, body: bytes) -> None:
    for fact in parse(source, body):
        assert isinstance(fact, WarehouseOrder | Tracking)
        assert fact.source.as_of == CAME


# -- pushed and polled are one -----------------------------------------------------------------------------------------


def ids(told: Tracking | None) -> dict[str, ShipmentStatus]:
    assert told is not None
    return {event.id: event.status for event in told.events}


@pytest.mark.parametrize(
    ("pushed", "polled"),
    [("delivered", "delivered.json"), ("label", "delivered.json"), ("unknown", "on_the_way.json")],
)
def test_a_ups_scan_is_the_same_event_pushed_and_polled(pushed: str, polled: str) -> None:
    told = alert(pushed)
    answer = msgspec.json.decode((FIXTURES / "carriers/ups" / polled).read_bytes(), type=ups.TrackReply)
    asked = answer.to_domain(told.key, codes("ups"), Provenance("brown", CAME))
    assert ids(told).items() <= ids(asked).items()
    assert asked is not None
    whens = {event.id: event.occurred for event in asked.events}
    assert all(whens[event.id] == event.occurred for event in told.events)


def test_two_scans_of_one_place_are_two_events() -> None:
    later = msgspec.json.decode(recorded("brown")) | {"localActivityTime": "101524", "gmtActivityTime": "151524"}
    assert not ids(alert("delivered")).keys() & ids(tracking(parse("brown", msgspec.json.encode(later)))).keys()


def test_a_fedex_scan_is_the_same_event_pushed_and_polled() -> None:
    reply = msgspec.json.decode((FIXTURES / "carriers/fedex/track.json").read_bytes(), type=fedex.TrackReply)
    polled: dict[str, ShipmentStatus] = {}
    for _, result in reply.results("fedex"):
        if isinstance(result, fedex.CompleteResult) and result.tracking_number == "123456789012":
            for shipped in (datetime(2026, 11, 17, tzinfo=UTC), datetime(2025, 10, 12, tzinfo=UTC)):
                key = TrackingKey("FDEG", "123456789012", shipped.date())
                polled |= ids(result.to_domain(key, codes("fedex"), Provenance("fedex", CAME)))
    pushed: dict[str, ShipmentStatus] = {}
    for told in parse("fedex", recorded("fedex")):
        assert isinstance(told, Tracking)
        pushed |= ids(told)
    assert pushed == polled
    assert len(pushed) == 6


def test_a_freight_scan_is_the_same_event_posted_and_fetched() -> None:
    told = tracking(parse("ltl", recorded("ltl")))
    outbox = (FIXTURES / "carriers/x12_214/outbox.x12").read_bytes()
    sets = [one for each in x12.read(outbox) if isinstance(each, x12.Interchange) for one in each.sets]
    messages = [x12_214.Message.of(one) for one in sets if one.segments[0][1] == told.key.number]
    fetched = x12_214.to_domain(messages, told.key, codes("x12_214"), Provenance("ltl", CAME))
    assert ids(told).items() <= ids(fetched).items()


# -- codes nobody knows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "name", "found"),
    [
        ("brown", "carriers/ups/alert_unknown.json", [("ups/I", "Q9")]),
        ("fedex", "carriers/fedex/push.json", [("fedex/event", "QX")]),
        ("ltl", "carriers/x12_214/push.x12", [("x12_214/AT701", "ZZ")]),
        ("wms", "wms/push.json", [("wms/task", "437"), ("wms/shipment", "7Q")]),
    ],
)
def test_a_code_no_table_holds_is_counted_and_moves_nothing(
    source: str, name: str, found: list[tuple[str, str]]
) -> None:
    counter = Counter()
    parse(source, (FIXTURES / name).read_bytes(), counter=counter)
    assert [(fact.source, fact.code.table, fact.code.raw) for fact in counter.codes] == [
        (source, table, raw) for table, raw in found
    ]


# -- drift -------------------------------------------------------------------------------------------------------------


def drifted(source: str, change: Callable[[Any], object]) -> bytes:
    told = msgspec.json.decode(recorded(source))
    change(told)
    return msgspec.json.encode(told)


def _first(told: Any) -> Any:
    return told["output"]["completeTrackResults"][0]["trackResults"][0]


DRIFT: Mapping[str, tuple[str, Callable[[Any], object], str]] = {
    "erp: no type": ("erp", lambda told: told.pop("type"), "`type`"),
    "erp: another type": ("erp", lambda told: told.update(type=7), "$.type"),
    "erp: no id": ("erp", lambda told: told.pop("externalId"), "`externalId`"),
    "erp: an id renamed": ("erp", lambda told: told.update(external_id=told.pop("externalId")), "`externalId`"),
    "erp: an id that is a number": ("erp", lambda told: told.update(externalId=417), "$.externalId"),
    "erp: an empty id": ("erp", lambda told: told.update(externalId=""), "$.externalId"),
    "erp: an id with a line feed": ("erp", lambda told: told.update(externalId="a\nb"), "$.externalId"),
    "erp: an endless id": ("erp", lambda told: told.update(externalId="a" * 101), "$.externalId"),
    "erp: another record": ("erp", lambda told: told.update(recordType="customer"), "$.recordType"),
    "erp: a time without zone": ("erp", lambda told: told.update(changedAt="2026-11-20T14:59:30"), "$.changedAt"),
    "erp: an order that is none": ("erp", lambda told: told.update(createdFrom=[]), "$.createdFrom"),
    "wms: no orders": ("wms", lambda told: told.pop("orders"), "`orders`"),
    "wms: none": ("wms", lambda told: told.update(orders=[]), "$.orders"),
    "wms: no time": ("wms", lambda told: told.pop("occurred_at"), "`occurred_at`"),
    "wms: a time beyond the calendar": (
        "wms",
        lambda told: told.update(occurred_at="0001-01-01T00:00:00+14:00"),
        "$.occurred_at",
    ),
    "wms: no number": ("wms", lambda told: told["orders"][0].pop("orderNumber"), "$.orders[0]"),
    "wms: a quantity in words": (
        "wms",
        lambda told: told["orders"][0]["waves"][0]["lines"][1].update(quantity="two"),
        "$.orders[0].waves[0].lines[1].quantity",
    ),
    "wms: an endless quantity": (
        "wms",
        lambda told: told["orders"][1]["tasks"][0].update(quantityDone="1e999999"),
        "$.orders[1]",
    ),
    "wms: a mode of transport unheard of": (
        "wms",
        lambda told: told["orders"][0]["shipments"][0].update(mode="Drone"),
        "$.orders[0].shipments[0].mode",
    ),
    "ups: no number": ("brown", lambda told: told.pop("trackingNumber"), "`trackingNumber`"),
    "ups: an empty number": ("brown", lambda told: told.update(trackingNumber=" "), "$.trackingNumber"),
    "ups: no status": ("brown", lambda told: told.pop("activityStatus"), "`activityStatus`"),
    "ups: no type": ("brown", lambda told: told["activityStatus"].pop("type"), "$.activityStatus"),
    "ups: no code": ("brown", lambda told: told.update(activityStatus={"type": "I"}), "$: an activity of type I"),
    "ups: a code that is a number": (
        "brown",
        lambda told: told["activityStatus"].update(code=48),
        "$.activityStatus.code",
    ),
    "ups: another date": ("brown", lambda told: told.update(localActivityDate="2021-02-12"), "$.localActivityDate"),
    "ups: no such date": ("brown", lambda told: told.update(gmtActivityDate="20211332"), "$: "),
    "ups: another time": ("brown", lambda told: told.update(localActivityTime="noon"), "$.localActivityTime"),
    "ups: the Track API's shape": (
        "brown",
        lambda told: told.update(activityStatus=[told["activityStatus"]]),
        "$.activityStatus",
    ),
    "fedex: no results": ("fedex", lambda told: told.pop("output"), "`output`"),
    "fedex: none": ("fedex", lambda told: told["output"].update(completeTrackResults=[]), "completeTrackResults"),
    "fedex: no number": (
        "fedex",
        lambda told: told["output"]["completeTrackResults"][0].pop("trackingNumber"),
        "$.output.completeTrackResults[0]",
    ),
    "fedex: another company": (
        "fedex",
        lambda told: _first(told)["trackingNumberInfo"].update(carrierCode="FDXQ"),
        "$.output.completeTrackResults[0].trackResults[0]: 'FDXQ'",
    ),
    "fedex: no company": (
        "fedex",
        lambda told: _first(told).pop("trackingNumberInfo"),
        "$.output.completeTrackResults[0].trackResults[0]: None",
    ),
    "fedex: a time in words": (
        "fedex",
        lambda told: _first(told)["scanEvents"][1].update(date="yesterday"),
        "$.output.completeTrackResults[0].trackResults[0]: 'yesterday'",
    ),
    "fedex: a type that is a number": (
        "fedex",
        lambda told: _first(told)["scanEvents"][1].update(eventType=7),
        "$.output.completeTrackResults[0].trackResults[0].scanEvents[1].eventType",
    ),
    "fedex: errors alone": (
        "fedex",
        lambda told: told["output"].update(completeTrackResults=told["output"]["completeTrackResults"][1:]),
        "$.output.completeTrackResults: holds errors alone",
    ),
}


@pytest.mark.parametrize(("source", "change", "path"), DRIFT.values(), ids=DRIFT)
def test_what_is_missing_renamed_or_of_another_type_is_a_fault_that_says_where(
    source: str, change: Callable[[Any], object], path: str
) -> None:
    with pytest.raises(SourceFault) as caught:
        parse(source, drifted(source, change))
    assert not isinstance(caught.value, UnknownTopic)
    assert caught.value.source == source
    assert path in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((b"SE*12*0001", b"SE*13*0001"), "interchange 1: SE01 is '13'"),
        ((b"IEA*1*000000905", b"IEA*1*000000906"), "interchange 1: IEA02"),
        ((b"GE*2*905~\n", b""), "interchange 1: "),
        ((b"IEA*1*000000905~", b""), "interchange 1: ISA without IEA"),
        ((b"ISA*00*", b"ISA*0*"), "interchange 1: no interchange header"),
        ((b"B10*04123456789*BOL-77*ODFL~", b"B10**BOL-77*ODFL~"), "interchange 000000905: "),
        ((b"*20261117*0915*ET", b"*20261317*0915*ET"), "214 04123456789: "),
        ((b"*20261117*0915*ET", b"***"), "interchange 000000905: an AT7 XB without a date"),
    ],
)
def test_a_damaged_interchange_is_a_fault_that_says_where(change: tuple[bytes, bytes], says: str) -> None:
    body = recorded("ltl").replace(*change)
    assert body != recorded("ltl")
    with pytest.raises(SourceFault) as caught:
        parse("ltl", body)
    assert says in str(caught.value)


def test_fields_a_system_adds_are_nobodys_fault() -> None:
    for source in JSON:
        body = recorded(source)
        assert parse(source, b'{"addedLater": {"a": [1]}, ' + body.removeprefix(b"{")) == parse(source, body)


@pytest.mark.parametrize(
    ("source", "body", "topic"),
    [
        ("erp", recorded("erp").replace(b"invoice.changed", b"invoice.approved"), "invoice.approved"),
        ("erp", b'{"type": "crossdock.observation"}', "crossdock.observation"),
        ("erp", b'{"type": ""}', "''"),
        ("wms", recorded("wms").replace(b"Shipment Update", b"Inventory Update"), "Inventory Update"),
        ("ltl", recorded("ltl").replace(b"ST*214*", b"ST*210*").replace(b"GS*QM*", b"GS*IM*"), "210 990"),
    ],
)
def test_a_kind_of_message_nobody_reads_is_an_unknown_topic(source: str, body: bytes, topic: str) -> None:
    with pytest.raises(UnknownTopic) as caught:
        parse(source, body)
    assert topic in str(caught.value)


@pytest.mark.parametrize(
    ("source", "nul"),
    [
        ("erp", b"\\u0000"),
        ("wms", b"\\u0000"),
        ("brown", b"\\u0000"),
        ("fedex", b"\\\\\\u0000"),
        ("ltl", b"\x00"),
    ],
)
def test_a_nul_is_refused_wherever_it_hides(source: str, nul: bytes) -> None:
    told = recorded(source)
    hidden = {"erp": b"SO-104", "wms": b"Confirmed", "brown": b"Branch", "fedex": b"Nobody", "ltl": b"DENVER"}[source]
    with pytest.raises(SourceFault, match="holds a NUL"):
        parse(source, told.replace(hidden, hidden + nul, 1))


def test_a_backslash_before_u0000_is_no_nul() -> None:
    told = alert("delivered")
    body = recorded("brown").replace(b"RECEIVING <2>", rb"RECEIVING \\u0000")
    assert told.proof_of_delivery is not None
    proof = tracking(parse("brown", body)).proof_of_delivery
    assert proof == replace(told.proof_of_delivery, received_by="RECEIVING \\u0000")


# -- anything at all ---------------------------------------------------------------------------------------------------

READERS = feeds(CONFIGS, Silence())


def survives(source: str, body: bytes) -> None:
    """It is read, into what can be stored, or else refused."""
    with suppress(SourceFault):
        msgspec.json.encode(READERS[source].parse(Delivery(source, "1", "any", CAME, body)))


SOURCES = pytest.mark.parametrize("source", RECORDED)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@SOURCES
@given(body=st.binary(max_size=300))
def test_no_bytes_do_anything_but_be_read_or_refused(source: str, body: bytes) -> None:
    survives(source, body)


@SOURCES
@given(data=st.data())
def test_no_recorded_message_with_a_wound_does_either(source: str, data: st.DataObject) -> None:
    body = recorded(source)
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 40)))
    survives(source, body[:start] + data.draw(st.binary(max_size=20)) + body[end:])


def places(told: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inside = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    return [path, *(place for key, value in inside for place in places(value, (*path, key)))]


@pytest.mark.parametrize("source", JSON)
@given(data=st.data())
def test_no_value_in_any_place_of_a_message_does_either(source: str, data: st.DataObject) -> None:
    told = msgspec.json.decode(recorded(source))
    *path, last = data.draw(st.sampled_from([place for place in places(told) if place]))
    holder = told
    for step in path:
        holder = holder[step]
    holder[last] = data.draw(
        ANY_JSON | st.sampled_from(["", "0001-01-01T00:00:00+14:00", "99999999", "1e99", "-1", "NaN", "\x00", " "])
    )
    survives(source, msgspec.json.encode(told))


@pytest.mark.parametrize("source", JSON)
@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b'{"type":' + b"[" * 100_000])
def test_no_depth_does_either(source: str, body: bytes) -> None:
    survives(source, body)


def test_every_kind_has_a_recorded_message_here() -> None:
    named = {config.name: (config.role, config.kind) for config in CONFIGS}
    assert {named[source] for source in RECORDED} == FEEDS.keys()
