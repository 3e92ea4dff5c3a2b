"""Whatever is done to a chain shows: a flip, a deletion, a swap or a cut, anywhere, each called by its name."""

import copy
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256

import pytest

from domain.audit import (
    READ,
    Break,
    Checkpoint,
    Entry,
    Head,
    Item,
    Kind,
    Link,
    Outcome,
    Record,
    Verification,
    canonical,
    document,
    exported,
    genesis,
    hash_of,
    linked,
    record,
    saw,
    sealed,
    unsealed,
    verify,
)
from tests.domain.samples import NOW

CHAIN = "main"
SHORT = 30
LONG = 100_000
STRIDE = 500
"""Records between two places from which a long chain is followed anew."""

TRIES = 400
"""Places of the long chain at which each kind of tampering is tried."""


def entry(nth: int = 1) -> Entry:
    item = Item("Invoice", "invoice:read", (f"INV-{nth}", f"INV-{nth + 1}"), ("Invoice.balance", "Invoice.total"))
    return Entry(NOW + timedelta(seconds=nth), f"buyer-{nth}", "PORTAL_USER", "C1", READ, (item,), "c", Outcome.SHOWN)


def chain(length: int, name: str = CHAIN) -> list[Link]:
    return list(linked((entry(nth) for nth in range(1, length + 1)), genesis(name)))


def end(links: Sequence[Link]) -> Head:
    return Head(links[-1].sequence, links[-1].hash)


def broken(links: Iterable[Link], head: Head | None = None) -> tuple[Kind, int] | None:
    found = verify(links, CHAIN, head=head)
    return (found.kind, found.sequence) if found else None


@pytest.fixture(scope="module")
def short() -> Sequence[Link]:
    return chain(SHORT)


# -- documents ---------------------------------------------------------------------------------------------------------


def test_documents_are_canonical_json() -> None:
    """The string is that of RFC 8785 section 3.2.2; "e" with an accent of its own stays apart from "é"."""
    given = {"string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/", "a": [None, 1], "\x7f": "e\u0301\u00e9"}
    expected = '{"a":[null,1],"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/","\x7f":"e\u0301\u00e9"}'
    assert canonical(given) == expected
    assert canonical(json.loads(expected)) == expected


def test_a_document_is_read_back_as_it_was() -> None:
    told = Record(7, replace(entry(), said={"note": 'call "them"\n\x00', "id": "☃"}, outcome=Outcome.FAILED))
    assert record(document(told)) == told
    assert document(record(document(told))) == document(told)


def test_times_are_told_in_utc() -> None:
    there = replace(entry(), at=datetime(2026, 11, 20, 16, tzinfo=timezone(timedelta(hours=1))))
    assert '"at":"2026-11-20T15:00:00.000000Z"' in document(Record(1, there))
    with pytest.raises(ValueError, match="no offset"):
        document(Record(1, replace(entry(), at=datetime(2026, 11, 20))))  # noqa: DTZ001 (that is the point)


def test_what_no_utf8_holds_is_no_document() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        document(Record(1, replace(entry(), said={"note": "\ud800"})))


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "7", '{"items":[1]}', "[" * 100_000])
def test_anything_else_is_no_record(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        record(text)


def test_a_record_tells_what_of_it_is_about_an_entity() -> None:
    assert saw(Record(1, entry(5)), "Invoice", "INV-6") == list(entry(5).items)
    assert saw(Record(1, entry(5)), "Order", "INV-6") == []
    assert saw(Record(1, entry(5)), "Invoice", "INV-") == []


def test_a_line_of_an_export_can_be_checked_without_us(short: Sequence[Link]) -> None:
    before = sha256(b"crossdock audit main").hexdigest()
    for link in short:
        told = json.loads(exported(link))
        assert told["previous"] == before
        before = sha256((told["previous"] + told["document"]).encode()).hexdigest()
        assert told["hash"] == before


# -- a short chain, everywhere -----------------------------------------------------------------------------------------


def test_a_chain_nobody_touched_holds(short: Sequence[Link]) -> None:
    assert verify(short, CHAIN, head=end(short)) is None
    assert verify([], CHAIN, head=genesis(CHAIN)) is None


def test_another_chain_is_not_this_one(short: Sequence[Link]) -> None:
    assert broken(chain(3, "other")) == (Kind.ALTERED, 1)
    assert broken([*short[:3], *chain(6, "other")[3:]]) == (Kind.ALTERED, 3)


def flips(link: Link) -> Iterator[Link]:
    """Every way to change one character of it, or one of its numbers."""
    for name in ("previous", "document", "hash"):
        text = getattr(link, name)
        for at, character in enumerate(text):
            yield replace(link, **{name: text[:at] + chr(ord(character) ^ 1) + text[at + 1 :]})
    yield replace(link, sequence=link.sequence + SHORT)
    yield replace(link, at=link.at + timedelta(microseconds=1))


@pytest.mark.parametrize("place", [1, 2, SHORT // 2, SHORT])
def test_any_flip_is_found_where_it_is(short: Sequence[Link], place: int) -> None:
    for flipped in flips(short[place - 1]):
        altered = [*short[: place - 1], flipped, *short[place:]]
        assert broken(altered, end(short)) == (Kind.ALTERED, place), flipped


@pytest.mark.parametrize("place", [1, 2, SHORT // 2, SHORT])
def test_a_record_rewritten_with_its_hash_is_found(short: Sequence[Link], place: int) -> None:
    old = short[place - 1]
    text = old.document.replace("buyer", "nobody")
    rewritten = replace(old, document=text, hash=hash_of(old.previous, text))
    assert broken([*short[: place - 1], rewritten, *short[place:]], end(short)) == (Kind.ALTERED, place)


@pytest.mark.parametrize("text", ["{}", '{"sequence":2}', "junk"])
def test_a_record_rewritten_to_none_is_found(short: Sequence[Link], text: str) -> None:
    junk = replace(short[1], document=text, hash=hash_of(short[1].previous, text))
    assert broken([short[0], junk, *short[2:]]) == (Kind.ALTERED, 2)


def test_any_deletion_is_found(short: Sequence[Link]) -> None:
    for first in range(SHORT):
        for last in range(first + 1, SHORT):
            assert broken([*short[:first], *short[last:]], end(short)) == (Kind.MISSING, first + 1)


def test_any_two_records_that_changed_places_are_found(short: Sequence[Link]) -> None:
    for first in range(SHORT):
        for second in range(first + 1, SHORT):
            swapped = list(short)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            assert broken(swapped, end(short)) == (Kind.REORDERED, first + 1)
            filed = [replace(link, sequence=place, at=short[place - 1].at) for place, link in enumerate(swapped, 1)]
            assert broken(filed, end(short)) == (Kind.REORDERED, first + 1)


def test_a_record_told_twice_is_found(short: Sequence[Link]) -> None:
    assert broken([*short[:5], short[4], *short[5:]]) == (Kind.REORDERED, 6)
    assert broken([*short, short[-1]]) == (Kind.MISSING, SHORT + 1)


def test_any_cut_is_found_by_the_head(short: Sequence[Link]) -> None:
    for length in range(SHORT):
        assert broken(short[:length], end(short)) == (Kind.TRUNCATED, length + 1)


def test_a_head_that_was_set_back_is_found(short: Sequence[Link]) -> None:
    for length in range(SHORT):
        assert broken(short, end(short[:length]) if length else genesis(CHAIN)) == (Kind.ALTERED, length + 1)
    assert broken(short, replace(end(short), hash=short[0].hash)) == (Kind.ALTERED, SHORT)


# -- what only a checkpoint shows --------------------------------------------------------------------------------------


def at(links: Sequence[Link], place: int) -> Checkpoint:
    return Checkpoint(CHAIN, place, links[place - 1].hash if place else genesis(CHAIN).hash, NOW)


def judged(links: Sequence[Link], checkpoint: Checkpoint) -> Break | None:
    """By whoever rewrote the head too."""
    return verify(links, CHAIN, head=end(links), checkpoint=checkpoint)


def test_what_only_grew_since_a_checkpoint_holds(short: Sequence[Link]) -> None:
    assert [judged(short, at(short, place)) for place in range(SHORT + 1)] == [None] * (SHORT + 1)


def test_a_cut_that_took_the_head_along_is_found_by_a_checkpoint_alone(short: Sequence[Link]) -> None:
    cut = short[:10]
    assert verify(cut, CHAIN, head=end(cut)) is None
    for place in range(SHORT + 1):
        found = judged(cut, at(short, place))
        assert (found and (found.kind, found.sequence)) == ((Kind.TRUNCATED, 11) if place > 10 else None)


def test_a_chain_rewritten_to_its_end_is_found_by_a_checkpoint_alone(short: Sequence[Link]) -> None:
    rewritten = [*short[:9], *linked((entry(nth) for nth in range(100, 121)), end(short[:9]))]
    assert verify(rewritten, CHAIN, head=end(rewritten)) is None
    for place in range(SHORT + 1):
        found = judged(rewritten, at(short, place))
        assert (found and (found.kind, found.sequence)) == ((Kind.ALTERED, place) if place > 9 else None)


def test_a_checkpoint_of_another_chain_is_told(short: Sequence[Link]) -> None:
    assert "chain 'other'" in str(judged(short, replace(at(short, 3), chain="other")))


def test_a_checkpoint_is_one_line_and_can_be_signed(short: Sequence[Link]) -> None:
    taken, key = at(short, 3), b"k" * 32
    assert unsealed(sealed(taken)) == taken
    signed = sealed(taken, key)
    assert unsealed(signed, key) == unsealed(signed) == taken
    for text, by in ((signed, b"another"), (sealed(taken), key), (signed.replace('"sequence":3', '"sequence":2'), key)):
        with pytest.raises(ValueError, match="not signed by this key"):
            unsealed(text, by)


@pytest.mark.parametrize("text", ["{}", "[]", "7", '{"chain":"main"}', '{"signature":null}'])
def test_anything_else_is_no_checkpoint(text: str) -> None:
    with pytest.raises(ValueError, match="no checkpoint"):
        unsealed(text)


# -- a long chain ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Followed:
    """A chain, and how verification stood before every STRIDE records of it."""

    links: Sequence[Link]
    stands: Sequence[Verification]

    def judge(self, place: int, *tampered: Link, until: int) -> Break | None:
        """With ``tampered`` instead of the records from ``place`` to ``until``, and what follows to the stride's end:
        all of it was followed once before, and nothing after it can mend a chain.
        """
        nearest = (place - 1) // STRIDE
        verification = copy.copy(self.stands[nearest])
        for link in self.links[nearest * STRIDE : place - 1]:
            verification.take(link)
        for link in (*tampered, *self.links[until : until + STRIDE]):
            verification.take(link)
        return verification.outcome(end(self.links))


@pytest.fixture(scope="module")
def long() -> Followed:
    links, verification, stands = chain(LONG), Verification(CHAIN), list[Verification]()
    for nth, link in enumerate(links):
        if nth % STRIDE == 0:
            stands.append(copy.copy(verification))
        verification.take(link)
    assert verification.outcome(end(links)) is None
    return Followed(links, stands)


def flipped(long: Followed, place: int, chance: random.Random) -> Break | None:
    link = long.links[place - 1]
    spot, bit = chance.randrange(len(link.document)), 1 << chance.randrange(7)
    text = link.document[:spot] + chr(ord(link.document[spot]) ^ bit) + link.document[spot + 1 :]
    return long.judge(place, replace(link, document=text), until=place)


def deleted(long: Followed, place: int, chance: random.Random) -> Break | None:
    return long.judge(place, until=min(place - 1 + chance.choice((1, 1, 2, 1000)), LONG - 1))


def swapped(long: Followed, place: int, chance: random.Random) -> Break | None:
    other = min(place + chance.randrange(1, STRIDE), LONG)
    between = long.links[place : other - 1]
    return long.judge(place, long.links[other - 1], *between, long.links[place - 1], until=other)


def cut(long: Followed, place: int, chance: random.Random) -> Break | None:
    return long.judge(place, until=LONG)


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        pytest.param(flipped, Kind.ALTERED, id="flipped"),
        pytest.param(deleted, Kind.MISSING, id="deleted"),
        pytest.param(swapped, Kind.REORDERED, id="swapped"),
        pytest.param(cut, Kind.TRUNCATED, id="cut"),
    ],
)
def test_tampering_anywhere_in_a_hundred_thousand_records_is_found_and_named(
    long: Followed, tamper: object, kind: Kind
) -> None:
    assert callable(tamper)
    chance = random.Random(kind)
    places = [1, 2, LONG - 1, *chance.sample(range(3, LONG - 1), TRIES)]
    found = [tamper(long, place, chance) for place in places]
    assert [(each.kind, each.sequence) for each in found if each] == [(kind, place) for place in places]


def test_a_hundred_thousand_records_are_verified_whole_when_one_was_swapped_from_end_to_end(long: Followed) -> None:
    links = list(long.links)
    links[0], links[-1] = links[-1], links[0]
    assert broken(links, end(long.links)) == (Kind.REORDERED, 1)
