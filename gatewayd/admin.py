"""The admin socket: what `gatewayctl` asks. What concerns calls is passed on to `b2bua`."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version

from msgspec import structs

from gatewayd import overview
from gatewayd.bans import Bans
from gatewayd.config.answers import Answers
from gatewayd.config.errors import DeclineError
from gatewayd.config.roles import Asker
from gatewayd.drain import Drain
from gatewayd.errors import RefusalError, VersionError
from gatewayd.metrics import Meter
from gatewayd.pinholes.desk import Desk
from gatewayd.pinholes.relays import RelayLink
from gatewayd.pinholes.service import PinholeService
from gatewayd.signalling import AwayError, B2buaLink
from gatewayd.version import Versions
from nft.errors import NftError
from vdx import control, wire
from vdx.control import (
    AboutCalls,
    AdminServerCodec,
    FromGatewayd,
    Pinholes,
    Reload,
    Status,
    StatusReport,
    Steering,
    ToGatewayd,
    Unban,
)
from vdx.drain import Drain as DrainMessage
from vdx.drain import Undrain
from vdx.errors import VdxError
from vdx.journal import fields
from vdx.management import AboutManagement, EndCall, ListRules, Look, SeeMachine, TakeIn, TakeOut, TendMachine
from vdx.metrics import MetricList, Metrics, MetricText
from vdx.pinhole import Ban, Done, Listed, Refused
from vdx.versions import AboutVersions, Declined

LOOKS: dict[str, Callable[[int], AboutCalls | Steering]] = {
    "status": Status,
    "calls": control.Calls,
    "pinholes": Pinholes,
    "bans": control.Bans,
    "metrics": Metrics,
}
"""What is asked of whom to answer a `Look`."""

log = logging.getLogger(__name__)


def program_version() -> str:
    """Give the version of this program."""
    try:
        return version("vdx")
    except PackageNotFoundError:
        return "not installed"


class Admin:
    """Answers `gatewayctl`; `reload` reads the site file again and raises `VdxError` where it cannot be used."""

    def __init__(  # noqa: PLR0913, PLR0917 - everything that may be asked about
        self,
        desk: Desk,
        service: PinholeService,
        bans: Bans,
        b2bua: B2buaLink,
        mediad: RelayLink,
        drain: Drain,
        meter: Meter,
        versions: Versions,
        answers: Answers,
        web: frozenset[int],
        counting: overview.Counting,
        reload: Callable[[], Awaitable[None]],
    ) -> None:
        self._desk = desk
        self._service = service
        self._bans = bans
        self._b2bua = b2bua
        self._mediad = mediad
        self._drain = drain
        self._meter = meter
        self._versions = versions
        self._answers = answers
        self._web = web
        self._counting = counting
        self._reload = reload
        self._since = time.monotonic()

    async def visit(self, connection: wire.Connection[ToGatewayd]) -> None:
        """Answer one connection of root to its end."""
        await self._visited(connection, local=True)

    async def visit_web(self, connection: wire.Connection[ToGatewayd]) -> None:
        """Answer one connection of `gatewayd-web`, which asks for others; whoever else comes gets no answer."""
        if connection.user in self._web:
            await self._visited(connection, local=False)
        else:
            log.warning("web.refused user=%d: name the user of gatewayd-web with --web", connection.user)

    async def serve(self, listener: socket.socket, web: socket.socket) -> tuple[asyncio.Server, asyncio.Server]:
        """Serve at the sockets that were taken before: root's, and that of `gatewayd-web`."""
        return (
            await wire.attend(listener, AdminServerCodec, self.visit),
            await wire.attend(web, AdminServerCodec, self.visit_web),
        )

    async def _visited(self, connection: wire.Connection[ToGatewayd], *, local: bool) -> None:
        try:
            async for request in connection:
                connection.send(await self._answer(request, local=local))
        except wire.WireError as error:
            connection.send(Refused(0, "invalid", str(error)))

    async def _answer(self, request: ToGatewayd, *, local: bool) -> FromGatewayd:
        if isinstance(request, AboutVersions):
            return await self._answers.ask(request, local=local)
        try:
            if isinstance(request, AboutManagement):
                return await self._managed(request, self._answers.asker(request.principal, local=local))
            if not local:
                return Refused(request.id, "policy", "this is for root on the machine itself: gatewayctl")
            return await self._do(request)
        except DeclineError as declined:
            return Declined(request.id, declined.code, declined.reasons)
        except RefusalError as refusal:
            return Refused(request.id, refusal.code, str(refusal))
        except AwayError as away:
            return Refused(request.id, "unknown", str(away))
        except NftError as error:
            return Refused(request.id, "kernel", str(error))
        except VdxError as error:
            return Refused(request.id, "invalid", str(error))

    async def _managed(self, request: AboutManagement, asker: Asker) -> FromGatewayd:
        asker.require(request)
        if isinstance(request, Look):
            return await self._do(LOOKS[request.what](request.id))
        if isinstance(request, EndCall):
            log.warning("call.ended-by-hand", extra=fields(call=request.call, by=asker.name, why=request.why))
            return await self._do(control.Hangup(request.id, request.call))
        if isinstance(request, TakeOut | TakeIn):
            log.warning("drain.asked", extra=fields(by=asker.name, why=request.why))
            if isinstance(request, TakeIn):
                return await self._do(Undrain(request.id))
            return await self._do(DrainMessage(request.id, request.seconds))
        if isinstance(request, SeeMachine):
            return control.Ok(request.id)
        if isinstance(request, TendMachine):
            log.warning("machine.tended", extra=fields(deed=request.deed, by=asker.name, why=request.why))
            return control.Ok(request.id)
        active = self._versions.active
        if active is None:
            raise VersionError("no site version is active yet")
        if isinstance(request, ListRules):
            return overview.rules(request.id, active, self._counting)
        return await asyncio.to_thread(overview.agreements, request.id, active, asker, time.time())

    async def _do(self, request: AboutCalls | Steering) -> FromGatewayd:
        if isinstance(request, Status):
            return await self._status(request.id)
        if isinstance(request, Pinholes):
            return Listed(request.id, await self._service.listed())
        if isinstance(request, Reload):
            await self._reload()
            return control.Ok(request.id)
        if isinstance(request, Ban):
            self._bans.ban(request.address, request.seconds, f"by hand: {request.reason}")
            return Done(request.id)
        if isinstance(request, control.Bans):
            return control.BanList(request.id, self._bans.listed())
        if isinstance(request, Unban):
            self._bans.unban(request.address)
            return control.Ok(request.id)
        if isinstance(request, DrainMessage):
            await self._drain.begin(request.seconds)
            return control.Ok(request.id)
        if isinstance(request, Undrain):
            await self._drain.end()
            return control.Ok(request.id)
        if isinstance(request, Metrics):
            return MetricText(request.id, await self._meter.text())
        return await self._passed_on(request)

    async def _passed_on(self, request: AboutCalls) -> FromGatewayd:
        answer = await self._b2bua.ask(lambda number: structs.replace(request, id=number))
        if isinstance(answer, control.Prepared | MetricList):
            raise VersionError(f"b2bua gave an odd answer: {type(answer).__name__}")
        return structs.replace(answer, id=request.id)

    async def _status(self, number: int) -> StatusReport:
        active = self._versions.active
        facts: dict[str, str | int | float] = {
            "site": active.loaded.site.name if active else "",
            "site version": active.name if active else "",
            "up for seconds": round(time.monotonic() - self._since),
            "calls with media": self._desk.leases.calls,
            "leases": len(self._desk.leases),
            "bans": len(self._bans.listed()),
            "draining": self._drain.sentence(),
            "owners": ", ".join(self._service.connected) or "none connected",
            "b2bua": "connected" if self._b2bua.connected else "away",
            "mediad": "connected" if self._mediad.connected else "away",
        }
        state = "serving" if active and self._b2bua.connected else "waiting for b2bua"
        if self._drain.left is not None:
            state = "out of service"
        others: tuple[StatusReport, ...] = ()
        try:
            answer = await self._b2bua.ask(Status)
            if isinstance(answer, StatusReport):
                others = (answer,)
        except AwayError as away:
            log.debug("status.partial: %s", away)
        return StatusReport(number, "gatewayd", program_version(), state, facts, others)
