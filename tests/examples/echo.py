"""A throw-away simulator for the tests of what all simulators share."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from examples.distributor.harness import clock_of, run, simulator


async def echo(request: Request) -> Response:
    body = (await request.body()).decode()
    return JSONResponse({"path": request.url.path, "body": body, "now": clock_of(request).now().isoformat()})


def operation(request: Request, body: bytes) -> str:
    return json.loads(body)["operation"] if body else request.method.lower()


def fault(name: str, status: int) -> Response:
    return JSONResponse({"vendorError": name}, status)


def main(name: str) -> None:
    routes = [Route("/{path:path}", echo, methods=["GET", "POST"])]
    run(simulator(name, routes, operation=operation, fault=fault), name)


if __name__ == "__main__":
    main("echo")
