"""The audit commands of ``crossdock``: verify the chain, export it, ask it who saw something, take a checkpoint."""
# ruff: noqa: PLC0415 (what a command needs is imported when it runs, so that help comes at once)

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from domain.audit import Checkpoint, Record
    from store.audit import Trail

T = TypeVar("T")

Demo = Annotated[
    int | None, typer.Option(metavar="PORT", help="Of the demo that runs at this port, instead of the settings.")
]
Since = Annotated[datetime | None, typer.Option(help="From this time (UTC) on.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="A file whose bytes are the key checkpoints are signed by."),
]

app = typer.Typer(help="Who saw and did what.", no_args_is_help=True)


def add_to(crossdock: typer.Typer) -> None:
    """Gives ``crossdock`` these commands."""
    crossdock.add_typer(app, name="audit")


@app.command()
def verify(
    checkpoint: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="What `crossdock audit checkpoint` printed earlier."),
    ] = None,
    key_file: KeyFile = None,
    demo: Demo = None,
) -> None:
    """Verify the whole chain; exit status 1 names the first place at which it does not hold."""
    earlier = _checkpoint(checkpoint, key_file) if checkpoint else None
    head, found = _run(demo, lambda trail, _: trail.verify(earlier))
    if found is not None:
        _fail(f"The chain holds up to record {head.sequence}, and not beyond: {found}.", 1)
    typer.echo(f"The chain holds: {head.sequence} records.")
    if earlier is None:
        typer.echo("Without a checkpoint nobody can tell whether it was cut or rewritten as a whole.", err=True)


@app.command()
def export(
    since: Since = None,
    until: Annotated[datetime | None, typer.Option(help="Before this time (UTC).")] = None,
    demo: Demo = None,
) -> None:
    """Print the records as JSON lines, each with its hash and the one before it."""
    from domain.audit import exported

    async def told(trail: "Trail", _: datetime) -> None:
        async for link in trail.links(since=_utc(since), until=_utc(until)):
            typer.echo(exported(link))

    _run(demo, told)


@app.command("who-saw")
def who_saw(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Such as Invoice, Order, Customer, Shipment or Return.")],
    id_: Annotated[str, typer.Argument(metavar="ID", help="Its owner's id of it, such as its number.")],
    since: Since = None,
    demo: Demo = None,
) -> None:
    """Print every record about an entity: when, who, as what, what was shown or done, under which correlation id."""

    async def told(trail: "Trail", _: datetime) -> None:
        async for record in trail.who_saw(type_, id_, since=_utc(since)):
            typer.echo(_line(record, type_, id_))

    _run(demo, told)


@app.command()
def checkpoint(key_file: KeyFile = None, demo: Demo = None) -> None:
    """Print where the chain ends now, to be kept where nobody who can write the database can write."""
    from domain.audit import sealed

    taken = _run(demo, lambda trail, now: trail.checkpoint(now=now))
    typer.echo(sealed(taken, key_file.read_bytes() if key_file else None))


def _line(record: "Record", type_: str, id_: str) -> str:
    from domain.audit import saw

    entry = record.entry
    shown = sorted({field for item in saw(record, type_, id_) for field in item.fields})
    return (
        f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.actor}  {entry.actor_kind}  {entry.account or '-'}  "
        f"{entry.action}  {entry.outcome}  {' '.join(shown) or '-'}  {entry.correlation_id}"
    )


def _checkpoint(file: Path, key_file: Path | None) -> "Checkpoint":
    from domain.audit import unsealed

    try:
        return unsealed(file.read_text(encoding="utf-8"), key_file.read_bytes() if key_file else None)
    except ValueError as error:
        _fail(f"{file}: {error}.", 2)


def _run(demo: int | None, ask: "Callable[[Trail, datetime], Coroutine[Any, Any, T]]") -> T:
    """What ``ask`` finds in the chain of the database that the settings name, or the demo's; the time is given too."""
    from server import demo_state, memory_commands, settings
    from store.audit import Trail

    async def opened() -> T:
        loaded = settings.load(os.environ if demo is None else demo_state.environment(demo))
        async with memory_commands.shelf(loaded, audit=True) as (database, now):
            return await ask(Trail(database), now)

    with _told():
        return asyncio.run(opened())


def _utc(given: datetime | None) -> datetime | None:
    return given.replace(tzinfo=UTC) if given else None


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
