"""Any message a broker can hand over makes a delivery that any store can keep, under the id its sender meant."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import broker_kafka, broker_redis
from ingest.broker_lines import addresses, told_of
from ingest.broker_messages import Message, delivery_of
from ingest.parsing import OBSERVATION

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
NAMES = st.sampled_from(["Nats-Msg-Id", "webhook-id", "ce-id", "ce_type", "ce-source", "X-Correlation-Id", "ce-\x00"])
TEXTS = st.text() | st.text(min_size=195, max_size=300) | st.just("\ud800")


def id_of(body: bytes = b"{}", id_: str | None = None, place: str = "", **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return delivery_of(Message(body, named, id_, place), source="erp", received_at=NOW).external_id


@given(
    st.binary(),
    st.dictionaries(NAMES | st.text(), TEXTS, max_size=6),
    st.none() | TEXTS,
    st.just("") | st.just("s/1/t"),
)
def test_every_message_is_storable_and_its_body_is_whole(
    body: bytes, headers: dict[str, str], id_: str | None, place: str
) -> None:
    delivery = delivery_of(Message(body, headers, id_, place), source="erp", received_at=NOW)
    texts = [delivery.external_id, delivery.topic or "-", delivery.correlation_id or "-"]
    texts += [text for pair in delivery.headers.items() for text in pair]
    assert delivery.body == body
    assert all(0 < len(text) <= 200 and text.isprintable() for text in texts)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (id_of(Nats_Msg_Id="m-1", ce_id="e-1", id_="b-1", place="s/1/t"), "m-1"),
        (id_of(webhook_id="w-1", place="s/1/t"), "w-1"),
        (id_of(ce_id="e-1", place="s/1/t"), "e-1"),
        (id_of(ce_id="e-1", ce_source="/erp", place="s/1/t"), "/erp#e-1"),
        (id_of(id_="b-1", place="s/1/t"), "b-1"),
        (id_of(place="s/1/t"), "s/1/t"),
        (id_of(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ],
)
def test_an_id_is_the_senders_else_the_place_else_the_digest(told: str, expected: str) -> None:
    assert told == expected


def test_an_id_that_cannot_be_kept_is_its_digest_and_stays_apart_from_others() -> None:
    assert len({id_of(ce_id="a" * 201), id_of(ce_id="a" * 202), id_of(ce_id="a\x00"), id_of(ce_id="a")}) == 4


def test_only_headers_that_are_part_of_the_message_are_kept() -> None:
    told = {
        "Authorization": "Bearer t",
        "Content-Type": "application/json",
        "ce-type": "order",
        "Nats-Expected-Stream": "S",
    }
    delivery = delivery_of(Message(b"{}", told), source="erp", received_at=NOW)
    assert delivery.headers == {"content-type": "application/json", "ce-type": "order"}
    assert delivery.topic == "order"


def test_a_kafka_record_without_a_value_or_with_headers_that_are_no_text_is_a_message() -> None:
    record = SimpleNamespace(
        topic="erp", partition=2, offset=7, timestamp=1700, value=None, headers=(("ce_id", b"\xff"), ("empty", None))
    )
    assert broker_kafka.message_of(record) == Message(b"", {"ce_id": "\ufffd", "empty": ""}, place="erp/2/7/1700")


@pytest.mark.parametrize(
    ("fields", "body", "headers"),
    [
        ({b"body": b"{}", b"ce-id": b"e-1"}, b"{}", {"ce-id": "e-1"}),
        ({b"data": b"\xff", b"x": b"\xff"}, b"\xff", {"x": "\ufffd"}),
        ({b"payload": b"{}"}, b"{}", {}),
        ({b"a": b"1", b"b": b"2"}, b'{"a": "1", "b": "2"}', {}),
        ({}, b"{}", {}),
    ],
)
def test_a_redis_entry_has_a_body_whatever_its_fields(
    fields: dict[bytes, bytes], body: bytes, headers: dict[str, str]
) -> None:
    assert broker_redis.read_entry(fields) == (body, headers)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("nats://a", ("nats://a",)),
        ("nats://a:1,b:2", ("nats://a:1", "nats://b:2")),
        ("kafkas://u:p@a:1, kafkas://b", ("kafkas://u:p@a:1", "kafkas://b")),
        ("amqps://u:p@a/vhost", ("amqps://u:p@a/vhost",)),
    ],
)
def test_a_url_names_one_broker_or_a_cluster(url: str, expected: tuple[str, ...]) -> None:
    assert addresses(url) == expected


@pytest.mark.parametrize(
    "url", ["", "http://a", "nats://", "redis://a,b", "nats://a,kafka://b", "amqp://u:s3cret@a:99999", "kafka://a:0"]
)
def test_a_url_that_names_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"begins with|names no|mixes|one redis") as caught:
        addresses(url)
    assert "s3cret" not in str(caught.value)


def test_what_a_broker_says_is_told_without_the_password() -> None:
    error = ConnectionError("cannot reach nats://crossdock:s3cret@a nor b:other1@b" + "!" * 300)
    told = told_of(error, "nats://crossdock:s3cret@a,x:other1@b")
    assert "s3cret" not in told
    assert "other1" not in told
    assert len(told) == 200


def test_nobody_elses_message_passes_for_our_own_observation() -> None:
    forged = Message(b'{"subject":"ORDER"}', {"ce-type": OBSERVATION})
    assert delivery_of(forged, source="erp", received_at=NOW).topic == ""
