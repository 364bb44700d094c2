"""Probe calls of the hub: this server dials a room through the edge, stays a moment, and tells how that went.

The probe is a participant of a room of its own on this side, for one: a worker sends, receives and counts for it
as for anybody. It is shown what it sees, so that a worker decodes that; the other room shows nobody himself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from b2bua.sip.uri import host_port
from mixer.agent.caller import Caller
from mixer.agent.config import Config, Proxy
from mixer.agent.meetings import Meetings
from mixer.reports import StreamStats
from mixer.room import Kind, Role, RoomSettings
from vdx.probe import SETUP_SECONDS, Probe, Probed, ProbedStream

AT_ONCE = 4
"""Probes of one server at once: each holds a port, and a hub that asks for more has lost count."""

LOOK_SECONDS = 0.1
"""Between two looks at what came: how exactly the first packet is dated, beside the second of a worker's count."""

ANSWERED = 200


class Rooms(Protocol):
    """What a probe needs of the server."""

    meetings: Meetings
    config: Config

    def available(self) -> tuple[int, str, object] | None:
        """Tell whether calls are taken."""
        ...

    def new_participant(self) -> str:
        """Give a new identifier."""
        ...

    def awaited(self, participant: str) -> asyncio.Future[int]:
        """Give how a call that is about to be made is answered: its SIP status."""
        ...

    def caller(self, participant: str) -> Caller | None:
        """Give a call."""
        ...

    def drop(self, caller: Caller, why: str) -> None:
        """End a call."""
        ...


class Prober:
    """Makes probe calls."""

    def __init__(self, rooms: Rooms, wall: Callable[[], float] = time.time) -> None:
        self._rooms = rooms
        self._wall = wall
        self._at_work = 0

    async def probe(self, asked: Probe) -> Probed:
        """Make one; never raises for what the other side does."""
        refusal, config = self._rooms.available(), self._rooms.config
        if refusal is not None or self._at_work >= AT_ONCE:
            return Probed(config.name, 503, refusal[1] if refusal else "too many probes are at work: ask later")
        if config.proxy is None:
            return Probed(config.name, 503, "the server's configuration names no `proxy` to call by")
        self._at_work += 1
        try:
            return await self._made(asked, config.proxy)
        finally:
            self._at_work -= 1

    async def _made(self, asked: Probe, proxy: Proxy) -> Probed:
        loop, rooms, name = asyncio.get_running_loop(), self._rooms, self._rooms.config.name
        meeting = rooms.meetings.gathering(RoomSettings("probe", asked.name, Kind.PROBE, overlay=False, limit=1))
        who = rooms.new_participant()
        answer = rooms.awaited(who)
        began = loop.time()
        meeting.room.dial(who, address(asked.alias, proxy), Role.HOST, asked.name, self._wall())
        meeting.settle()
        caller = rooms.caller(who)
        try:
            async with asyncio.timeout(SETUP_SECONDS):
                status = await answer
        except TimeoutError:
            status = 408
        if status != ANSWERED or caller is None:
            if caller is not None:
                rooms.drop(caller, "the probe was not answered")
            return Probed(name, status, f"the call to {asked.alias} was not answered")
        setup = loop.time() - began
        first = await self._stay(caller, began, asked.seconds)
        why = "the call was ended by the other side" if caller.gone else ""
        rooms.drop(caller, "the probe is over")
        streams = tuple(map(_told, caller.stats))
        return Probed(name, status, why, round(setup, 3), first, caller.loudest, streams)

    @staticmethod
    async def _stay(caller: Caller, began: float, seconds: float) -> float | None:
        """Stay in the call; give when the first packet was seen, in seconds from `began`."""
        loop = asyncio.get_running_loop()
        ends, first = loop.time() + seconds, None
        while loop.time() < ends and not caller.gone:
            await asyncio.sleep(LOOK_SECONDS)
            if first is None and any(one.received.packets for one in caller.stats):
                first = round(loop.time() - began, 3)
        return first


def address(alias: str, proxy: Proxy) -> str:
    """Write what is dialled as the edge is called: a bare name is one of the edge's own."""
    suffix = "" if proxy.transport == "udp" else f";transport={proxy.transport}"
    return f"sip:{alias if '@' in alias else f'{alias}@{host_port(proxy.address, proxy.port)}'}{suffix}"


def _told(one: StreamStats) -> ProbedStream:
    got = one.received
    due = got.packets + got.lost
    loss = round(got.lost / due, 4) if due > 0 else 0.0
    return ProbedStream(
        one.media,
        got.encoding or one.sent.encoding,
        got.packets,
        one.sent.packets,
        got.lost,
        loss,
        got.jitter,
        got.width,
        got.height,
        one.encrypted,
    )
