"""`gatewayd`: wiring of the appliance's owner, top to bottom."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from gatewayd import agreements, guard, owners, prove, rights
from gatewayd.admin import Admin, program_version
from gatewayd.bans import Bans
from gatewayd.config.answers import Answers
from gatewayd.config.disk import Directory
from gatewayd.config.file import ActiveFile, Seen
from gatewayd.config.keeper import Keeper
from gatewayd.drain import Drain
from gatewayd.errors import StartError
from gatewayd.metrics import Meter
from gatewayd.network.kernel import Kernel as NetworkKernel
from gatewayd.notice import Notice
from gatewayd.pinholes import door
from gatewayd.pinholes.desk import Desk
from gatewayd.pinholes.leases import Held
from gatewayd.pinholes.relays import RelayLink
from gatewayd.pinholes.service import PinholeService
from gatewayd.signalling import AwayError, B2buaLink
from gatewayd.trust import Trust
from gatewayd.version import Versions, compute
from nft.kernel import Kernel
from nft.nflog import LatchReader
from vdx import collector, journal, parts, service, site, wire
from vdx.errors import VdxError
from vdx.ids import LEASE_SECONDS
from vdx.proof import ProofReport
from vdx.site.source import LoadedSite

NICE = -10
"""Before the programs of calls: they wait for pinholes, and what is done here takes fractions of a millisecond."""

log = logging.getLogger("gatewayd")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to end; returns 0, or 2 with one sentence on standard error."""
    options = _parser().parse_args(arguments)
    journal.begin()
    try:
        if options.check:
            compute(site.load(options.site), {})
            return 0
        rights.require_net_admin()
        asyncio.run(Gatewayd(options, owners.users(options.owner) or owners.present()).run())
    except VdxError as error:
        print(f"gatewayd: {error}", file=sys.stderr)  # noqa: T201 - the sentence for whoever started it
        return 2
    return 0


class Gatewayd:
    """The program: every part once, and who knows whom."""

    def __init__(self, options: argparse.Namespace, users: dict[int, str]) -> None:
        self._options = options
        self._run_dir: Path = options.run_dir
        self._open = ExitStack()
        netlink, self._ruled = rights.open_nftables()
        self._open.callback(netlink.close)
        links = NetworkKernel()
        self._open.callback(links.close)
        self._netlink = netlink
        kernel = Kernel(netlink)
        self._kernel = kernel

        own = {0, os.geteuid()}
        mediad = Trust("mediad", own if options.mediad is None else own | {options.mediad})
        self._mediad = RelayLink(self._run_dir / "mediad.sock", mediad, lambda: self._desk.leases, self._revoke)
        self._desk = Desk(kernel, self._mediad, secrets.randbelow, options.lease_seconds)
        self._bans = Bans(kernel)
        b2bua = Trust("b2bua", own | {user for user, name in users.items() if name == "b2bua"})
        self._b2bua = B2buaLink(self._run_dir / "control.sock", b2bua, self._greet)
        self._drain = Drain(self._run_dir / "drain.json", self._b2bua, time.time)
        self._versions = Versions(links, self._desk, self._bans, self._b2bua, self._revoke)
        self._service = PinholeService(self._desk, self._bans, users, time.monotonic)
        self._keeper = Keeper(
            Directory(options.state_dir / "versions"),
            Seen(options.site),
            self._versions.apply,
            time.time,
            lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
            ActiveFile(options.state_dir),
        )
        self._notice = Notice(lambda: self._versions.active, self._keeper.alarms)
        self._meter = Meter(self._run_dir, self._desk, self._bans, self._b2bua, netlink, self._notice)
        self._answers = Answers(self._keeper, _proved)
        web = frozenset(own if options.web is None else own | {options.web})
        self._admin = Admin(
            self._desk,
            self._service,
            self._bans,
            self._b2bua,
            self._mediad,
            self._drain,
            self._meter,
            self._versions,
            self._answers,
            web,
            netlink,
            self.reload,
        )
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Become ready, serve, end; pinholes, rules and addresses stay for the next start."""
        with self._open:
            # taken before anything is changed: a second gatewayd ends here
            admin, web, pinholes = await self._take()
            reader = self._open.enter_context(LatchReader())
            found = self._kernel.adopt() if self._ruled else []

            async def first(loaded: LoadedSite) -> None:
                await self._versions.start(loaded, found, time.monotonic(), fresh=not self._ruled)

            loaded = await self._keeper.start(first)
            self._service.watch(reader)
            # whoever came meanwhile has waited: an owner told before adoption that nothing is open would end its calls
            for server in (*await self._admin.serve(admin, web), await self._service.serve(pinholes)):
                self._open.callback(server.close)
            self._steer()
            with suppress(OSError):  # CAP_SYS_NICE is welcome, not needed
                os.setpriority(os.PRIO_PROCESS, 0, NICE)
            collector.hold_off()
            service.tell(f"READY=1\nSTATUS=site version {loaded.version}, {len(self._desk.leases)} leases adopted")
            log.info("gatewayd.ready version=%s site=%s", program_version(), loaded.version)
            await self._serve()

    async def reload(self) -> None:
        """Read the site file again and make it active; raises `VdxError`, and then nothing has changed."""
        service.tell("RELOADING=1")
        try:
            await self._answers.reload()
        finally:
            active = self._versions.active
            service.tell(f"READY=1\nSTATUS=site version {active.name if active else 'none'}")

    async def _greet(self) -> None:
        with suppress(AwayError):  # gone again: it hears when it is back
            await self._drain.greet()
            await self._versions.greet()

    async def _take(self) -> list[socket.socket]:
        """Take the paths of the sockets, in the order admin, web, owners; nobody is served yet."""
        try:
            self._run_dir.mkdir(parents=True, exist_ok=True)
            return [
                self._open.enter_context(await wire.take(self._run_dir / "admin.sock", mode=0o600)),
                self._open.enter_context(await wire.take(self._run_dir / "web.sock", mode=0o666)),
                self._open.enter_context(await door.take(self._run_dir / "pinhole.sock")),
            ]
        except OSError as error:
            raise StartError(f"sockets cannot be made in {self._run_dir}: {error.strerror}") from error

    async def _serve(self) -> None:
        work = [
            self._mediad.run(),
            self._b2bua.run(),
            self._service.sweep(),
            self._meter.run(),
            guard.watch(self._netlink, self._versions, self._desk),
            agreements.watch(self._versions),
            self._notice.watch(),
            self._keeper.run(self._answers.due),
            collector.look_when_quiet(lambda: self._desk.leases.calls),
            service.feed_watchdog(),
        ]
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            await parts.until_stopped(self._stop, tasks)
        finally:
            await parts.end(tasks)
            service.tell("STOPPING=1")

    def _steer(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        tasks: set[asyncio.Task[None]] = set()

        def reload() -> None:
            task = asyncio.ensure_future(self._reload_aloud())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)

    async def _reload_aloud(self) -> None:
        try:
            await self.reload()
        except VdxError as error:
            log.error("reload.refused: %s", error)  # noqa: TRY400 - sentences for an operator

    def _revoke(self, leases: list[Held], reason: str) -> None:
        self._service.revoke(leases, reason)


async def _proved(candidate: LoadedSite, running: LoadedSite) -> ProofReport:
    return await prove.start(candidate, running, now=time.time())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gatewayd", description="Own the edge appliance.")
    parser.add_argument("--site", type=Path, required=True, metavar="FILE", help="the site file")
    parser.add_argument("--run-dir", type=Path, default=Path("/run/vdx"), metavar="DIR", help="where sockets are")
    parser.add_argument("--state-dir", type=Path, default=Path("/var/lib/vdx"), metavar="DIR", help="what lasts")
    parser.add_argument("--check", action="store_true", help="only say whether the site file can be applied")
    parser.add_argument(
        "--owner",
        type=owners.owner,
        action="append",
        default=[],
        metavar="NAME[=UID]",
        help="a user that may own pinholes (default: those of b2bua, mixer that exist)",
    )
    parser.add_argument(
        "--mediad",
        type=int,
        default=owners.number("mediad"),
        metavar="UID",
        help="the user that mediad runs as, besides root (default: the system user mediad)",
    )
    parser.add_argument(
        "--web",
        type=int,
        default=owners.number("gatewayd-web"),
        metavar="UID",
        help="the user that gatewayd-web runs as, besides root (default: the system user gatewayd-web)",
    )
    parser.add_argument("--lease-seconds", type=float, default=LEASE_SECONDS, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
