"""GraphQL over HTTP as its own audits see it: npm's graphql-http, against a real server."""

import asyncio
import json

from examples.distributor.fleet import Fleet
from tests.e2e import personas
from tests.npm.node import NODE, PEERS

AUDITS = 61


async def test_every_audit_passes_for_a_caller_who_may_introspect(fleet: Fleet, served: str) -> None:
    bearer = await personas.token(fleet, "service")
    process = await asyncio.create_subprocess_exec(
        NODE, PEERS / "audits.mjs", f"{served}/graphql", bearer, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    audits = [json.loads(line) for line in out.splitlines()]
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == AUDITS
