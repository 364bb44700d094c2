"""A mixing server: its rooms and calls, what it has room for, and who is sent where."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import secrets
import time
from collections.abc import Callable, Coroutine
from urllib.parse import unquote

import msgspec

from b2bua import sip
from b2bua.sip.uri import host_port
from mixer.agent.caller import Caller
from mixer.agent.config import Config, Sources
from mixer.agent.directory import Directory, settings_of
from mixer.agent.focus import Answer, Focus, display
from mixer.agent.media import PortRange
from mixer.agent.meeting import Meeting, Surroundings
from mixer.agent.meetings import Meetings
from mixer.agent.negotiation import Negotiation
from mixer.agent.neighbours import Place, Watchers
from mixer.agent.outgoing import invitation
from mixer.agent.quality import report
from mixer.agent.subscriptions import Subscriptions
from mixer.agent.workers import Pool
from mixer.errors import MixerError, WorkerError
from mixer.prompts import Prompts
from mixer.room import Guard, Kind, Role, RoomSettings
from mixer.session import Abilities, Quality
from mixer.session.write import FloorPlace
from vdx import ports
from vdx.headers import BRIDGE
from vdx.journal import fields
from vdx.meetings import Status
from vdx.rooms import Room

log = logging.getLogger("mixer.server")

BRIDGE_SECONDS = 180.0
"""How long the other end of a bridge may ring: as long as any call may (RFC 3261 16.6, timer C)."""

ANSWERED = 200

CRAMPED, ROOMY = 0.6, 0.5
"""Of the capacity, which is measured with one picture for all: a picture for each takes 1.6 times as much, so above the
one share small rooms have one for all, and below the other they have their own again."""

LIVE = ("edge", "proxy")
"""Of the configuration, what changes while calls are up; the rest takes a restart."""

RETRY_SECONDS = 30
"""Retry-After of a server without capacity."""


class Server:
    """All of it but sockets; `capacity` in twelfths of a port."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of a server, wired in one place
        self,
        config: Config,
        directory: Directory,
        pool: Pool,
        prompts: Prompts,
        place: Place,
        key: bytes,
        capacity: int,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.focus = Focus(self, Sources(config.edge), asyncio.get_running_loop().time)
        self.subscriptions = Subscriptions(self._entity, self._flush)
        self.watchers: list[Watchers] = [self.subscriptions]
        self.draining = False
        self.capacity = capacity
        self.config = config
        self._directory = directory
        self._pool = pool
        self._place = place
        self._key = key
        self._wall = wall
        self._ports = PortRange(config.media.address, config.media.first, config.media.last)
        self._roomy = True
        """Whether few enough ports are taken that small rooms may have a picture for each."""
        self._awaited: dict[str, asyncio.Future[int]] = {}
        self._callers: set[Caller] = set()
        self._users = itertools.cycle(range(1, 65_536))
        self._tasks: set[asyncio.Task[None]] = set()
        self._around = Surroundings(
            pool,
            prompts,
            Guard(),
            self.focus,
            self._dial,
            self._find,
            self._move,
            self._changed,
            self._presenter,
            self._over,
            self._left,
            config.recordings,
            config.themes,
            config.h265,
            config.fps,
            lambda: self._roomy,
            wall,
        )
        self.meetings = Meetings(
            directory, self._settings, lambda key, settings: Meeting(key, settings, self._around), self._ended
        )

    # What the focus asks

    def available(self) -> Answer | None:
        """Tell whether calls are taken."""
        if self.draining:
            return 503, "draining", (("Retry-After", str(RETRY_SECONDS)),)
        return None

    async def admit(self, leg: sip.Leg, request: sip.Request) -> Caller | Answer:
        """Find room and capacity for a call."""
        to = request.get(BRIDGE)
        if to:
            return await self._bridge(leg, request, to)
        alias = unquote(request.parsed_uri.user)
        room = self._directory.find(alias)
        if room is None:
            log.info("call.unknown", extra=fields(alias=alias[:64]))
            return 404, "", ()
        refusal = self._closed(room) or self._crowded(room)
        if refusal is not None:
            return refusal
        holder = await self._place.claim(room)
        if holder:
            log.info("call.elsewhere", extra=fields(room=room.uuid, holder=holder))
            return 503, f"the room is held by {holder}", (("Retry-After", "1"),)
        name, address = display(request)
        meeting = self.meetings.open(room)
        caller = self._caller(meeting, name, address, self.new_participant())
        leg.who = leg.who._replace(contact=f"{leg.who.contact};isfocus")
        log.info("call.came", extra=fields(participant=caller.id, room=room.uuid, source=address))
        return caller

    async def _bridge(self, leg: sip.Leg, request: sip.Request, to: str) -> Caller | Answer:
        """Call the other end into a room for two; the caller is answered when that has answered."""
        hops = 70 if request.max_forwards is None else request.max_forwards
        if self.config.proxy is None or self.draining or self.used + 2 * ports.PORT > self.capacity or hops < 2:
            return 503, "no bridge can be made", (("Retry-After", str(RETRY_SECONDS)),)
        name, address = display(request)
        settings = RoomSettings(address.partition("@")[0], name, Kind.GATEWAY, overlay=False, limit=2)
        meeting = self.meetings.gathering(settings)
        meeting.hops = hops - 1
        caller = self._caller(meeting, name, address, self.new_participant())
        leg.owner, caller.leg = caller, leg
        callee = self.new_participant()
        answered = self.awaited(callee)
        meeting.room.dial(callee, to, Role.HOST, to, self._wall())
        meeting.settle()
        if not leg.ended and not answered.done():
            leg.ring(asyncio.get_running_loop().time())
            self.focus.flush()
        try:
            async with asyncio.timeout(BRIDGE_SECONDS):
                status = await answered
        except TimeoutError:
            status = 408
        if status == ANSWERED:
            return caller
        log.info("bridge.unanswered", extra=fields(participant=caller.id, status=status))
        self.ended(caller, "the other end did not answer")
        return status, "", ()

    async def begin(self, caller: Caller) -> None:
        """Take a call into its room."""
        self._settled(caller.id, ANSWERED)
        self._weigh()
        if caller.meeting is not None:
            await caller.meeting.join(caller)

    def ended(self, caller: Caller, why: str, status: int = 480) -> None:
        """Let go of a call that is over."""
        if caller.gone:
            return
        caller.gone = True
        self._callers.discard(caller)
        self._weigh()
        meeting = caller.meeting
        if meeting is not None:
            for watcher in self.watchers:
                watcher.left(meeting, caller)
            meeting.leave(caller)
            self._empty(meeting)
            if meeting.room.settings.kind is Kind.GATEWAY:
                for other in [one for one in self._callers if one.meeting is meeting]:
                    self.focus.drop(other, 480, "the other end has ended the call")
        self._settled(caller.id, status)
        caller.negotiation.close()
        log.info("call.ended", extra=fields(participant=caller.id, why=why))

    def subscribed(self, handle: sip.ServerRequest, request: sip.Request, leg: sip.Leg | None) -> None:
        """Answer a SUBSCRIBE."""
        self.subscriptions.subscribed(handle, request, leg, self._running)

    def notified(self, handle: sip.ClientRequest, status: int) -> None:
        """Hear how a NOTIFY was answered."""
        self.subscriptions.notified(handle, status)

    def _running(self, alias: str) -> Meeting | None:
        room = self._directory.find(unquote(alias))
        return self.meetings.running.get(room.uuid) if room is not None else None

    def _flush(self) -> None:
        self.focus.flush()

    def _entity(self, meeting: Meeting) -> str:
        ours = self.config.sip[0]
        return f"sip:{meeting.room.settings.alias}@{host_port(ours.address, ours.port)}"

    # What probes ask

    def awaited(self, participant: str) -> asyncio.Future[int]:
        """Give how a call that is about to be made is answered: its SIP status."""
        future = self._awaited[participant] = asyncio.get_running_loop().create_future()
        return future

    def caller(self, participant: str) -> Caller | None:
        """Give a call."""
        return next((one for one in self._callers if one.id == participant), None)

    def drop(self, caller: Caller, why: str) -> None:
        """End a call."""
        self.focus.drop(caller, 480, why)

    def new_participant(self) -> str:
        """Give a new identifier: eight characters, of which no two are alike in a meeting."""
        return secrets.token_hex(4)

    def status(self) -> Status:
        """Tell how the server does."""
        return Status(
            self.config.name,
            self.capacity,
            self.used,
            len(self.meetings.running),
            len(self._callers),
            self._pool.ready,
            self.draining,
            self._place.state,
        )

    def drain(self, *, draining: bool) -> None:
        """Take no new rooms, or take them again."""
        self.draining = draining
        log.info("node.draining" if draining else "node.serving")

    def reload(self, config: Config) -> tuple[str, ...]:
        """Take who calls here and who is called; give the names of other fields that differ: they take a restart."""
        before = msgspec.structs.asdict(self.config)
        changed = {name: value for name, value in msgspec.structs.asdict(config).items() if value != before[name]}
        live = {name: changed.pop(name) for name in LIVE if name in changed}
        self.config = msgspec.structs.replace(self.config, **live)
        self.focus.edge = Sources(self.config.edge)
        if live or changed:
            log.info("node.reloaded", extra=fields(taken=", ".join(live), restart=", ".join(changed)))
        return tuple(changed)

    @property
    def used(self) -> int:
        """Twelfths of a port that calls take."""
        return sum(caller.twelfths for caller in self._callers)

    # The bus's word

    def record_changed(self, room: Room) -> None:
        """Take a new or changed record of a room that may run: its end, its settings."""
        meeting = self.meetings.running.get(room.uuid)
        if meeting is None:
            return
        if room.state == "closed":
            meeting.room.end(self._wall(), "it was closed")
        else:
            meeting.room.apply(self._settings(room))
        meeting.settle()

    def record_gone(self, uuid: str) -> None:
        """Take that a room is no more."""
        meeting = self.meetings.running.get(uuid)
        if meeting is not None:
            meeting.room.end(self._wall(), "it was deleted")
            meeting.settle()

    async def close(self) -> None:
        """End all calls and rooms."""
        for caller in list(self._callers):
            self.focus.drop(caller, 503, "the server stops")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.meetings.close()
        self.subscriptions.close()
        await self.focus.close()

    # Rooms

    def _closed(self, room: Room) -> Answer | None:
        now = self._wall()
        if room.state == "closed" or (room.ends is not None and now >= room.ends):
            return 410, "the meeting has ended", ()
        if room.starts is not None and now < room.starts:
            return 480, "the meeting is not open yet", ()
        if (room.host_pin or room.guest_pin) and not self._key:
            log.error("room.shut: it has PINs, and the configuration names no key `pins`", extra=fields(room=room.uuid))
            return 500, "", ()
        return None

    def _crowded(self, room: Room) -> Answer | None:
        full = self.capacity and self.used + ports.cost(room.quality) > self.capacity
        if full or (self.draining and room.uuid not in self.meetings.running):
            why = "no ports are left" if full else "the server takes no new rooms"
            return 503, why, (("Retry-After", str(RETRY_SECONDS)),)
        return None

    def _settings(self, room: Room) -> RoomSettings:
        return settings_of(room, self._key, records=self.config.recordings is not None)

    def _caller(self, meeting: Meeting, name: str, address: str, participant: str) -> Caller:
        quality = meeting.room.settings.quality
        floor = FloorPlace(self.config.media.floor, meeting.conference, next(self._users))
        abilities = Abilities(Quality(quality), self.config.h265, fps=self.config.fps)
        session = Negotiation(self._ports, self.config.media.address, abilities, floor, os.urandom)
        caller = Caller(participant, floor.user, name, address, session, meeting=meeting)
        self._callers.add(caller)
        return caller

    def _weigh(self) -> None:
        """See whether there is room for pictures of each one's own, after the calls have changed."""
        roomy = self.used <= (CRAMPED if self._roomy else ROOMY) * self.capacity
        if roomy is not self._roomy:
            self._roomy = roomy
            log.info("node.roomy" if roomy else "node.cramped", extra=fields(used=self.used, capacity=self.capacity))
            for meeting in self.meetings.running.values():
                meeting.weigh()

    def _empty(self, meeting: Meeting) -> None:
        """End a room if nobody is left in it."""
        if not any(caller.meeting is meeting for caller in self._callers) and not len(meeting.room):
            self.meetings.emptied(meeting)

    def _ended(self, meeting: Meeting) -> None:
        for watcher in self.watchers:
            watcher.closed(meeting)
        self._place.release(meeting.key)
        self._start(meeting.close())

    # What rooms ask

    def _dial(self, meeting: Meeting, participant: str, address: str) -> None:
        entry = next(one for one in meeting.room.roster if one.participant == participant)
        try:
            caller = self._caller(meeting, entry.name, address, participant)
            caller.role = entry.role
            self.focus.call(caller, invitation(self.config, meeting, address, caller.negotiation.offer()))
        except (sip.SipError, MixerError) as error:
            log.warning("call.undialled: %s", error, extra=fields(participant=participant))
            self._undialled(meeting, participant)

    def _undialled(self, meeting: Meeting, participant: str) -> None:
        caller = self.caller(participant)
        if caller is not None:
            self.ended(caller, "it could not be called")
        meeting.room.gone(participant, self._wall())
        self._settled(participant, 480)

    def _settled(self, participant: str, status: int) -> None:
        """Tell whoever waits for the end of somebody's call, or for its answer."""
        waiting = self._awaited.pop(participant, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(status)

    def _find(self, meeting: Meeting, participant: str, alias: str) -> None:
        room = self._directory.find(alias)
        exists = room is not None and room.uuid != meeting.key and self._closed(room) is None
        meeting.room.found(participant, alias, self._wall(), exists=exists)

    def shut(self, alias: str) -> str:
        """Say why nobody can be sent to a room, given by alias or uuid; "" where they can."""
        room = self._named(alias)
        if room is None:
            return f"no room is called {alias}"
        refusal = self._closed(room)
        return refusal[1] or "it cannot be entered" if refusal is not None else ""

    def _named(self, alias: str) -> Room | None:
        return self._directory.get(alias) or self._directory.find(alias)

    def _move(self, meeting: Meeting, participant: str, alias: str) -> None:
        self._start(self._moved(meeting, participant, alias))

    async def _moved(self, meeting: Meeting, participant: str, alias: str) -> None:
        """Take a call from one room into another: the same dialog, the same sockets, another worker."""
        caller = meeting.callers.get(participant)
        room = self._named(alias)
        if caller is None or room is None or self._closed(room) is not None:
            log.warning("call.unmoved", extra=fields(participant=participant, to=alias))
            return
        holder = await self._place.claim(room)
        if caller.gone or meeting.callers.get(participant) is not caller:
            return
        if holder:
            self.focus.refer(caller, next(iter(room.aliases), alias))
            return
        other = self.meetings.open(room)
        meeting.leave(caller)
        caller.role = None
        caller.meeting = other
        self._empty(meeting)
        try:
            await other.join(caller)
        except WorkerError as error:
            log.error("call.unmoved: %s", error, extra=fields(participant=participant))  # noqa: TRY400 - said
            self.focus.drop(caller, 503, "the room cannot be entered")

    def _changed(self, meeting: Meeting) -> None:
        for watcher in self.watchers:
            watcher.changed(meeting)

    def _presenter(self, meeting: Meeting, participant: str) -> None:
        for watcher in self.watchers:
            watcher.presenter(meeting, participant)

    def _left(self, meeting: Meeting, caller: Caller) -> None:
        self._place.report(report(self.config.name, meeting.key, caller, self._wall()))

    def _over(self, meeting: Meeting) -> None:
        self._empty(meeting)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
