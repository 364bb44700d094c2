"""The control socket: `gatewayd` hands over site versions, and asks about calls.

A version is prepared first: its listeners are bound beside the running ones, so that a port already taken is known
before anything changes. Activating it changes what new calls follow; running calls keep what they began with. Nothing
is read from a new listener before: by the version that is active until then, its peers would be strangers.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import pwd
from collections.abc import Callable

from b2bua.bus import RoomLink
from b2bua.call.gateway import Gateway
from b2bua.call.plan import Plan
from b2bua.listeners import SiteListeners
from b2bua.lookups import Lookups
from b2bua.seeing import Asked, Sight
from b2bua.vault import Vault
from vdx import control, wire
from vdx.control import FromB2bua, Signalling, ToB2bua
from vdx.drain import Drain, Undrain
from vdx.explain import Explain, Explained
from vdx.metrics import Metrics
from vdx.pinhole import Refused
from vdx.record import Records
from vdx.trace import Trace

log = logging.getLogger(__name__)

AboutCalls = control.Calls | control.Registrations | control.Hangup | Drain | Undrain | control.Status
Quick = control.Prepare | control.Activate | control.Revert | AboutCalls | Asked
"""What is answered at once, one after the other."""


class Control:
    """What `gatewayd` may ask; `after` runs after every message, to send what came of it."""

    def __init__(
        self,
        gateway: Gateway,
        listeners: SiteListeners,
        lookups: Lookups,
        sight: Sight,
        rooms: RoomLink,
        clock: Callable[[], float],
        after: Callable[[], None],
    ) -> None:
        self.vault = Vault(gateway.use, gateway.access.token)
        self._gateway = gateway
        self._listeners = listeners
        self._clock = clock
        self._after = after
        self._prepared: Plan | None = None
        self._lookups = lookups
        self._explaining: set[asyncio.Task[None]] = set()
        self._sight = sight
        self._rooms = rooms
        self._users = {0, os.getuid(), *_of_gatewayd()}

    async def serve(self, connection: wire.Connection[ToB2bua]) -> None:
        """Answer one connection: `gatewayd`'s, or root's."""
        if connection.user not in self._users:
            log.warning("control.refused: user %d may not steer b2bua", connection.user)
            return
        try:
            async for message in connection:
                if isinstance(message, Explain):  # may wait for DNS, and nothing else is to wait for it
                    self._explain_beside(message, connection)
                    continue
                connection.send(await self._answer(message))
                self._after()
        except wire.WireError as error:
            log.warning("control.broken: %s", error)

    async def _answer(self, message: Quick) -> FromB2bua:
        match message:
            case control.Prepare(id, version, signalling):
                return await self._prepare(id, version, signalling)
            case control.Activate(id, version):
                return await self._activate(id, version)
            case control.Revert(id):
                self._prepared = None
                self.vault.revert()
                await self._listeners.revert()
                return control.Ok(id)
            case Trace() | Records() | Metrics():
                return await self._sight.answer(message)
            case _:
                return self._answer_about_calls(message, self._clock())

    def _answer_about_calls(self, message: AboutCalls, now: float) -> FromB2bua:
        match message:
            case control.Calls(id):
                return control.CallList(id, self._gateway.calls(now))
            case control.Registrations(id):
                return control.RegistrationList(id, self._gateway.registrations.listed())
            case control.Hangup(id, call):
                found = self._gateway.hang_up(call, "operator", now)
                return control.Ok(id) if found else Refused(id, "unknown", f"there is no call {call}")
            case Drain() | Undrain():
                return self._drain(message, now)
            case control.Status(id):
                return self._status(id)

    def _drain(self, message: Drain | Undrain, now: float) -> control.Ok:
        if isinstance(message, Undrain):
            log.info("drain.ended")
            self._gateway.drain.end()
        else:
            log.info("drain.begun seconds=%s", message.seconds)
            self._gateway.drain.begin(message.seconds, now)
            self._gateway.on_timer(now)  # calls that should have ended by now
        return control.Ok(message.id)

    def _explain_beside(self, message: Explain, connection: wire.Connection[ToB2bua]) -> None:
        task = asyncio.ensure_future(self._explain(message, connection))
        self._explaining.add(task)
        task.add_done_callback(self._explaining.discard)

    async def _explain(self, message: Explain, connection: wire.Connection[ToB2bua]) -> None:
        explanation = self._gateway.explain(message.source, message.dialled, message.at)
        found = await self._lookups.find(explanation.queries)
        steps, places = explanation.finish(found, self._clock())
        connection.send(Explained(message.id, steps, explanation.status, places))

    async def _prepare(self, number: int, version: str, signalling: Signalling) -> control.Prepared:
        rooms, errors = self._rooms.prepare(signalling.dial.bus)
        plan = Plan(version, signalling, rooms)
        errors += self.vault.prepare(signalling)
        errors += await self._listeners.prepare(signalling.listeners, signalling.peers)
        if errors:
            self.vault.revert()
            await self._listeners.revert()
        self._prepared = None if errors else plan
        return control.Prepared(number, errors)

    async def _activate(self, number: int, version: str) -> FromB2bua:
        if self._prepared is None or self._prepared.version != version:
            return Refused(number, "unknown", f"version {version} has not been prepared")
        self._gateway.plan, self._prepared = self._prepared, None
        self.vault.activate()
        self._gateway.disown(self._clock())
        self._rooms.activate()
        self._sight.follow(self._gateway.plan.signalling.seeing)
        await self._listeners.activate()
        log.info("site.activated: version %s", version)
        return control.Ok(number)

    def _status(self, number: int) -> control.StatusReport:
        facts: dict[str, str | int | float] = {**self._gateway.sizes, **self._gateway.counts}
        facts |= self._rooms.facts()
        facts["registrations"] = self._gateway.registrations.count()
        facts |= self._listeners.facts()
        facts |= dict(self._gateway.qualify.facts(self._clock()))
        if (left := self._gateway.drain.left(self._clock())) is not None:
            facts["draining"] = "calls end when they like" if math.isinf(left) else f"calls end in {left:.0f} s"
        facts |= {f"dropped: {reason}": count for reason, count in self._gateway.endpoint.dropped.items()}
        return control.StatusReport(number, "b2bua", self._gateway.plan.version, "running", facts)


def _of_gatewayd() -> set[int]:
    """Give the system user `gatewayd`, where this machine has one: it need not run as root to steer."""
    try:
        return {pwd.getpwnam("gatewayd").pw_uid}
    except KeyError:
        return set()
