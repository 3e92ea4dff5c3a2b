"""The load generator counts what it was answered, and tells it in the shared harness's words."""

from aiohttp import web

from benchmarks import load

HARNESS_READS = {
    "requests",
    "duration_us",
    "bytes",
    "p50_us",
    "p90_us",
    "p99_us",
    "max_us",
    "connect",
    "read",
    "write",
    "timeout",
    "status",
}


async def test_answers_and_refusals_are_counted() -> None:
    asked: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.read())
        return web.Response(status=200 if asked[-1] == b"good" else 500, body=b"12345")

    application = web.Application()
    application.router.add_post("/graphql", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        found = await load.load(f"http://{host}:{port}/graphql", [b"good", b"bad"], connections=2, seconds=0.2)
    finally:
        await runner.cleanup()
    assert found.keys() == HARNESS_READS
    assert found["requests"] == len(asked)
    assert found["status"] == asked.count(b"bad") > 0
    assert found["bytes"] == 5 * len(asked)
    assert found["p50_us"] <= found["p99_us"] <= found["max_us"]
