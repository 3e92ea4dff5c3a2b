"""Bearer tokens of the simulated company's personas."""

import httpx

from examples.distributor.fleet import Fleet
from examples.distributor.idp import DEMO_SECRET


async def token(fleet: Fleet, persona: str) -> str:
    asked = {"grant_type": "client_credentials", "client_id": persona, "client_secret": DEMO_SECRET}
    async with httpx.AsyncClient(trust_env=False) as client:
        reply = await client.post(f"{fleet.urls['idp']}/token", data=asked)
        access_token: str = reply.json()["access_token"]
        return access_token
