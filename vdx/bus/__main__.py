"""`vdx-bus`: what an administrator does with the bus.

vdx-bus config bus.yaml                      write the server's configuration (to standard output; it holds passwords)
vdx-bus provision --server .. --credentials  make buckets and streams, or bring them up to date
vdx-bus show rooms --server .. --credentials what a bucket holds, one record a line
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from vdx.bus.connection import Address, Bus
from vdx.bus.errors import BusError, NoAnswer
from vdx.bus.grants import STREAMS
from vdx.bus.kinds import Kind
from vdx.bus.provision import bucket, provision, stream
from vdx.bus.server import Server, configuration
from vdx.bus.watch import Watch
from vdx.errors import VdxError
from vdx.nodes import NODES
from vdx.placed import CALLS
from vdx.rooms import ROOMS

KINDS: dict[str, Kind[msgspec.Struct]] = {kind.name: kind for kind in (ROOMS, NODES, CALLS)}  # type: ignore[misc]

PATIENCE_SECONDS = 10.0
"""How long a person waits for the bus."""

MAX_FILE = 1024 * 1024
"""Bytes of a server's description."""


def main() -> int:
    """Do one thing; exit status 2 with one sentence where it cannot be done."""
    options = _parser().parse_args()
    try:
        if options.verb == "config":
            print(configuration(_read(options.file)), end="")  # noqa: T201 - the answer of a command line tool
        elif options.verb == "provision":
            asyncio.run(_on_bus(options, lambda bus: _provision(bus, options.replicas)))
        else:
            asyncio.run(_on_bus(options, lambda bus: _show(bus, KINDS[options.bucket])))
    except (VdxError, OSError) as error:
        print(f"vdx-bus: {error}", file=sys.stderr)  # noqa: T201 - the one sentence of a failure
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vdx-bus", description="The bus of the video hub, for its administrators.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    config = verbs.add_parser("config", help="write the configuration of nats-server")
    config.add_argument("file", type=Path, help="the description of the server (YAML, docs/bus.md)")
    provisioning = verbs.add_parser("provision", help="make buckets and streams, or bring them up to date")
    provisioning.add_argument("--replicas", type=int, choices=(1, 3, 5), default=1, help="copies on so many servers")
    show = verbs.add_parser("show", help="what a bucket holds, one record a line")
    show.add_argument("bucket", choices=sorted(KINDS))
    for verb in (provisioning, show):
        verb.add_argument("--server", action="append", required=True, help="tls://host:4222; more than once for more")
        verb.add_argument("--credentials", type=Path, help="a file with user and password, on two lines")
        verb.add_argument("--trust", type=Path, help="what vouches for the servers (PEM)")
        verb.add_argument("--name", default="hub", help="the program's name on the bus (%(default)s)")
    return parser


def _read(path: Path) -> Server:
    with path.open("rb") as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise BusError(f"{path} is longer than {MAX_FILE} bytes")
    try:
        return msgspec.yaml.decode(data, type=Server)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BusError(f"{path}: {error}") from error


async def _on_bus(options: argparse.Namespace, work: Callable[[Bus], Awaitable[None]]) -> None:
    bus = Bus(Address(tuple(options.server), options.name, options.credentials, options.trust))
    running = asyncio.create_task(bus.run())
    try:
        await asyncio.wait_for(bus.until_connected(), PATIENCE_SECONDS)
        await asyncio.wait_for(work(bus), PATIENCE_SECONDS)
    except TimeoutError as error:
        raise NoAnswer(f"no answer from {', '.join(options.server)} in {PATIENCE_SECONDS:g} s") from error
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _provision(bus: Bus, replicas: int) -> None:
    buckets = [bucket(kind, replicas) for kind in KINDS.values()]
    made = await provision(bus, buckets + [stream(name, replicas) for name in STREAMS])
    print(f"made: {', '.join(made) or 'nothing, all of it was there'}")  # noqa: T201 - the answer of a tool


async def _show(bus: Bus, kind: Kind[msgspec.Struct]) -> None:
    watch = Watch(kind)
    bus.add(watch)
    await watch.until_synced()
    for key, record in sorted(watch.records.items()):
        print(f"{key} {watch.revision(key)} {msgspec.json.encode(record).decode()}")  # noqa: T201 - see above


if __name__ == "__main__":
    sys.exit(main())
