"""What a room asks its owner to do."""

from __future__ import annotations

from dataclasses import dataclass

from mixer.room.participant import Role


@dataclass(frozen=True, slots=True)
class Say:
    """Play a prompt to somebody; with `key`, `Room.prompted` is wanted at its end.

    `repeat`: seconds of silence after which it is said again, 0 for once.
    """

    participant: str
    prompt: str
    key: str = ""
    repeat: float = 0.0


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop what is being said to somebody."""

    participant: str


@dataclass(frozen=True, slots=True)
class Voice:
    """Who is heard and hears from now on."""

    participant: str
    muted: bool
    deaf: bool
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Redraw:
    """Pictures have changed: send `Room.pictures()` to the worker."""


@dataclass(frozen=True, slots=True)
class Announce:
    """The roster has changed: tell whoever watches it."""


@dataclass(frozen=True, slots=True)
class Drop:
    """End somebody's call; `cause` is a SIP status with its sentence (RFC 3326)."""

    participant: str
    status: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Find:
    """Somebody at the reception wants this room: call `found` with whether there is one."""

    participant: str
    alias: str


@dataclass(frozen=True, slots=True)
class Move:
    """Take somebody to another room; they have left this one."""

    participant: str
    alias: str


@dataclass(frozen=True, slots=True)
class Dial:
    """Call somebody into the room."""

    participant: str
    address: str
    role: Role


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Write the room to a file."""


@dataclass(frozen=True, slots=True)
class StopRecording:
    """Complete the file."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Who may present has changed: `presenter` has the floor, "" for nobody."""

    presenter: str


@dataclass(frozen=True, slots=True)
class Log:
    """Something for the log and the audit, `noun.verb`; never with digits that somebody pressed."""

    event: str
    participant: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Over:
    """The room has ended, and nobody is in it."""

    reason: str


Command = (
    Say
    | Hush
    | Voice
    | Redraw
    | Announce
    | Drop
    | Find
    | Move
    | Dial
    | StartRecording
    | StopRecording
    | Listen
    | Log
    | Over
)
