"""The demo: a simulated distributor's systems as processes, and this server over them."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import typer

from examples.distributor.clock import START
from examples.distributor.environment import environment
from examples.distributor.fleet import Fleet, FleetError
from examples.distributor.idp import DEMO_SECRET
from examples.distributor.world import World
from examples.distributor.world.accounts import PERSONAS
from server import demo_state, running, settings
from server.environment import Misconfigured, Problem

HOST = "127.0.0.1"
WATCH_EVERY = 2.0
"""Seconds between two looks at whether every simulator still answers."""

SETTLED = (START - timedelta(days=10)).date()
"""Orders placed before have something to tell."""

FIRST_QUERY = f"""{{ orders(first: 3, filter: {{ placedBefore: "{SETTLED}T00:00:00Z" }}) {{
  nodes {{ number status shipments {{ carrier {{ name }} trackingNumber status }} }} }} }}"""


def run(port: int, rate: float) -> None:
    """Serves the demo until it is told to stop; in a second of ours ``rate`` seconds pass in its company.

    Raises Misconfigured when the port is taken or a system fails.
    """
    try:
        listener = running.listen(HOST, port)
    except Misconfigured as error:
        raise Misconfigured([Problem("PORT", problem.says) for problem in error.problems]) from error
    with listener:
        taken = listener.getsockname()[1]
        typer.echo("Starting the simulated distributor's systems ...", err=True)
        with (
            ExitStack() as stack,
            TemporaryDirectory(prefix="crossdock-demo-") as folder,
            _fleet() as fleet,
            _watched(fleet.urls),
        ):
            own = {"CROSSDOCK_LOG_LEVEL": "warning", "CROSSDOCK_DOWNLOADS__FOLDER": f"{folder}/documents"}
            given = environment(fleet.urls, f"sqlite:///{folder}/crossdock.db") | own
            state = demo_state.State(f"{fleet.urls['idp']}/token", DEMO_SECRET, list(PERSONAS), given)
            stack.enter_context(demo_state.kept(taken, state))
            fleet.set_rate(rate)
            fleet.subscribe(f"http://{HOST}:{taken}/webhooks")
            running.serve(
                settings.load(given),
                listener,
                ready=lambda: typer.echo(greeting(taken, fleet.urls)),
            )
        typer.echo("The demo has stopped.", err=True)


def greeting(port: int, urls: Mapping[str, str]) -> str:
    """Where everything is, who one can be, a first query to paste and an order to follow."""
    moving = World.build().examples["moving"]
    address = f"http://{HOST}:{port}"
    elsewhere = "" if port == 8000 else f"PORT={port} "
    people = "\n".join(f"  {name:<9} {facts.title}" for name, facts in PERSONAS.items())
    systems = "\n".join(f"  {name:<9} {url}" for name, url in urls.items())
    return f"""
Crossdock is ready.

  GraphiQL  {address}/graphiql/
  GraphQL   {address}/graphql

The simulated systems behind it:
{systems}

Who you can be:
{people}

A first query, as one of them:
  {elsewhere}.venv/bin/crossdock query --as buyer '{FIRST_QUERY}'

An order that leaves within hours of the company's time, step by step as it is told
(a second is a minute there; RATE=600 make demo: ten minutes):
  {elsewhere}.venv/bin/crossdock follow {moving}

A bearer token, for any other client of {address}/graphql:
  {elsewhere}make -s token PERSONA=buyer

Ctrl-C stops everything.
"""


@contextmanager
def _fleet() -> Iterator[Fleet]:
    """The simulators, for as long as they run."""
    try:
        fleet = Fleet.start()
    except FleetError as error:
        raise Misconfigured([Problem("demo", f"a simulated system did not start: {error}")]) from error
    with fleet:
        yield fleet


@contextmanager
def _watched(urls: Mapping[str, str]) -> Iterator[None]:
    """Says so, once, when a simulator no longer answers."""
    over = threading.Event()

    def watch() -> None:
        left = dict(urls)
        while left and not over.wait(WATCH_EVERY):
            for name in [name for name, url in left.items() if not _answers(url)]:
                del left[name]
                typer.echo(f"The simulated system {name} has ended; what it owns is missing from now on.", err=True)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _answers(url: str) -> bool:
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 80), timeout=1).close()
    except OSError:
        return False
    return True
