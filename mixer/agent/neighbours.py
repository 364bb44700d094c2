"""What a server needs of those around it: who says which rooms are its own, and who hears of what happens in them."""

from __future__ import annotations

from typing import Protocol

from mixer.agent.caller import Caller
from mixer.agent.meeting import Meeting
from vdx.quality import QualityReport
from vdx.rooms import Room


class Place(Protocol):
    """This server's place among others: who holds a room. Without a bus everything is ours."""

    async def claim(self, room: Room) -> str:
        """Take a room; gives "" where it is ours, or the name of the server that holds it."""
        ...

    def release(self, uuid: str) -> None:
        """Let go of a room that has ended."""
        ...

    def report(self, report: QualityReport) -> None:
        """Tell how the media of a participation was."""
        ...

    @property
    def state(self) -> str:
        """How the bus does, in a word."""
        ...


class Watchers(Protocol):
    """Who is told of rosters and floors."""

    def changed(self, meeting: Meeting) -> None:
        """Hear that a roster has changed."""
        ...

    def presenter(self, meeting: Meeting, participant: str) -> None:
        """Hear who presents."""
        ...

    def left(self, meeting: Meeting, caller: Caller) -> None:
        """Hear that a call is over."""
        ...

    def closed(self, meeting: Meeting) -> None:
        """Hear that a room has ended."""
        ...
