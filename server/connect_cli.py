"""The commands for those who connect their own systems: begin an adapter, ask every source whether it is well."""
# ruff: noqa: PLC0415 (what a command needs is imported when it runs, so that help comes at once)

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from server.settings import Settings

Demo = Annotated[
    int | None, typer.Option(metavar="PORT", help="Of the demo that runs at this port, instead of the settings.")
]


class Kind(StrEnum):
    ERP = "erp"
    WMS = "wms"
    CARRIER = "carrier"


codes = typer.Typer(help="What source systems' codes mean to us.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Gives ``app`` these commands."""
    app.command()(scaffold)
    app.command("check-sources")(check_sources)
    app.add_typer(codes, name="codes")


def scaffold(
    kind: Annotated[Kind, typer.Argument(help="Which port the system is to fill.")],
    name: Annotated[str, typer.Argument(help="What to call it, such as kontor.")],
    *,
    wsdl: Annotated[str | None, typer.Option(help="The address or file of its WSDL; an ERP's only.")] = None,
    openapi: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The file of its OpenAPI 3 document (JSON).")
    ] = None,
    orders: Annotated[
        str | None, typer.Option(help="An ERP's operation that reads one order, where the guess is wrong.")
    ] = None,
    into: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="The project's folder.", show_default="here")
    ] = Path(),
) -> None:
    """Write an adapter that runs: wire shapes, codes, what can be guessed of an order, a test and its stub.

    What is not mapped says so, and names the operation that looks like it. An ERP is begun from a WSDL or from OpenAPI,
    a warehouse and a carrier from OpenAPI.
    """
    import asyncio

    from server import wsdl_report
    from sources.scaffold import from_openapi, from_wsdl, writing

    if (wsdl is None) == (openapi is None):
        _fail("Give one of --wsdl and --openapi.")
    if wsdl is not None and kind is not Kind.ERP:
        _fail(f"A {kind} is scaffolded from --openapi; --wsdl is for an ERP.")
    origin = str(wsdl or openapi)
    try:
        if openapi is not None:
            interface = from_openapi.read(openapi.read_bytes())
        elif origin.startswith(("http://", "https://")):
            interface = asyncio.run(wsdl_report.fetched(origin, from_wsdl.from_web))
        else:
            interface = asyncio.run(from_wsdl.from_file(Path(origin)))
        found = writing.files(kind, name, interface, origin=Path(origin).name, rest=openapi is not None, orders=orders)
        written = writing.write(found, into)
    except Exception as error:  # noqa: BLE001 (zeep has errors of every kind for a WSDL that contradicts itself)
        _fail(f"{origin}: {error}")
    for path in written:
        typer.echo(path)
    typer.echo(f"Next: pytest {into / 'tests' / 'sources' / name}, then docs/connect-your-erp.md.")


def check_sources(
    deadline: Annotated[float, typer.Option(min=0.1, help="Seconds each source has in all.")] = 15.0,
    demo: Demo = None,
) -> None:
    """Ask every configured source whether it is there, lets us in, and answers in the shapes that are expected."""
    import asyncio

    from server import probing

    with _told():
        found = asyncio.run(probing.probe(_settings(demo), deadline))
    for finding in found:
        typer.echo(str(finding))
    if any(finding.wrong for finding in found):
        raise typer.Exit(1)


@codes.command()
def unmapped(demo: Demo = None) -> None:
    """List the codes that came with remembered orders and that no table holds, with how often they came."""
    import asyncio

    from server import codes_commands

    with _told():
        for line in asyncio.run(codes_commands.unmapped(_settings(demo))):
            typer.echo(line)


@codes.command()
def preview(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="What CROSSDOCK_CODES would be.", show_default=False)
    ],
    demo: Demo = None,
) -> None:
    """Tell which statuses of remembered orders would be others with the code tables of a folder; changes nothing."""
    import asyncio

    from server import codes_commands

    with _told():
        for line in asyncio.run(codes_commands.preview(_settings(demo), folder)).lines():
            typer.echo(line)


@codes.command()
def versions(demo: Demo = None) -> None:
    """Print the version of each source's code tables, which is the digest of all their rows."""
    with _told():
        settings = _settings(demo)
        for source, table in settings.tables(settings.codes).items():
            typer.echo(f"{table.version}  {source}  {len(table.entries)} codes, {len(table.customers)} customers' own")


def _settings(demo: int | None) -> "Settings":
    from server import demo_state, settings

    return settings.load(os.environ if demo is None else demo_state.environment(demo))


@contextmanager
def _told() -> Iterator[None]:
    """Turns what is wrong with the settings into one line each and exit status 2."""
    from server.demo_state import NoDemo
    from server.environment import Misconfigured

    try:
        yield
    except (Misconfigured, NoDemo) as error:
        _fail(str(error))


def _fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(2)
