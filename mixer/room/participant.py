"""One participant as the room knows them, and as the roster shows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do; a meeting begins when a host is there."""

    HOST = "host"
    GUEST = "guest"


class Phase(StrEnum):
    """Where somebody stands on the way in and out."""

    DIALLED = "dialled"
    """We call them."""
    PIN = "pin"
    """At the door: they enter a PIN, or the number of a room."""
    LOBBY = "lobby"
    """They wait for a host."""
    KNOCKING = "knocking"
    """They wait for somebody to let them into a locked room."""
    INSIDE = "inside"
    LEAVING = "leaving"
    """They are told why before they are let go."""


WAITING = frozenset({Phase.LOBBY, Phase.KNOCKING})


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody whose call stands. `source` is who they are for lock-outs: their address as the edge has proved it.

    `video`, `content`: what streams they have; `role` is set for those whom the room has called itself.
    """

    participant: str
    name: str
    address: str
    video: bool = True
    content: bool = False
    encrypted: bool = False
    role: Role | None = None
    pin: str = ""


@dataclass(slots=True)
class Participant:
    """One participant.

    `digits` are those of the door, `keys` those pressed inside, `tries` the wrong entries. `note` stands on their own
    picture: words, or the name of a prompt after an `@`. `ending` is how their call ends, once they are leaving.
    """

    id: str
    name: str
    address: str
    phase: Phase
    arrived: float
    role: Role = Role.GUEST
    video: bool = True
    content: bool = False
    encrypted: bool = False
    muted: bool = False
    digits: str = ""
    keys: str = ""
    tries: int = 0
    deadline: float | None = None
    note: str = ""
    ending: tuple[int, str] = (480, "the call is over")

    @property
    def inside(self) -> bool:
        """Whether they take part."""
        return self.phase is Phase.INSIDE


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the roster."""

    participant: str
    name: str
    address: str
    role: Role
    phase: Phase
    arrived: float
    muted: bool
    speaking: bool
    floor: bool
    presenting: bool
    spotlight: bool
    video: bool
    encrypted: bool
