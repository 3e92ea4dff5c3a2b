"""The ``crossdock`` command. What a command needs is imported when it runs, so that help comes at once."""
# ruff: noqa: PLC0415 (see above)

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from server import audit_cli, connect_cli, memory_cli

app = typer.Typer(
    help="One GraphQL graph over the systems a distributor already runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

memory_cli.add_to(app)
audit_cli.add_to(app)
connect_cli.add_to(app)

SCHEMA = Path("schema.graphql")
Port = Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="The demo's port.")]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, before CROSSDOCK_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, before CROSSDOCK_PORT.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="How many processes serve, before CROSSDOCK_WORKERS.", show_default="1")
    ] = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Leave the work on deliveries to `crossdock worker`.")
    ] = False,
) -> None:
    """Serve the graph, as CROSSDOCK_ settings say."""
    from server import processes, rehearsal, running, settings

    given = {
        "CROSSDOCK_HOST": host,
        "CROSSDOCK_PORT": None if port is None else str(port),
        "CROSSDOCK_WORKERS": None if workers is None else str(workers),
        "CROSSDOCK_INGEST__WORKER": "false" if no_worker else None,
    }
    with _problems_told():
        loaded = settings.load(os.environ | {name: value for name, value in given.items() if value is not None})
        rehearsal.check(loaded)
        with running.listen(loaded.host, loaded.port) as listener:
            if loaded.workers == 1:
                running.serve(loaded, listener)
            else:
                processes.serve(loaded, listener)


@app.command()
def demo(
    port: Port = 8000,
    rate: Annotated[
        float, typer.Option(min=0.0, envvar="RATE", help="Seconds that pass in the company in one of ours.")
    ] = 60.0,
) -> None:
    """Serve the graph of a simulated distributor, whose systems run beside it."""
    from server import demo as simulated

    with _problems_told():
        simulated.run(port, rate)


@app.command()
def token(
    persona: Annotated[str, typer.Argument(help="Whose token, such as buyer.")],
    port: Port = 8000,
) -> None:
    """Print a bearer token of the running demo."""
    from server import demo_state

    try:
        typer.echo(demo_state.token(persona, port))
    except demo_state.NoDemo as error:
        _fail(str(error), 2)


@app.command()
def query(
    text: Annotated[str, typer.Argument(help="The GraphQL query.")],
    persona: Annotated[str, typer.Option("--as", help="Who asks, such as buyer.")] = "buyer",
    port: Port = 8000,
) -> None:
    """Ask the running demo a query, as one of its personas."""
    from server import demo_state

    try:
        typer.echo(demo_state.ask(persona, text, port))
    except demo_state.NoDemo as error:
        _fail(str(error), 2)


@app.command()
def follow(
    number: Annotated[str, typer.Argument(help="The order's number.")],
    persona: Annotated[str, typer.Option("--as", help="Who follows, such as buyer.")] = "buyer",
    port: Port = 8000,
) -> None:
    """Print what happens to an order of the running demo, as it is told."""
    from server import demo_state

    try:
        for line in demo_state.follow(persona, number, port):
            typer.echo(line)
    except demo_state.NoDemo as error:
        _fail(str(error), 2)


@app.command()
def schema(
    check: Annotated[bool, typer.Option("--check", help="Compare with ./schema.graphql instead.")] = False,
) -> None:
    """Print the schema."""
    from difflib import unified_diff

    from graph import schema as graph

    printed = graph.sdl(graph.build())
    if not check:
        typer.echo(printed, nl=False)
        return
    kept = SCHEMA.read_text(encoding="utf-8") if SCHEMA.exists() else ""
    if kept != printed:
        difference = unified_diff(
            kept.splitlines(), printed.splitlines(), str(SCHEMA), "the printed schema", lineterm=""
        )
        typer.echo("\n".join(difference))
        _fail(f"{SCHEMA} is not the printed schema; `make schema` writes it.", 1)


@app.command("check-config")
def check_config() -> None:
    """Print the effective settings, secrets masked, or everything that is wrong with them."""
    from server import rehearsal, running, settings

    with _problems_told():
        loaded = settings.load(os.environ)
        rehearsal.check(loaded)
        if loaded.persisted:
            running.engine(loaded)
        for name, value in settings.masked(loaded).items():
            typer.echo(f"{name}={value}")


@app.command()
def wsdl(
    url: Annotated[str, typer.Argument(help="The WSDL's address, such as https://erp.example.com/soap?wsdl.")],
) -> None:
    """Print the operations and types of a WSDL."""
    import asyncio

    from server import wsdl_report

    try:
        typer.echo("\n".join(wsdl_report.lines(asyncio.run(wsdl_report.read(url)))))
    except Exception as error:  # noqa: BLE001 (zeep has errors of every kind for a WSDL that contradicts itself)
        _fail(f"{url} cannot be read as a WSDL: {error}", 1)


@contextmanager
def _problems_told() -> Iterator[None]:
    """Turns what is wrong with the settings into one line each and exit status 2."""
    from server.environment import Misconfigured

    try:
        yield
    except Misconfigured as error:
        _fail(str(error), 2)


def _fail(reason: str, status: int) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(status)


if __name__ == "__main__":
    app()
