"""How an event goes to its subscriber, signed, and what became of all that were sent."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol

import aiohttp

from examples.distributor.pushes import Push
from examples.distributor.signing import FORGERS, signed

ANSWER_WITHIN: Final = 10.0
"""Seconds."""


@dataclass(slots=True)
class Counts:
    """What became of the messages of one kind.

    ``sent``: given to the subscriber at least once, ``duplicates``: so their second copies. Of both, ``acknowledged``
    were answered 2xx, and ``refused`` counts the answers that were not. ``pending``: of both, not acknowledged yet,
    those included that wait to be sent. ``forged_accepted``: ``forged`` copies answered 2xx. ``lost``: never sent.
    """

    sent: int = 0
    duplicates: int = 0
    acknowledged: int = 0
    refused: int = 0
    pending: int = 0
    lost: int = 0
    forged: int = 0
    forged_accepted: int = 0


class Line(Protocol):
    """Where the events of one source go; False: not acknowledged, to be sent again."""

    async def send(self, source: str, id_: str, push: Push) -> bool: ...

    async def close(self) -> None: ...


class HttpLine:
    """Posts to ``url``/<source>, signed anew each time by the real clock."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN))

    async def send(self, source: str, id_: str, push: Push, *, secret: str | None = None) -> bool:
        headers = signed(source, id_, push.body, datetime.now(UTC), secret=secret)
        headers["content-type"] = push.content_type
        try:
            async with self._session.post(
                f"{self._url}/{source}", data=push.body, headers=headers, allow_redirects=False
            ) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def forge(self, source: str, id_: str, push: Push, number: str) -> bool:
        """The same of another record than ``number``, by somebody who does not know the secret."""
        last = "1" if number.endswith("0") else "0"
        altered = replace(push, body=push.body.replace(number.encode(), (number[:-1] + last).encode()))
        return await self.send(source, id_, altered, secret=FORGERS[source])

    async def close(self) -> None:
        await self._session.close()
