"""`hubctl`: export and import an installation; ask a hub. Exit status 0, or 2 with one sentence on standard error."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from hub import program, settings
from hub.client import Client, calls
from hub.client.calls import Call
from hub.ctl import moving
from hub.store.database import Database
from vdx.errors import VdxError

app = typer.Typer(
    name="hubctl", help="Move an installation, and ask a hub.", add_completion=False, pretty_exceptions_enable=False
)

Config = Annotated[Path, typer.Option(help="the hub's configuration", dir_okay=False)]
Url = Annotated[str, typer.Option(envvar="HUB_URL", help="where the hub is")]
TokenFile = Annotated[Path, typer.Option(envvar="HUB_TOKEN_FILE", help="file with a bearer token", dir_okay=False)]


@app.command("export")
def export(
    config: Config, file: Annotated[Path, typer.Argument(help="file to be made; it must not be there yet")]
) -> None:
    """Write organisations, templates, meetings and rooms into a file, one JSON object a line."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # PINs and names are in it
    with os.fdopen(descriptor, "wb") as out:
        _told(_on_database(config, lambda database: moving.export(database, out.write)))


@app.command("import")
def take_in(config: Config, file: Annotated[Path, typer.Argument(help="what `export` wrote", exists=True)]) -> None:
    """Put a file's organisations, templates, meetings and rooms into an empty database: all of it, or nothing."""
    program.prepare(settings.load(config))
    with file.open("rb") as lines:
        _told(_on_database(config, lambda database: moving.take_in(database, lines)))


@app.command("root")
def root(
    config: Config,
    code: Annotated[str, typer.Argument(help="as tokens name it")],
    name: Annotated[str, typer.Argument(help="as people read it")],
) -> None:
    """Put the organisation that all others are below into an empty database."""
    program.prepare(settings.load(config))
    organisation = {"id": 1, "code": code, "name": name, "kind": "organisation", "parent_id": None}
    line = msgspec.json.encode({"what": "organisation", "organisation": organisation})
    _told(_on_database(config, lambda database: moving.take_in(database, [line])))


@app.command("search")
def search(url: Url, token_file: TokenFile, text: str) -> None:
    """List meetings that have a text as organiser, label or address, or within subject or description."""
    _show(url, token_file, calls.search(text))


@app.command("room")
def room(url: Url, token_file: TokenFile, meeting: UUID) -> None:
    """Show the room of a meeting."""
    _show(url, token_file, calls.room(meeting))


@app.command("usage")
def usage(url: Url, token_file: TokenFile, month: str) -> None:
    """Show what organisations used in a month such as 2026-11."""
    _show(url, token_file, calls.usage(month))


def _on_database(config: Path, work: Callable[[Database], Awaitable[moving.Counts]]) -> moving.Counts:
    async def run() -> moving.Counts:
        database = Database(settings.load(config).database, patient=True)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def _told(counts: moving.Counts) -> None:
    for what, many in sorted(counts.items()):
        typer.echo(f"{what}: {many}")


def _show(url: str, token_file: Path, call: Call[Any]) -> None:
    with Client(url, lambda: token_file.read_text("ascii").strip()) as client:
        found = client.send(call)
    for each in found if isinstance(found, list) else [found]:
        typer.echo(msgspec.json.encode(each))


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked."""
    try:
        app(args=list(arguments) if arguments is not None else None, standalone_mode=False)
    except (VdxError, OSError) as error:
        print(f"hubctl: {error}", file=sys.stderr)  # noqa: T201 - the sentence for whoever called it
        return 2
    except typer.Exit as ended:
        return ended.exit_code
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        print(f"hubctl: {error.format_message()}", file=sys.stderr)  # noqa: T201 - see above
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
