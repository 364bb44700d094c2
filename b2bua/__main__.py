"""The program `b2bua`: SIP sockets, calls, the pinhole socket and the control socket, wired together.

It runs without privileges. It starts with no listener at all: `gatewayd` hands it a site version.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import time
from pathlib import Path

from b2bua.bindings import BindingStore, Keeper
from b2bua.bus import RoomLink
from b2bua.call.gateway import Gateway
from b2bua.control import Control
from b2bua.going import Going
from b2bua.ids import GatewayIds
from b2bua.listeners import SiteListeners
from b2bua.lookups import Lookups
from b2bua.pinholes import PinholeClient
from b2bua.seeing import Sight
from b2bua.transport import Book, Credentials, Shell
from vdx import collector, control, journal, parts, wire
from vdx.errors import VdxError
from vdx.service import feed_watchdog, tell

log = logging.getLogger("b2bua")


def main() -> int:
    """Run until SIGTERM; exit status 2 with one sentence where it cannot start."""
    parser = argparse.ArgumentParser(prog="b2bua", description="The SIP back-to-back user agent of the edge.")
    parser.add_argument("--run-dir", type=Path, default=Path("/run/vdx"), help="where the sockets are (%(default)s)")
    parser.add_argument(
        "--state-dir",
        type=Path,
        help="where registrations and call records are kept; without it they end with the program",
    )
    parser.add_argument(
        "--answers",
        type=Path,
        default=Path("/var/lib/vdx/certificates/answers"),
        help="where certd leaves what authorities say of certificates (%(default)s)",
    )
    parser.add_argument("--verbose", action="store_true", help="log every step")
    options = parser.parse_args()
    journal.begin(verbose=options.verbose)
    try:
        asyncio.run(run(options.run_dir, options.state_dir, options.answers))
    except (VdxError, OSError) as error:
        print(f"b2bua: {error}", file=sys.stderr)  # noqa: T201 - the one sentence of a failed start
        return 2
    return 0


async def run(run_dir: Path, state_dir: Path | None, answers: Path) -> None:
    """Wire everything together and serve until SIGTERM."""
    gateway = Gateway(GatewayIds(), lambda record: sight.keep(record), time.time)  # noqa: PLW0108 - made below
    loop = asyncio.get_running_loop()
    credentials = Credentials(book=Book(answers, run_dir / "met"))
    shell = Shell(gateway, lambda: _ask(gateway, pinholes, keeper, lookups), credentials)
    keeper = _keeper(state_dir, gateway, shell)
    lookups = Lookups(gateway, loop.time, shell.flush)
    listeners = SiteListeners(shell, credentials)
    pinholes = PinholeClient(run_dir / "pinhole.sock", gateway, loop.time, shell.flush)
    going = Going(lambda: gateway.held(loop.time()), gateway.refused)
    rooms = RoomLink(state_dir / "bus" if state_dir else None, lambda asked: sight.past(asked), going)  # noqa: PLW0108 - made below
    sight = Sight(gateway, shell, loop.time, state_dir, rooms.keep)
    steering = Control(gateway, listeners, lookups, sight, rooms, loop.time, shell.flush)
    server = await wire.serve(run_dir / "control.sock", control.B2buaServerCodec, steering.serve, mode=0o660)

    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    tasks = [
        asyncio.create_task(pinholes.run(), name="pinholes"),
        asyncio.create_task(listeners.watch(), name="certificates"),
        asyncio.create_task(steering.vault.watch(), name="secrets"),
        asyncio.create_task(sight.run(), name="records"),
        asyncio.create_task(rooms.run(), name="bus"),
        asyncio.create_task(collector.look_when_quiet(lambda: gateway.sizes["calls"]), name="collector"),
        asyncio.create_task(collector.give_back(), name="memory"),
        asyncio.create_task(feed_watchdog(), name="watchdog"),
    ]
    collector.hold_off()
    tell("READY=1\nSTATUS=waiting for a site version")
    log.info("b2bua.ready")
    try:
        await parts.until_stopped(stop, tasks)
    finally:
        tell("STOPPING=1")
        await parts.end(tasks)
        server.close()
        await lookups.close()
        await shell.close()
        sight.close()
        if keeper is not None:
            await keeper.close()


def _ask(gateway: Gateway, pinholes: PinholeClient, keeper: Keeper | None, lookups: Lookups) -> None:
    pinholes.send(gateway.requests())
    lookups.start()
    if keeper is not None:
        keeper.look()


def _keeper(state_dir: Path | None, gateway: Gateway, shell: Shell) -> Keeper | None:
    if state_dir is None:
        log.warning("registrations.unkept: without --state-dir they end with this program")
        return None
    keeper = Keeper(BindingStore(state_dir), gateway.registrations, asyncio.get_running_loop().time, shell.flush)
    keeper.start()
    return keeper


if __name__ == "__main__":
    sys.exit(main())
