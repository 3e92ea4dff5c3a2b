"""Whoever does not know the secret is told apart from whoever does, whatever is sent."""

import base64
import json
import re
from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from domain.errors import Forged
from sources import signatures
from sources.signatures import SCHEMES, TOLERANCE, by_name
from tests.senders import NOW, SENDERS, Message, Sender, whsec

SIGNING = [sender for sender in SENDERS if sender.signs]
SENDER = pytest.mark.parametrize("sender", SENDERS, ids=[sender.scheme for sender in SENDERS])

MALFORMED: Mapping[str, str] = {
    "nothing": "",
    "a space": " ",
    "several spaces and commas": " , , ",
    "the version alone": "v1,",
    "no version": base64.b64encode(bytes(32)).decode(),
    "another version": "v1a," + base64.b64encode(bytes(64)).decode(),
    "another version's number": "v2," + base64.b64encode(bytes(32)).decode(),
    "a digest of zeros": "v1," + base64.b64encode(bytes(32)).decode(),
    "several digests of zeros": " ".join(["v1," + base64.b64encode(bytes(32)).decode()] * 50),
    "a digest too short": "v1," + base64.b64encode(bytes(31)).decode(),
    "a digest too long": "v1," + base64.b64encode(bytes(33)).decode(),
    "base64 without padding": base64.b64encode(bytes(32)).decode().rstrip("="),
    "base64 with a line feed": base64.b64encode(bytes(32)).decode() + "\n",
    "base64 for addresses": "-_" * 22,
    "hex": "0" * 64,
    "hex in capitals": "AF" * 32,
    "hex with spaces": "00 " * 21 + "0",
    "no hex": "g" * 64,
    "an odd number of hex digits": "0" * 63,
    "letters beyond ASCII": "v1,ünïcødé",
    "letters beyond Latin-1": "v1,Łódź→🚚",
    "digits of another script": "٤" * 64,
    "a NUL": "v1,\x00",
    "half a surrogate pair": "v1,\ud83d",
    "a scheme's name before it": "sha256=" + "0" * 64,
    "4,096 characters": "v1," + "A" * 4093,
    "a megabyte": "A" * 1_048_576,
    "ten thousand signatures": "v1,AAAA " * 10_000,
}

NO_TIMES = ("", " ", "now", "-1", "+1", "1e9", "1.5", "0x10", "٤٢", "9" * 13, "9" * 100_000, "1 2", "\ud83d", "1\n")


@SENDER
def test_a_genuine_message_has_an_id_of_its_own_and_keeps_it(sender: Sender) -> None:
    door = SCHEMES[sender.scheme]([sender.secret])

    def identify(message: Message) -> str:
        return door.identify(message.headers, message.body, NOW)

    assert identify(sender.message()) == identify(sender.message())
    assert identify(sender.message("second")) != identify(sender.message())


@SENDER
def test_a_secret_that_is_not_ours_vouches_for_nothing(sender: Sender) -> None:
    message = sender.message(secret=sender.older)
    with pytest.raises(Forged):
        SCHEMES[sender.scheme]([sender.secret]).identify(message.headers, message.body, NOW)


@SENDER
def test_no_secret_lets_nobody_in(sender: Sender) -> None:
    message = sender.message()
    with pytest.raises(Forged):
        SCHEMES[sender.scheme]([]).identify(message.headers, message.body, NOW)


@SENDER
def test_two_secrets_hold_while_one_takes_over_from_the_other(sender: Sender) -> None:
    both, new = SCHEMES[sender.scheme]([sender.secret, sender.older]), SCHEMES[sender.scheme]([sender.secret])
    for message in (sender.message(), sender.message(secret=sender.older)):
        both.identify(message.headers, message.body, NOW)
    with pytest.raises(Forged):
        new.identify(message.headers, message.body, NOW)


@pytest.mark.parametrize("sender", SIGNING, ids=[sender.scheme for sender in SIGNING])
def test_not_one_bit_of_a_signed_body_can_change(sender: Sender) -> None:
    door, message = SCHEMES[sender.scheme]([sender.secret]), sender.message()
    for place in range(len(message.body)):
        for bit in (0x01, 0x20, 0x80):
            body = bytearray(message.body)
            body[place] ^= bit
            with pytest.raises(Forged):
                door.identify(message.headers, bytes(body), NOW)
    for other in (b"", message.body[:-1], message.body + b" ", message.body * 2):
        with pytest.raises(Forged):
            door.identify(message.headers, other, NOW)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_neither_id_nor_time_of_a_standard_webhook_can_change(header: str) -> None:
    message = SENDERS[0].message()
    headers = {**message.headers, header: message.headers[header] + "0"}
    headers |= {"webhook-timestamp": str(int(NOW.timestamp()) + 1)} if header == "webhook-timestamp" else {}
    with pytest.raises(Forged, match="another message or secret"):
        SCHEMES["standard"]([SENDERS[0].secret]).identify(headers, message.body, NOW)


@SENDER
def test_every_character_of_the_proof_counts(sender: Sender) -> None:
    door, message = SCHEMES[sender.scheme]([sender.secret]), sender.message()
    told = message.headers[sender.where] if sender.where else sender.secret
    for place in range(len(told)):
        other = told[:place] + ("x" if told[place] != "x" else "y") + told[place + 1 :]
        headers, body = message.headers, message.body
        if sender.where:
            headers = {**headers, sender.where: other}
        else:
            body = body.replace(told.encode(), other.encode(), 1)
        with pytest.raises(Forged):
            door.identify(headers, body, NOW)


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_a_clock_may_be_five_minutes_off(minutes: int) -> None:
    message = SENDERS[0].message(at=NOW + timedelta(minutes=minutes))
    SCHEMES["standard"]([SENDERS[0].secret]).identify(message.headers, message.body, NOW)


@pytest.mark.parametrize("seconds", [-86_400, -301, 301, 86_400])
def test_a_message_of_another_time_is_a_replay(seconds: int) -> None:
    assert timedelta(minutes=5) == TOLERANCE
    message = SENDERS[0].message(at=NOW + timedelta(seconds=seconds))
    with pytest.raises(Forged, match=re.escape(f"{seconds:+} s from now")):
        SCHEMES["standard"]([SENDERS[0].secret]).identify(message.headers, message.body, NOW)


@pytest.mark.parametrize("sender", [sender for sender in SENDERS if not sender.dates], ids=lambda one: one.scheme)
def test_a_replay_of_an_undated_message_keeps_its_id_for_ever(sender: Sender) -> None:
    door, message = SCHEMES[sender.scheme]([sender.secret]), sender.message()
    later = {**message.headers, "x-shiphero-message-id": "another, as nobody signs it"}
    first = door.identify(message.headers, message.body, NOW)
    assert door.identify(later, message.body, NOW + timedelta(days=400)) == first


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_standard_webhook_lacks_nothing(name: str) -> None:
    message = SENDERS[0].message()
    headers = {key: value for key, value in message.headers.items() if key != name}
    with pytest.raises(Forged, match=f"{name} is missing"):
        SCHEMES["standard"]([SENDERS[0].secret]).identify(headers, message.body, NOW)


@pytest.mark.parametrize("sender", [sender for sender in SENDERS if sender.where], ids=lambda one: one.scheme)
@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_signature_is_a_forgery_and_nothing_worse(sender: Sender, value: str) -> None:
    message = sender.message()
    with pytest.raises(Forged) as caught:
        SCHEMES[sender.scheme]([sender.secret]).identify(
            {**message.headers, str(sender.where): value}, message.body, NOW
        )
    assert sender.secret not in str(caught.value)


@pytest.mark.parametrize("told", NO_TIMES)
def test_what_is_no_time_is_a_forgery(told: str) -> None:
    message = SENDERS[0].message()
    with pytest.raises(Forged, match="webhook-timestamp"):
        SCHEMES["standard"]([SENDERS[0].secret]).identify(
            {**message.headers, "webhook-timestamp": told}, message.body, NOW
        )


@pytest.mark.parametrize("id_", ["x" * 201, "é" * 10, "a b", "x" * 4096, "\x7f"])
def test_an_id_nobody_could_print_or_index_is_stood_for_by_its_digest(id_: str) -> None:
    message = SENDERS[0].message(id_=id_)
    if not id_.isascii():  # the library signs UTF-8; a server shows its bytes as Latin-1
        message = Message({**message.headers, "webhook-id": id_.encode().decode("latin-1")}, message.body)
    told = SCHEMES["standard"]([SENDERS[0].secret]).identify(message.headers, message.body, NOW)
    assert len(told) <= signatures.LONGEST_ID
    assert told.isprintable()


def test_the_signature_of_the_old_secret_may_stand_before_that_of_the_new() -> None:
    sender = SENDERS[0]
    message, old = sender.message(), sender.message(secret=sender.older)
    both = f"v1a,AAAA {old.headers['webhook-signature']} {message.headers['webhook-signature']}"
    SCHEMES["standard"]([sender.secret]).identify({**message.headers, "webhook-signature": both}, message.body, NOW)


def test_fedex_may_write_its_signature_in_hex() -> None:
    sender = SENDERS[2]
    message = sender.message()
    digest = base64.b64decode(message.headers["fdx-signature"]).hex()
    SCHEMES["fedex"]([sender.secret]).identify({"fdx-signature": digest}, message.body, NOW)


def test_a_body_that_is_no_text_is_signed_like_any_other() -> None:
    sender = SENDERS[1]
    message = sender.write(sender.secret, b"\xff\x00\xfe", NOW, "1")
    SCHEMES["shiphero"]([sender.secret]).identify(message.headers, message.body, NOW)


STATE = SENDERS[4].secret

NO_NOTIFICATIONS: Mapping[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b'{"value": [{"clientState": "\xff"}]}',
    "UTF-16": json.dumps({"value": [{"clientState": STATE}]}).encode("utf-16"),
    "another shape": b'{"value": {"clientState": "x"}}',
    "none": b'{"value": []}',
    "no state": b'{"value": [{"subscriptionId": "1"}]}',
    "a state that is null": b'{"value": [{"clientState": null}]}',
    "a state that is a list": json.dumps({"value": [{"clientState": [STATE]}]}).encode(),
    "half a surrogate pair": b'{"value": [{"clientState": "\\ud83d"}]}',
    "one strange among ours": json.dumps({"value": [{"clientState": STATE}, {"clientState": "x"}]}).encode(),
    "one without among ours": json.dumps({"value": [{"clientState": STATE}, {}]}).encode(),
    "nested beyond all depth": b'{"value": ' + b"[" * 100_000,
    "more than there can be": json.dumps({"value": [{"clientState": STATE}] * 10_001}).encode(),
    "the state in a header's case": json.dumps({"value": [{"clientstate": STATE}]}).encode(),
}


@pytest.mark.parametrize("body", NO_NOTIFICATIONS.values(), ids=NO_NOTIFICATIONS)
def test_a_body_without_our_client_state_throughout_is_a_forgery(body: bytes) -> None:
    with pytest.raises(Forged):
        SCHEMES["business_central"]([STATE]).identify({}, body, NOW)


def test_a_notification_may_begin_with_a_byte_order_mark() -> None:
    body = SENDERS[4].message().body
    SCHEMES["business_central"]([STATE]).identify({}, b"\xef\xbb\xbf" + body, NOW)


HEADERS = st.dictionaries(
    st.sampled_from(["webhook-id", "webhook-timestamp", *(str(sender.where) for sender in SENDERS)]),
    st.one_of(st.text(max_size=100), st.sampled_from([*MALFORMED.values(), *NO_TIMES, str(int(NOW.timestamp()))])),
)


@SENDER
@given(headers=HEADERS, body=st.binary(max_size=200))
def test_whatever_a_stranger_sends_is_a_forgery(sender: Sender, headers: Mapping[str, str], body: bytes) -> None:
    with pytest.raises(Forged):
        SCHEMES[sender.scheme]([sender.secret, sender.older]).identify(headers, body, NOW)


def test_a_header_sent_twice_is_both_its_values() -> None:
    assert by_name(Headers(raw=[(b"credential", b"a"), (b"credential", b"b"), (b"x", b"c")])) == {
        "credential": "a, b",
        "x": "c",
    }
    assert by_name({"Credential": "a", "CREDENTIAL": "b"}) == {"credential": "a, b"}


BAD_SECRETS: Mapping[str, tuple[str, str]] = {
    "no whsec_": ("standard", base64.b64encode(bytes(range(32))).decode()),
    "whsec_ alone": ("standard", "whsec_"),
    "no base64": ("standard", "whsec_hello-world-this-is-no-base64!"),
    "too short a key": ("standard", "whsec_" + base64.b64encode(bytes(23)).decode()),
    "too long a key": ("standard", "whsec_" + base64.b64encode(bytes(65)).decode()),
    "letters beyond ASCII": ("standard", "whsec_Łódź"),
    "too short a word": ("shiphero", "fifteen-letters"),
    "a word with a tab": ("fedex", "security\ttoken-of-ours"),
    "a word no header can hold": ("ups", "Łódź-Łódź-Łódź-Łódź"),
    "a state with half a surrogate pair": ("business_central", "client-state-of-ours\udcff"),
}


@pytest.mark.parametrize(("scheme", "secret"), BAD_SECRETS.values(), ids=BAD_SECRETS)
def test_a_secret_that_cannot_be_used_is_told_by_its_place_and_never_repeated(scheme: str, secret: str) -> None:
    good = next(sender.secret for sender in SENDERS if sender.scheme == scheme)
    with pytest.raises(ValueError, match="secret 2 of 2 cannot be used; give") as caught:
        SCHEMES[scheme]([good, secret])
    assert secret.removeprefix("whsec_") not in str(caught.value) or secret == "whsec_"
    assert caught.value.__context__ is None


def test_a_secrets_padding_may_be_left_out() -> None:
    sender, bare = SENDERS[0], whsec("new").rstrip("=")
    message = sender.message()
    SCHEMES["standard"]([bare]).identify(message.headers, message.body, NOW)


def test_no_scheme_shows_its_secrets() -> None:
    for sender in SENDERS:
        shown = repr(SCHEMES[sender.scheme]([sender.secret]))
        assert sender.secret not in shown
        assert sender.secret.removeprefix("whsec_") not in shown
