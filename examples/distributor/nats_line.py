"""How the ERP's events go to a broker: NATS JetStream. A module of its own, since its client takes long to load."""

import asyncio
from contextlib import suppress
from typing import Final

from faststream.nats import NatsBroker

from examples.distributor.pushes import Push
from examples.distributor.sending import ANSWER_WITHIN

CLOSE_WITHIN: Final = 2.0
"""Seconds."""


class NatsLine:
    """Publishes to a subject that a stream takes; whose subscriber makes the stream."""

    def __init__(self, url: str, subject: str) -> None:
        self._subject = subject
        self._broker = NatsBroker(url, logger=None, apply_types=False, max_reconnect_attempts=-1)
        self._connecting = asyncio.Lock()

    async def send(self, source: str, id_: str, push: Push) -> bool:  # noqa: ARG002 (one subject for one source)
        headers = {"Nats-Msg-Id": id_, "content-type": push.content_type}
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                async with self._connecting:
                    await self._broker.connect()
                jetstream = self._broker.connection.jetstream()
                await jetstream.publish(self._subject, push.body, headers=headers)
        except Exception:  # noqa: BLE001 - whatever its client raises, it was not acknowledged
            return False
        return True

    async def close(self) -> None:
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_WITHIN):
                await self._broker.stop()
