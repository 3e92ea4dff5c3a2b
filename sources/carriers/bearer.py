"""A carrier's door that wants a bearer token: one refused before its time is renewed once."""

from collections.abc import Collection, Mapping
from http import HTTPStatus

from sources.addresses import Params
from sources.oauth import ClientCredentials
from sources.transport import Reply, Transport


class BearerDoor:
    """A transport whose calls, all idempotent, carry the token of ``credentials``."""

    def __init__(self, transport: Transport, credentials: ClientCredentials) -> None:
        self._transport = transport
        self._credentials = credentials

    async def send(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        headers: Mapping[str, str],
        params: Params | None = None,
        content: bytes | None = None,
        accept: Collection[int] = (HTTPStatus.OK,),
    ) -> Reply:
        """As ``Transport.send``; a second 401 is a SourceFault."""

        async def attempt(token: Mapping[str, str], accept: Collection[int]) -> Reply:
            return await self._transport.send(
                method,
                path,
                operation=operation,
                params=params,
                headers={**headers, **token},
                content=content,
                accept=accept,
            )

        token = await self._credentials.header()
        reply = await attempt(token, {*accept, HTTPStatus.UNAUTHORIZED})
        if reply.status == HTTPStatus.UNAUTHORIZED:
            self._credentials.forget(token)
            reply = await attempt(await self._credentials.header(), accept)
        return reply
