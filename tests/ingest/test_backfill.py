"""Memory is filled from its sources, and made anew from its deliveries, wherever either of them is interrupted."""

from domain.access import Visibility
from domain.events import Subject
from tests.ingest.conftest import House


async def test_what_is_filled(filled: House, some_accounts: Visibility) -> None:
    print(await filled.memory.counts(), await filled.wants.count(), await filled.inbox.backlog())
    assert 0
