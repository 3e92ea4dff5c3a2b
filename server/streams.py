"""Every stream open in this process: how many a caller may have, how long each may stay, the word that ends all."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Protocol

from domain.errors import SourceUnavailable, Unauthenticated
from server.auth import EXPIRED, Session

PULSE = 1.0
"""Seconds between two looks at whether a silent stream may stay."""

SENDING = 30.0
"""Seconds that a client may take to receive one message; then it is left alone."""

PER_CALLER = 20
"""Connections that stream; an operation more or less on a WebSocket does not count."""


class Ending(StrEnum):
    """Why a stream is over."""

    COMPLETED = "completed"
    REFUSED = "refused"
    LEFT = "left"
    SLOW = "slow"
    EXPIRED = "expired"
    REVOKED = "revoked"
    STOPPING = "stopping"


class Crowded(Exception):
    """The caller has as many streams as one may have."""


class Gone(Exception):
    """The client left, or takes nothing any more: it cannot be told anything."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


class StreamObserver(Protocol):
    """What streams tell of themselves. ``transport``: "sse" or "ws"; ``kind``: of the operation."""

    def stream_opened(self, transport: str) -> None: ...

    def answer_sent(self, transport: str, kind: str, codes: Sequence[str]) -> None:
        """``codes``: those of the errors in the answer."""
        ...

    def stream_closed(self, transport: str, ending: Ending) -> None: ...


class Unobserved:
    def stream_opened(self, transport: str) -> None:
        pass

    def answer_sent(self, transport: str, kind: str, codes: Sequence[str]) -> None:
        pass

    def stream_closed(self, transport: str, ending: Ending) -> None:
        pass


class Streams:
    """The register. ``per_caller``: how many connections that stream one caller may have at a time. ``sending``:
    seconds that a client may take to receive one message.
    """

    def __init__(
        self, *, per_caller: int = PER_CALLER, sending: float = SENDING, observer: StreamObserver | None = None
    ) -> None:
        self.observer: StreamObserver = observer or Unobserved()
        self._per_caller = per_caller
        self._sending = sending
        self._open: Counter[str] = Counter()
        self._none = asyncio.Event()
        self._none.set()
        self._stopping = asyncio.Event()

    @property
    def open(self) -> int:
        """How many there are."""
        return self._open.total()

    async def stop(self, *, within: float) -> None:
        """Ends all that are open, and all that come later, since the server stops. Waits for them ``within`` seconds
        at most.
        """
        self._stopping.set()
        try:
            async with asyncio.timeout(within):
                await self._none.wait()
        except TimeoutError:
            pass

    @contextmanager
    def admitted(self, session: Session) -> Iterator[None]:
        """Room for one stream of the caller. Raises Crowded when there is none."""
        caller = session.principal.subject
        if self._open[caller] >= self._per_caller:
            raise Crowded
        self._open[caller] += 1
        self._none.clear()
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]
            if not self._open:
                self._none.set()

    async def deliver(self, sending: Awaitable[None]) -> None:
        """Waits until the client has taken what is sent, as far as its connection holds it. Raises Gone."""
        try:
            async with asyncio.timeout(self._sending):
                await sending
        except TimeoutError:
            raise Gone(Ending.SLOW) from None
        except OSError:
            raise Gone(Ending.LEFT) from None

    @property
    def stopping(self) -> bool:
        """Whether nothing new should begin."""
        return self._stopping.is_set()

    async def ended(self, session: Session, *, finishing: bool = False) -> Ending | None:
        """Why the stream must end now; None while it may stay. To be asked before each thing it tells.

        ``finishing``: what it tells is soon over by itself, and a server that stops waits for it.
        """
        if self.stopping and not finishing:
            return Ending.STOPPING
        try:
            await session.check()
        except Unauthenticated as error:
            return Ending.EXPIRED if error.public == EXPIRED else Ending.REVOKED
        except SourceUnavailable:  # nobody vouches for the token any more
            return Ending.REVOKED
        return None

    async def over(self, session: Session, *, finishing: bool = False) -> Ending:
        """Waits until the stream must end."""
        while (ending := await self.ended(session, finishing=finishing)) is None:
            try:
                async with asyncio.timeout(PULSE):
                    await (asyncio.sleep(PULSE) if finishing else self._stopping.wait())
            except TimeoutError:
                pass
        return ending
