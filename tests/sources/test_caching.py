"""What is remembered is never older than it says, many askers cost one read, and a failed read falls back on memory."""

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import SourceError, SourceFault, SourceTimeout, SourceUnavailable
from domain.values import Provenance
from sources.caching import Answer, Cached, stale
from sources.ports import Batch
from sources.transport import as_one_operation
from tests.soak.figures import tell

START = datetime(2026, 11, 20, 15, tzinfo=UTC)
DOWN = SourceUnavailable("src", "down")


@dataclass(frozen=True)
class Thing:
    id: str
    version: int
    source: Provenance
    parts: tuple["Thing", ...] = ()


class Source:
    """A source with a clock of its own. ``state``: each key's version or error, as a read finds it when it begins."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.shift = 0.0
        self.state: dict[str, int | SourceError] = {}
        self.history: dict[str, list[tuple[float, int | None]]] = {}
        self.failing: Exception | None = None
        self.batches: list[list[str]] = []
        self.gate: asyncio.Event | None = None
        self.under_way: list[float] = []
        self.cancelled = 0
        self.cached: Cached[str, Thing] = Cached(
            self.fetch,
            lifetime=lambda thing: 1000 if thing.version >= 100 else 15,
            not_found=5,
            stale_for=60,
            size=100,
            now=self.now,
            monotonic=lambda: self.seconds,
        )

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds + self.shift)

    def thing(self, key: str) -> Thing | SourceError:
        version = self.state[key]
        return version if isinstance(version, SourceError) else Thing(key, version, Provenance("src", self.now()))

    async def fetch(self, keys: Collection[str]) -> Batch[str, Thing]:
        self.batches.append(list(keys))
        batch = {key: self.thing(key) for key in keys if key in self.state}
        failing, began = self.failing, self.seconds
        self.under_way.append(began)
        try:
            await (self.gate.wait() if self.gate else asyncio.sleep(0))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way.remove(began)
        if failing:
            raise failing
        return batch

    async def load(self, *keys: str, max_age: float | None = None) -> Answer[str, Thing]:
        return await self.cached.load(keys, max_age=max_age)

    async def versions(self, *keys: str, max_age: float | None = None) -> dict[str, int | type[SourceError]]:
        answer = await self.load(*keys, max_age=max_age)
        return {
            key: type(value) if isinstance(value, SourceError) else value.version
            for key, value in answer.values.items()
        }


@pytest.fixture
def source() -> Source:
    made = Source()
    made.state = {"a": 1, "b": 2, "c": 3}
    return made


# -- the operation's time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "batches"), [(60, 2), (5, 1)], ids=["more time", "less time"])
async def test_who_has_more_time_asks_again_where_who_began_had_too_little(
    source: Source, seconds: float, batches: int
) -> None:
    source.gate, source.failing = asyncio.Event(), SourceTimeout("src", "no time")
    now = asyncio.get_running_loop().time()
    with as_one_operation(now + 10):
        hurried = asyncio.create_task(source.versions("a"))
        await asyncio.sleep(0)
    with as_one_operation(now + seconds):
        joining = asyncio.create_task(source.versions("a"))
    await asyncio.sleep(0)
    source.gate.set()
    assert await hurried == {"a": SourceTimeout}
    assert await joining == {"a": SourceTimeout}
    assert source.batches == [["a"]] * batches


# -- one read for many -----------------------------------------------------------------------------------------------


async def test_keys_not_known_are_read_in_one_batch(source: Source) -> None:
    await source.load("a")
    assert await source.versions("a", "b", "c", "b") == {"a": 1, "b": 2, "c": 3}
    assert source.batches == [["a"], ["b", "c"]]


async def test_a_read_under_way_is_joined_for_its_keys_only(source: Source) -> None:
    source.gate = asyncio.Event()
    askers = [asyncio.create_task(source.versions(*keys)) for keys in ("ab", "b", "bc", "a", "c")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    source.gate.set()
    assert await asyncio.gather(*askers) == [{"a": 1, "b": 2}, {"b": 2}, {"b": 2, "c": 3}, {"a": 1}, {"c": 3}]
    assert source.batches == [["a", "b"], ["c"]]


async def test_who_leaves_disturbs_nobody(source: Source) -> None:
    source.gate = asyncio.Event()
    first, second, third = (asyncio.create_task(source.versions(*keys)) for keys in ("ab", "a", "bc"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    source.gate.set()
    assert list(await asyncio.gather(second, third)) == [{"a": 1}, {"b": 2, "c": 3}]
    assert first.cancelled()
    assert (source.cancelled, len(source.batches)) == (0, 2)


@pytest.mark.parametrize("turns", range(4))
async def test_the_last_to_leave_ends_the_read(source: Source, turns: int) -> None:
    source.gate = asyncio.Event()
    before = asyncio.all_tasks()
    askers = [asyncio.create_task(source.versions("a")) for _ in range(3)]
    for _ in range(turns):
        await asyncio.sleep(0)
    for asker in askers:
        asker.cancel()
    await asyncio.gather(*askers, return_exceptions=True)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert source.cancelled == len(source.batches)
    source.gate = None
    assert await source.versions("a") == {"a": 1}
    assert source.cached._reads == {}


async def test_a_failure_of_ours_reaches_everyone_and_is_not_remembered(source: Source) -> None:
    source.failing = KeyError("a bug")
    results = await asyncio.gather(source.load("a"), source.load("a"), return_exceptions=True)
    assert [type(result) for result in results] == [KeyError, KeyError]
    source.failing = None
    assert await source.versions("a") == {"a": 1}


# -- freshness -------------------------------------------------------------------------------------------------------


async def test_each_value_lives_as_long_as_it_may(source: Source) -> None:
    source.state = {"a": 1, "final": 100}
    await source.load("a", "final", "none")
    read_at = {5: [], 6: ["none"], 15: ["none"], 16: ["a"], 1000: ["a", "none"], 1001: ["final"]}
    for seconds, keys in read_at.items():
        source.seconds = seconds
        source.batches.clear()
        await source.load("a", "final", "none")
        assert source.batches == ([keys] if keys else [])


async def test_an_absent_key_is_absent_and_believed_briefly(source: Source) -> None:
    assert await source.versions("a", "new") == {"a": 1}
    source.state["new"] = 7
    assert await source.versions("new") == {}
    source.seconds = 6
    assert await source.versions("new") == {"new": 7}


async def test_max_age_asks_for_fresher(source: Source) -> None:
    await source.load("a")
    source.state["a"] = 2
    source.seconds = 10
    assert await source.versions("a", max_age=10) == {"a": 1}
    assert await source.versions("a", max_age=9) == {"a": 2}
    source.seconds = 30
    assert await source.versions("a", max_age=1000) == {"a": 2}
    assert len(source.batches) == 3


async def test_a_read_that_began_too_long_ago_is_not_joined(source: Source) -> None:
    source.gate = asyncio.Event()
    early = asyncio.create_task(source.versions("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    source.seconds, source.state["a"] = 2, 2
    joined = asyncio.create_task(source.versions("a", max_age=2))
    fresher = asyncio.create_task(source.versions("a", max_age=1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    source.gate.set()
    assert list(await asyncio.gather(early, joined, fresher)) == [{"a": 1}, {"a": 1}, {"a": 2}]
    assert len(source.batches) == 2
    assert await source.versions("a") == {"a": 2}


async def test_primed_values_are_served_and_never_replace_newer_ones(source: Source) -> None:
    old = Thing("a", 9, Provenance("src", source.now()))
    source.cached.prime("a", old)
    assert await source.versions("a") == {"a": 9}
    source.seconds = 20
    assert await source.versions("a") == {"a": 1}
    source.cached.prime("a", old)
    assert await source.versions("a") == {"a": 1}
    assert source.batches == [["a"]]


async def test_what_was_dropped_is_read_again_even_from_under_a_read(source: Source) -> None:
    await source.load("a")
    source.cached.drop("a")
    source.gate = asyncio.Event()
    early = asyncio.create_task(source.versions("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    source.seconds, source.state["a"] = 1, 2
    source.cached.drop("a")
    late = asyncio.create_task(source.versions("a"))
    await asyncio.sleep(0)
    source.gate.set()
    assert list(await asyncio.gather(early, late)) == [{"a": 1}, {"a": 2}]
    assert await source.versions("a") == {"a": 2}


async def test_a_clock_that_is_set_or_stopped_makes_nothing_young(source: Source) -> None:
    await source.load("a")
    source.shift = 16
    await source.load("a")
    source.shift = -3600
    source.seconds = 15
    await source.load("a")
    source.seconds = 16
    await source.load("a")
    source.seconds, source.shift = 26, -3610
    assert source.now() == START - timedelta(seconds=3584)
    assert await source.versions("a") == {"a": 1}
    assert source.batches == [["a"]] * 3
    assert await source.versions("a", max_age=9) == {"a": 1}
    assert source.batches == [["a"]] * 4


# -- falling back ----------------------------------------------------------------------------------------------------


async def test_a_failed_read_falls_back_on_what_is_remembered(source: Source) -> None:
    await source.load("a")
    source.seconds, source.failing = 30, DOWN
    answer = await source.load("a", "b")
    assert answer.values == {"a": Thing("a", 1, Provenance("src", START, stale=True)), "b": DOWN}
    assert answer.trouble == (DOWN,)
    source.failing = None
    assert await source.load("a") == Answer({"a": Thing("a", 1, Provenance("src", source.now()))})


async def test_one_keys_error_is_its_own(source: Source) -> None:
    await source.load("a", "b")
    bad = SourceFault("src", "malformed")
    source.seconds, source.state = 30, {"a": bad, "b": 5, "c": SourceFault("src", "other")}
    answer = await source.load("a", "b", "c")
    assert isinstance(answer.values["c"], SourceFault)
    assert answer.trouble == (bad,)
    assert await source.versions("a", "b") == {"a": 1, "b": 5}


@pytest.mark.parametrize(
    ("seconds", "max_age", "served"),
    [(60, None, True), (61, None, False), (30, 30, True), (30, 29, False), (30, 0, False)],
)
async def test_memory_stands_in_only_as_long_as_allowed(
    source: Source, seconds: float, max_age: float | None, served: bool
) -> None:
    await source.load("a")
    source.seconds, source.failing = seconds, DOWN
    answer = await source.load("a", max_age=max_age)
    assert (answer.values == {"a": DOWN}) is not served
    assert answer.trouble == ((DOWN,) if served else ())


async def test_absence_does_not_stand_in(source: Source) -> None:
    await source.load("none")
    source.seconds, source.failing = 30, DOWN
    assert (await source.load("none")).values == {"none": DOWN}


async def test_memory_is_bounded(source: Source) -> None:
    source.state = {str(number): number for number in range(500)}
    await source.load(*source.state)
    assert len(source.cached._entries) == 100


def test_everything_inside_is_marked_stale() -> None:
    inner = Thing("i", 1, Provenance("src", START))
    outer = replace(inner, id="o", parts=(inner, replace(inner, parts=(inner,))))
    marked = stale([outer])[0]
    assert [marked.source.stale, *(part.source.stale for part in marked.parts)] == [True, True, True]
    assert marked.parts[1].parts[0].source == Provenance("src", START, stale=True)
    assert stale(frozenset({"a"})) == frozenset({"a"})
    assert stale("a") == "a"


# -- the law, whatever happens in whatever order ---------------------------------------------------------------------

KEY = st.sampled_from("abcd")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sets(KEY, min_size=1), st.sampled_from([None, 0.0, 3.0, 40.0])),
        st.tuples(st.just("wait"), st.sampled_from([1.0, 4.0, 20.0, 50.0])),
        st.tuples(st.sampled_from(["change", "remove", "drop"]), KEY),
        st.tuples(st.sampled_from(["land", "fail", "mend", "leave"])),
    ),
    max_size=40,
)


class Story:
    """Askers, a source and what happens between them."""

    def __init__(self) -> None:
        self.source = Source()
        self.source.gate = asyncio.Event()
        self.dropped: dict[str, float] = {}
        self.answers = 0
        self.askers: list[asyncio.Task[None]] = []

    def ask(self, keys: set[str], max_age: float | None) -> None:
        self.askers.append(asyncio.create_task(self.check(keys, max_age)))

    async def check(self, keys: set[str], max_age: float | None) -> None:
        """No answer is older than asked for, than its lifetime, or than what was dropped."""
        asked, dropped, under_way = self.source.seconds, dict(self.dropped), set(self.source.under_way)
        answer = await self.source.cached.load(keys, max_age=max_age)
        for key, value in answer.values.items():
            if isinstance(value, SourceError):
                continue
            as_of = (value.source.as_of - START).total_seconds()
            assert value.id == key
            assert value.version in self.known(key, as_of)
            self.answers += 1
            assert as_of >= dropped.get(key, 0)
            assert max_age is None or as_of >= asked - max_age
            assert as_of >= asked - (60 if value.source.stale else 15) or as_of in under_way
            assert not value.source.stale or answer.trouble

    def known(self, key: str, at: float) -> set[int | None]:
        """What the source knew of ``key`` then: an answer that says it is younger than it is holds none of it."""
        history = [(float("-inf"), None), *self.source.history.get(key, ())]
        before = max((since for since, _ in history if since < at), default=float("-inf"))
        return {version for since, version in history if before <= since <= at}

    def wait(self, seconds: float) -> None:
        self.source.seconds += seconds

    def change(self, key: str) -> None:
        known = self.source.state.get(key, 0)
        version = self.source.state[key] = known + 1 if isinstance(known, int) else 1
        self.source.history.setdefault(key, []).append((self.source.seconds, version))

    def remove(self, key: str) -> None:
        self.source.state.pop(key, None)
        self.source.history.setdefault(key, []).append((self.source.seconds, None))

    def drop(self, key: str) -> None:
        self.source.cached.drop(key)
        self.dropped[key] = self.source.seconds

    def fail(self) -> None:
        self.source.failing = DOWN

    def mend(self) -> None:
        self.source.failing = None

    def leave(self) -> None:
        if self.askers:
            self.askers.pop(0).cancel()

    def land(self) -> None:
        assert self.source.gate
        self.source.gate.set()
        self.source.gate = asyncio.Event()

    async def run(self, steps: list[tuple[str, ...]]) -> None:
        for name, *arguments in steps:
            getattr(self, name)(*arguments)
            await asyncio.sleep(0)
        while not all(asker.done() for asker in self.askers):
            self.land()
            await asyncio.sleep(0)
        for asker in self.askers:
            asker.result()
        for _ in range(3):
            await asyncio.sleep(0)
        assert self.source.cached._reads == {}
        assert asyncio.all_tasks() == {asyncio.current_task()}


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_no_answer_is_older_than_it_may_be(steps: list[tuple[str, ...]]) -> None:
    async def live() -> None:
        await Story().run(steps)

    asyncio.run(live())


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_no_answer_is_older_than_it_says() -> None:
    told: Counter[str] = Counter()

    @settings(max_examples=5000, deadline=None)
    @given(STEPS)
    def live(steps: list[tuple[str, ...]]) -> None:
        story = Story()
        asyncio.run(story.run([*(("change", key) for key in "abc"), *steps]))
        told.update(schedules=1, answers=story.answers)

    live()
    tell(31, f"0 of {told['answers']} answers older than they say, in {told['schedules']} random schedules")
