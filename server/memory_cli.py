"""The memory commands of ``crossdock``: for operators, over the database that the settings name, or the demo's."""
# ruff: noqa: PLC0415 (what a command needs is imported when it runs, so that help comes at once)

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from server.settings import Settings

Demo = Annotated[
    int | None, typer.Option(metavar="PORT", help="Of the demo that runs at this port, instead of the settings.")
]
Source = Annotated[str | None, typer.Option(help="Only of this source, such as wms.")]
Topic = Annotated[str | None, typer.Option(help="Only of this kind of message.")]
Reason = Annotated[str | None, typer.Option(help="Only those whose reason begins so, such as malformed.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]

dead_letters = typer.Typer(help="Deliveries that could not be read.", no_args_is_help=True)
events = typer.Typer(help="Deliveries as they came.", no_args_is_help=True)
order = typer.Typer(help="What is remembered of orders.", no_args_is_help=True)
shadow = typer.Typer(help="What two ERPs say otherwise of the same records.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Gives ``app`` these commands."""
    app.command()(worker)
    app.command()(backfill)
    app.command()(rebuild)
    app.command()(reconcile)
    app.command("event-catalogue")(event_catalogue)
    app.add_typer(dead_letters, name="dead-letters")
    app.add_typer(events, name="events")
    app.add_typer(order, name="order")
    app.add_typer(shadow, name="shadow")


def worker(demo: Demo = None) -> None:
    """Work on deliveries, beside servers started with --no-worker."""
    from server import logs, memory_commands

    with _told():
        settings = _settings(demo)
        logs.configure(settings.log_level)
        asyncio.run(memory_commands.worker(settings, lambda: typer.echo("Working.", err=True)))


def backfill(demo: Demo = None) -> None:
    """Fill memory from the sources; goes on where the last one stopped."""
    from server import memory_commands

    with _told():
        asyncio.run(memory_commands.backfill(_settings(demo), _say))


def rebuild(demo: Demo = None) -> None:
    """Drop the read model and make it anew from the deliveries that are kept."""
    from server import memory_commands

    with _told():
        asyncio.run(memory_commands.rebuild(_settings(demo), _say))


def reconcile(demo: Demo = None, limit: Limit = 100) -> None:
    """Compare memory with the sources, name each difference and repair it."""
    from server import memory_commands

    with _told():
        asyncio.run(memory_commands.reconcile(_settings(demo), _say, limit))


def event_catalogue(
    asyncapi: Annotated[bool, typer.Option("--asyncapi", help="As an AsyncAPI document instead of a page.")] = False,
) -> None:
    """Print what events come in and go out."""
    import json

    from ingest import event_asyncapi, event_page

    document = json.dumps(event_asyncapi.asyncapi(), indent=2, ensure_ascii=False) + "\n"
    typer.echo(document if asyncapi else event_page.page(), nl=False)


@dead_letters.command("list")
def list_dead_letters(
    source: Source = None,
    topic: Topic = None,
    reason: Reason = None,
    limit: Limit = 100,
    demo: Demo = None,
) -> None:
    """List them, the latest first: when, source, id, topic, reason."""
    from server import memory_commands
    from store.inbox import Letters

    with _told():
        which = Letters(source=source, topic=topic, reason=reason)
        for line in asyncio.run(memory_commands.dead_letters(_settings(demo), which, limit)):
            typer.echo(line)


@dead_letters.command("show")
def show_dead_letter(
    source: Annotated[str, typer.Argument(help="Its source.")],
    id_: Annotated[str, typer.Argument(metavar="ID", help="Its sender's id of it.")],
    demo: Demo = None,
) -> None:
    """Print a delivery as it came."""
    from server import memory_commands

    with _told():
        found = asyncio.run(memory_commands.delivery(_settings(demo), source, id_))
    if not found:
        _fail(f"No delivery {id_!r} of {source!r} is kept.", 1)
    typer.echo("\n".join(found))


@dead_letters.command("replay")
def replay_dead_letters(
    source: Source = None,
    id_: Annotated[str | None, typer.Option("--id", help="Only the one of this id.")] = None,
    topic: Topic = None,
    reason: Reason = None,
    demo: Demo = None,
) -> None:
    """Let them be worked on anew: all, or those that fulfil every condition."""
    from server import memory_commands
    from store.inbox import Letters

    with _told():
        replayed = asyncio.run(memory_commands.replay(_settings(demo), Letters(source, id_, topic, reason)))
    typer.echo(f"{replayed} will be worked on anew.")


@events.command("replay")
def replay_events(
    since: Annotated[datetime, typer.Option(help="Everything received at or after this time (UTC).")],
    source: Source = None,
    demo: Demo = None,
) -> None:
    """Let deliveries be worked on anew, with today's code tables."""
    from server import memory_commands

    with _told():
        aware = since.replace(tzinfo=UTC)
        replayed = asyncio.run(memory_commands.replay_since(_settings(demo), aware, source))
    typer.echo(f"{replayed} will be worked on anew.")


@order.command("explain")
def explain_order(number: Annotated[str, typer.Argument(help="The order's number.")], demo: Demo = None) -> None:
    """Print an order's case: its status, the evidence, what is missing and from whom, its timeline."""
    from server import memory_commands

    with _told():
        found = asyncio.run(memory_commands.explained(_settings(demo), number))
    if not found:
        _fail(f"No order {number!r} is remembered.", 1)
    typer.echo("\n".join(found))


@shadow.command("report")
def report_shadow(
    examples: Annotated[int, typer.Option(min=0, max=100, help="Of each field, at most.")] = 3,
    demo: Demo = None,
) -> None:
    """Print in which fields two ERPs differ, for how many records, with examples of both values."""
    from server import memory_commands

    with _told():
        found = asyncio.run(memory_commands.shadow_report(_settings(demo), examples))
    if not found:
        _fail("Nothing was compared yet: CROSSDOCK_COEXISTENCE__SHADOW says which share is.", 1)
    typer.echo("\n".join(found))


@shadow.command("forget")
def forget_shadow(demo: Demo = None) -> None:
    """Forget what was compared, such as when a mapping was corrected."""
    from server import memory_commands

    with _told():
        asyncio.run(memory_commands.shadow_forget(_settings(demo)))


def _settings(demo: int | None) -> "Settings":
    from server import demo_state, settings

    return settings.load(os.environ if demo is None else demo_state.environment(demo))


def _say(line: str) -> None:
    typer.echo(line)


@contextmanager
def _told() -> Iterator[None]:
    """Turns what is wrong into one line each and exit status 2."""
    from server import logs
    from server.demo_state import NoDemo
    from server.environment import Misconfigured

    logs.configure("warning")
    try:
        yield
    except (Misconfigured, NoDemo) as error:
        _fail(str(error), 2)


def _fail(reason: str, status: int) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(status)
