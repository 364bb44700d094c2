"""Floor control on the wire: one UDP and one TCP port of the server for the floors of all its rooms (RFC 8855, 8856).

Who sends is told by conference and user, which their description was given, and has to come from the address that it
named: whoever else knows the numbers cannot take a floor.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass, field

from mixer.agent.caller import Caller
from mixer.agent.meeting import Meeting
from mixer.bfcp import FloorServer, Malformed, Message, parse
from mixer.bfcp.message import HEADER, length
from mixer.errors import NoPorts
from mixer.room import Role
from mixer.session.read import FloorLine
from vdx.journal import fields

log = logging.getLogger("mixer.floor")

MAX_CONNECTIONS = 500
"""Connections at once; most systems speak BFCP over UDP."""

IDLE_SECONDS = 600.0
"""A connection that has said nothing for so long, and belongs to no user, is closed."""

FIRST_SECONDS = 10.0
"""For the first message of a connection: it was opened to say something."""


@dataclass(slots=True)
class _Floor:
    meeting: Meeting
    server: FloorServer
    timer: asyncio.TimerHandle | None = None
    connections: dict[int, asyncio.StreamWriter] = field(default_factory=dict)


class Floors(asyncio.DatagramProtocol):
    """All floors of a server; one of its `Watchers`."""

    def __init__(self) -> None:
        self._floors: dict[int, _Floor] = {}
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.get_running_loop()

    async def listen(self, address: str, port: int) -> None:
        """Bind both ports; raises `NoPorts`."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            self._udp, _ = await self._loop.create_datagram_endpoint(
                lambda: self, local_addr=(address, port), family=family
            )
            self._tcp = await asyncio.start_server(self._connected, address, port, family=family, limit=4096)
        except OSError as error:
            raise NoPorts(f"port {port} of {address}, for floor control, cannot be bound: {error.strerror}") from error

    async def close(self) -> None:
        """Close all."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
            for writer in list(self._open):
                writer.close()
            await self._tcp.wait_closed()
        for floor in self._floors.values():
            if floor.timer is not None:
                floor.timer.cancel()

    # What the server tells

    def changed(self, meeting: Meeting) -> None:
        """Take who is in a room, and as what."""
        floor = self._floors.get(meeting.conference)
        roles = {entry.participant: entry.role for entry in meeting.room.roster}
        for caller in meeting.callers.values():
            line = _line(caller)
            if line is None or not caller.joined:
                continue
            if floor is None:
                floor = self._floors[meeting.conference] = self._made(meeting)
            floor.server.join(caller.user, host=roles.get(caller.id) is Role.HOST, udp=not line.tcp)

    def presenter(self, meeting: Meeting, participant: str) -> None:
        """Take who presents by the room's word: nobody any more, or somebody without floor control."""
        floor = self._floors.get(meeting.conference)
        if floor is None or not floor.server.presenter:
            return
        holder = _user(meeting, floor.server.presenter)
        if holder is None or holder.id != participant:
            floor.server.revoke(self._loop.time())
            self._settle(floor)

    def left(self, meeting: Meeting, caller: Caller) -> None:
        """Let go of somebody whose call is over."""
        floor = self._floors.get(meeting.conference)
        if floor is not None:
            floor.server.leave(caller.user, self._loop.time())
            writer = floor.connections.pop(caller.user, None)
            if writer is not None:
                writer.close()
            self._settle(floor)

    def closed(self, meeting: Meeting) -> None:
        """Forget a room."""
        floor = self._floors.pop(meeting.conference, None)
        if floor is not None and floor.timer is not None:
            floor.timer.cancel()

    # The wire

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take one message over UDP."""
        self._take(data, addr[0], addr[1], None)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = writer.get_extra_info("peername")[0]
        if len(self._open) >= MAX_CONNECTIONS:
            writer.close()
            return
        self._open.add(writer)
        known = False
        try:
            while True:
                async with asyncio.timeout(IDLE_SECONDS if known else FIRST_SECONDS):
                    head = await reader.readexactly(HEADER.size)
                    rest = await reader.readexactly(length(head) - HEADER.size)
                known = self._take(head + rest, host, 0, writer)
                if not known:
                    return
        except (Malformed, TimeoutError, OSError, asyncio.IncompleteReadError):
            return
        finally:
            self._open.discard(writer)
            for floor in self._floors.values():
                for user in [user for user, one in floor.connections.items() if one is writer]:
                    del floor.connections[user]
            writer.close()

    def _take(self, data: bytes, host: str, port: int, writer: asyncio.StreamWriter | None) -> bool:
        """Take one message; tells whether it came from somebody who is known."""
        try:
            message = parse(data)
        except Malformed as error:
            log.debug("floor.malformed: %s", error)
            return False
        floor = self._floors.get(message.conference)
        caller = _user(floor.meeting, message.user) if floor is not None else None
        line = _line(caller) if caller is not None else None
        if floor is None or line is None or not _from(line, host, port, tcp=writer is not None):
            log.info("floor.stranger", extra=fields(source=host, user=message.user))
            return False
        if writer is not None:
            floor.connections[message.user] = writer
        self._handle(floor, message)
        return True

    def _handle(self, floor: _Floor, message: Message) -> None:
        floor.server.receive(message, self._loop.time())
        self._settle(floor)
        holder = _user(floor.meeting, floor.server.presenter) if floor.server.presenter else None
        room = floor.meeting.room
        if holder is not None:
            room.present(holder.id)
        elif room.presenter and _floored(floor.meeting, room.presenter):
            room.present("")
        floor.meeting.settle()

    def _settle(self, floor: _Floor) -> None:
        for outgoing in floor.server.take():
            self._send(floor, outgoing.user, outgoing.data)
        if floor.timer is not None:
            floor.timer.cancel()
            floor.timer = None
        due = floor.server.next_timer()
        if due is not None:
            floor.timer = self._loop.call_at(due, self._late, floor)

    def _late(self, floor: _Floor) -> None:
        floor.timer = None
        floor.server.on_timer(self._loop.time() + 0.001)
        self._settle(floor)

    def _send(self, floor: _Floor, user: int, data: bytes) -> None:
        writer = floor.connections.get(user)
        caller = _user(floor.meeting, user)
        line = _line(caller) if caller is not None else None
        if writer is not None:
            writer.write(data)
        elif line is not None and not line.tcp and line.address is not None and self._udp is not None:
            self._udp.sendto(data, (line.address, line.port))

    def _made(self, meeting: Meeting) -> _Floor:
        def may(user: int) -> bool:
            caller = _user(meeting, user)
            return caller is not None and meeting.room.may_present(caller.id)

        return _Floor(meeting, FloorServer(meeting.conference, may))


def _user(meeting: Meeting, user: int) -> Caller | None:
    return next((caller for caller in meeting.callers.values() if caller.user == user), None)


def _line(caller: Caller) -> FloorLine | None:
    reading = caller.negotiation.reading
    return reading.floor if reading is not None else None


def _floored(meeting: Meeting, participant: str) -> bool:
    caller = meeting.callers.get(participant)
    return caller is not None and _line(caller) is not None


def _from(line: FloorLine, host: str, port: int, *, tcp: bool) -> bool:
    """Tell whether a message comes from where the description said; a connection may leave from any port."""
    return line.tcp == tcp and line.address == host and (tcp or line.port == port)
