"""The rooms that run on a server: opened when somebody comes, ended a while after the last has left."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping

from mixer.agent.directory import Directory
from mixer.agent.meeting import Meeting
from mixer.room import Kind, RoomError, RoomSettings
from vdx.journal import fields
from vdx.rooms import Room

log = logging.getLogger("mixer.server")

LINGER_SECONDS = 10.0
"""How long an empty room keeps its worker: whoever dropped out calls back in that time."""


class Meetings:
    """All of them. `make` makes a room of its key and settings, `ended` hears of one that is over."""

    def __init__(
        self,
        directory: Directory,
        settings: Callable[[Room], RoomSettings],
        make: Callable[[str, RoomSettings], Meeting],
        ended: Callable[[Meeting], None],
    ) -> None:
        self._directory = directory
        self._settings = settings
        self._make = make
        self._ended = ended
        self._running: dict[str, Meeting] = {}
        self._closing: dict[str, asyncio.TimerHandle] = {}

    @property
    def running(self) -> Mapping[str, Meeting]:
        """Rooms that run, by uuid."""
        return self._running

    def get(self, name: str) -> Meeting:
        """Give a running room by uuid or alias; raises `RoomError`."""
        room = self._directory.get(name) or self._directory.find(name)
        meeting = self._running.get(room.uuid if room is not None else name)
        if meeting is None:
            raise RoomError(f"room {name} does not run here: `mixerctl rooms` lists those that do")
        return meeting

    def opened(self, name: str) -> Meeting:
        """Give a room by uuid or alias, opened if it does not run; raises `RoomError`."""
        room = self._directory.get(name) or self._directory.find(name)
        if room is None:
            raise RoomError(f"there is no room {name}: `mixerctl room list` lists all")
        return self.open(room)

    def open(self, room: Room) -> Meeting:
        """Give a room, opened if it does not run; it does not end now."""
        meeting = self._running.get(room.uuid)
        if meeting is None:
            meeting = self._running[room.uuid] = self._make(room.uuid, self._settings(room))
            log.info("room.opened", extra=fields(room=room.uuid))
        timer = self._closing.pop(room.uuid, None)
        if timer is not None:
            timer.cancel()
        return meeting

    def gathering(self, settings: RoomSettings) -> Meeting:
        """Make a room that nobody can dial: of a bridge, of a probe."""
        meeting = self._make(str(uuid.uuid4()), settings)
        self._running[meeting.key] = meeting
        return meeting

    def emptied(self, meeting: Meeting) -> None:
        """End a room in which nobody is left, a while later."""
        ends_at_once = meeting.room.over or meeting.room.settings.kind in {Kind.GATEWAY, Kind.PROBE}
        timer = self._closing.pop(meeting.key, None)
        if timer is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._closing[meeting.key] = loop.call_later(0.0 if ends_at_once else LINGER_SECONDS, self._end, meeting)

    async def close(self) -> None:
        """End all."""
        for timer in self._closing.values():
            timer.cancel()
        await asyncio.gather(*(meeting.close() for meeting in self._running.values()), return_exceptions=True)
        self._running.clear()

    def _end(self, meeting: Meeting) -> None:
        self._closing.pop(meeting.key, None)
        if self._running.get(meeting.key) is meeting:
            del self._running[meeting.key]
        log.info("room.closed", extra=fields(room=meeting.key))
        self._ended(meeting)
