"""Keys of an identity provider that rotates, slows down, floods and dies."""

import asyncio
from typing import Any

import pytest

from domain.errors import SourceUnavailable, Unauthenticated
from server.jwks import FRESH, KEPT, PAUSE, WAITING
from server.systems import OUR_LIMITS
from tests.server.authenticating import AT, NEXT_KEY, bench
from tests.server.provider import claims, jwk, segment


async def test_a_rotated_key_is_found_and_the_old_one_stays_until_it_is_gone() -> None:
    async with bench() as it:
        assert await it.ask(it.token())
        it.provider.keys.append(jwk(NEXT_KEY, kid="k2"))
        it.advance(PAUSE)
        assert await it.ask(it.token(NEXT_KEY, "k2"))
        assert await it.ask(it.token())
        old = it.token()
        it.provider.keys.pop(0)
        it.advance(FRESH)
        await it.ask(it.token(NEXT_KEY, "k2"))
        await it.settled()
        with pytest.raises(Unauthenticated):
            await it.ask(old)


def stranger(issuer: str, number: int) -> str:
    """A token under a key nobody knows; its signature is never looked at."""
    return f"{segment({'alg': 'ES256', 'kid': f'unknown-{number}'})}.{segment(claims(issuer))}.{segment(bytes(64))}"


async def test_a_flood_of_unknown_kids_makes_one_fetch_in_thirty_seconds() -> None:
    async with bench() as it:
        assert await it.ask(it.token())
        flood = [stranger(it.provider.issuer, number) for number in range(10_000)]
        for _ in range(2):
            it.advance(PAUSE)
            before = it.provider.fetches
            answers = await asyncio.gather(*map(it.ask, flood), return_exceptions=True)
            assert all(isinstance(answer, Unauthenticated) for answer in answers)
            assert it.provider.fetches == before + 1
            it.advance(PAUSE - 1)
            with pytest.raises(Unauthenticated):
                await it.ask(flood[0])
            assert it.provider.fetches == before + 1
        assert await it.ask(it.token())


async def test_a_flood_is_answered_by_what_is_known_while_the_provider_hangs() -> None:
    async with bench() as it:
        assert await it.ask(it.token())
        it.advance(PAUSE)
        it.provider.gate = asyncio.Event()
        flood = [asyncio.create_task(it.ask(stranger(it.provider.issuer, number))) for number in range(10_000)]
        while sum(not task.done() for task in flood) > WAITING:  # noqa: ASYNC110 (tasks signal nothing together)
            await asyncio.sleep(0.01)
        waiting = [task for task in flood if not task.done()]
        assert len(waiting) == WAITING
        assert all(isinstance(task.exception(), Unauthenticated) for task in flood if task.done())
        assert await it.ask(it.token(sub="u-18"))
        it.provider.gate.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(answer, Unauthenticated) for answer in answers)
        assert it.provider.fetches == 2


async def test_before_any_key_is_known_all_wait_for_the_first() -> None:
    async with bench() as it:
        it.provider.gate = asyncio.Event()
        crowd = [asyncio.create_task(it.ask(it.token(sub=f"u-{n}"))) for n in range(2 * WAITING)]
        await it.provider.asked.wait()
        it.provider.gate.set()
        assert all(await asyncio.gather(*crowd))
        assert it.provider.fetches == 1


async def test_a_provider_that_never_answers_is_waited_for_as_long_as_its_deadline_says() -> None:
    async with bench(deadline=0.2) as it:
        assert await it.ask(it.token())
        it.advance(PAUSE)
        it.provider.gate = asyncio.Event()
        with pytest.raises(Unauthenticated):
            await it.ask(it.token(NEXT_KEY, "k2"))
        assert await it.ask(it.token(sub="u-18"))
        it.provider.gate.set()


async def test_a_key_set_above_the_cap_does_not_replace_a_good_one() -> None:
    async with bench() as it:
        assert await it.ask(it.token())
        it.provider.keys = [jwk(NEXT_KEY, kid="k2", x5c="x" * OUR_LIMITS.max_body)]
        it.advance(PAUSE)
        with pytest.raises(Unauthenticated):
            await it.ask(it.token(NEXT_KEY, "k2"))
        assert it.provider.fetches == 2
        assert await it.ask(it.token())


async def test_a_fetch_that_hangs_delays_nobody_whose_key_is_known() -> None:
    async with bench() as it:
        assert await it.ask(it.token())
        it.advance(PAUSE)
        it.provider.gate = asyncio.Event()
        it.provider.asked.clear()
        newcomer = asyncio.create_task(it.ask(it.token(NEXT_KEY, "k2")))
        await it.provider.asked.wait()
        for n in range(50):
            assert await it.ask(it.token(sub=f"u-{n}"))
        assert not newcomer.done()
        it.provider.gate.set()
        with pytest.raises(Unauthenticated):
            await newcomer


async def test_a_waiter_who_leaves_does_not_stop_the_fetch_for_others() -> None:
    async with bench() as it:
        it.provider.gate = asyncio.Event()
        first, second = (asyncio.create_task(it.ask(it.token())) for _ in range(2))
        await it.provider.asked.wait()
        first.cancel()
        it.provider.gate.set()
        assert await second
        assert it.provider.fetches == 1


async def test_known_keys_work_for_a_day_and_more_while_the_provider_is_down() -> None:
    async with bench(max_lifetime=10**7) as it:
        token = it.token(exp=AT + 10**6)
        assert await it.ask(token)
        it.provider.up = False
        for _ in range(24):
            it.advance(3600)
            assert await it.ask(token)
            assert await it.ask(it.token(exp=AT + 10**6, jti=str(it.seconds)))
            await it.settled()
        it.advance(KEPT)
        with pytest.raises(SourceUnavailable):
            await it.ask(token)
        it.provider.up = True
        it.advance(PAUSE)
        assert await it.ask(token)


async def test_without_any_key_nothing_can_be_said_of_a_token() -> None:
    async with bench() as it:
        it.provider.up = False
        with pytest.raises(SourceUnavailable) as caught:
            await it.ask(it.token())
        assert caught.value.retry_after == PAUSE


WRONG: dict[str, dict[str, Any]] = {
    "another issuer's document": {"issuer": "https://evil.example"},
    "no address": {"jwks_uri": None},
    "an address elsewhere": {"jwks_uri": "http://127.0.0.1:9/jwks"},
    "a file": {"jwks_uri": "file:///etc/passwd"},
}


@pytest.mark.parametrize("document", WRONG.values(), ids=WRONG.keys())
async def test_a_discovery_document_that_is_wrong_gives_no_keys(document: dict[str, Any]) -> None:
    async with bench() as it:
        it.provider.discovery = document
        with pytest.raises(SourceUnavailable):
            await it.ask(it.token())
        assert it.provider.fetches == 0
        it.provider.discovery = {}
        it.advance(PAUSE)
        assert await it.ask(it.token())


async def test_a_configured_key_set_needs_no_discovery() -> None:
    async with bench(discover=False) as it:
        it.provider.discovery = {"issuer": "https://evil.example"}
        assert await it.ask(it.token())


async def test_a_set_without_a_usable_key_does_not_replace_a_good_one() -> None:
    async with bench() as it:
        assert await it.ask(it.token())
        it.provider.keys = [jwk(NEXT_KEY, kid="k2", use="enc")]
        it.advance(FRESH)
        await it.ask(it.token())
        await it.settled()
        assert await it.ask(it.token(sub="u-18"))
