"""A meeting room without I/O: who comes, what they press and say goes in; what to do about it comes out.

`Room` is the facade. Its owner carries out `take()`: prompts, sounds and scenes by the worker, calls by SIP. Time is a
parameter, in seconds since 1970.
"""

from mixer.room.commands import (
    Announce,
    Command,
    Dial,
    Drop,
    Find,
    Hush,
    Listen,
    Log,
    Move,
    Over,
    Redraw,
    Say,
    StartRecording,
    StopRecording,
    Voice,
)
from mixer.room.errors import RoomError
from mixer.room.guard import Guard
from mixer.room.participant import Arrival, Entry, Participant, Phase, Role
from mixer.room.room import Room
from mixer.room.settings import Kind, OpenDoor, Pins, RoomSettings

__all__ = [
    "Announce",
    "Arrival",
    "Command",
    "Dial",
    "Drop",
    "Entry",
    "Find",
    "Guard",
    "Hush",
    "Kind",
    "Listen",
    "Log",
    "Move",
    "OpenDoor",
    "Over",
    "Participant",
    "Phase",
    "Pins",
    "Redraw",
    "Role",
    "Room",
    "RoomError",
    "RoomSettings",
    "Say",
    "StartRecording",
    "StopRecording",
    "Voice",
]
