"""Steering rooms that run: what hosts, operators and the hub ask of a mixing server, and what it answers.

One order, one answer: over the server's UNIX socket (`mixerctl`), or over the bus as `STEER`, about the node by name.
A room is named by its uuid or by what is dialled.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from vdx.bus.kinds import Question
from vdx.rooms import View
from vdx.wire import Message

RoomName = Annotated[str, Meta(min_length=1, max_length=128)]
Who = Annotated[str, Meta(min_length=1, max_length=64)]
Role = Literal["host", "guest"]

MAX_SHOWN = 3600
"""Seconds that a line of text stands on the screens at most."""


class Part(Struct, frozen=True, omit_defaults=True):
    """The base of what answers are made of; fields that a reader does not know are skipped."""


# Orders


class ListRooms(Message, frozen=True, tag="rooms"):
    """Tell which rooms run here."""


class ShowStatus(Message, frozen=True, tag="status"):
    """Tell how this server does."""


class DrainNode(Message, frozen=True, tag="drain"):
    """Take no new rooms, or take them again."""

    draining: bool = True


class Reload(Message, frozen=True, tag="reload"):
    """Read the configuration again, and take what may change while calls are up."""


class ShowRoster(Message, frozen=True, tag="roster"):
    """Tell who is in a room."""

    room: RoomName


class Admit(Message, frozen=True, tag="admit"):
    """Let in somebody who waits."""

    room: RoomName
    participant: Who


class Mute(Message, frozen=True, tag="mute"):
    """Mute somebody, or let them be heard again."""

    room: RoomName
    participant: Who
    muted: bool = True


class MuteGuests(Message, frozen=True, tag="mute-guests"):
    """Mute all guests, those who still come included; or let them be heard."""

    room: RoomName
    muted: bool = True


class Spotlight(Message, frozen=True, tag="spotlight"):
    """Keep these people in the main places; nobody for none."""

    room: RoomName
    participants: Annotated[tuple[Who, ...], Meta(max_length=25)] = ()


class Layout(Message, frozen=True, tag="layout"):
    """Change the views; None leaves one as it is."""

    room: RoomName
    host_view: View | None = None
    guest_view: View | None = None


class Lock(Message, frozen=True, tag="lock"):
    """Keep out all but hosts, or open again."""

    room: RoomName
    locked: bool = True


class SetRole(Message, frozen=True, tag="role"):
    """Make somebody host or guest."""

    room: RoomName
    participant: Who
    role: Role


class Kick(Message, frozen=True, tag="kick"):
    """Ask somebody to leave."""

    room: RoomName
    participant: Who


class Transfer(Message, frozen=True, tag="transfer"):
    """Take somebody to another room."""

    room: RoomName
    participant: Who
    to: RoomName


class DialOut(Message, frozen=True, tag="dial"):
    """Call a SIP address into a room."""

    room: RoomName
    address: Annotated[str, Meta(min_length=3, max_length=256)]
    role: Role = "guest"
    name: Annotated[str, Meta(max_length=100)] = ""


class ShowText(Message, frozen=True, tag="text"):
    """Show a line of text on every screen; an empty one takes it away."""

    room: RoomName
    text: Annotated[str, Meta(max_length=200)]
    seconds: Annotated[float, Meta(ge=0, le=MAX_SHOWN)] = 30.0


class Recording(Message, frozen=True, tag="record"):
    """Begin or end a recording."""

    room: RoomName
    on: bool = True


class End(Message, frozen=True, tag="end"):
    """End a meeting for everybody."""

    room: RoomName


class TakeSnapshot(Message, frozen=True, tag="snapshot"):
    """Write the room's main picture as a PNG file of the server; over the UNIX socket only."""

    room: RoomName


Order = (
    ListRooms
    | ShowStatus
    | DrainNode
    | ShowRoster
    | Admit
    | Mute
    | MuteGuests
    | Spotlight
    | Layout
    | Lock
    | SetRole
    | Kick
    | Transfer
    | DialOut
    | ShowText
    | Recording
    | End
    | TakeSnapshot
)
LocalOrder = Order | Reload
"""What the UNIX socket takes."""

# Answers


class Quality(Part, frozen=True):
    """One stream of a participant: kbit/s, loss as a fraction, jitter in milliseconds; sizes in pixels."""

    media: Literal["audio", "video", "content"]
    encoding: str = ""
    received_kbps: float = 0.0
    sent_kbps: float = 0.0
    loss: float = 0.0
    """Of what we receive."""
    sent_loss: float = 0.0
    """Of what we send, as they report it."""
    jitter: float = 0.0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    encrypted: bool = False


class Attendee(Part, frozen=True):
    """One participant; `arrived` in seconds since 1970."""

    participant: str
    name: str
    address: str
    role: str
    phase: str
    arrived: float
    muted: bool = False
    speaking: bool = False
    floor: bool = False
    """Has the speaker's place."""
    presenting: bool = False
    spotlight: bool = False
    encrypted: bool = False
    streams: tuple[Quality, ...] = ()


class Done(Message, frozen=True, tag="done"):
    """It is done; `participant` is who was called."""

    participant: str = ""


class Denied(Message, frozen=True, tag="denied"):
    """It cannot be done: why, and what to do."""

    reason: str


class SnapshotTaken(Message, frozen=True, tag="snapshot-is"):
    """Where the picture stands: copy it, it is overwritten by the next one of the room."""

    path: str


class Reloaded(Message, frozen=True, tag="reloaded"):
    """The configuration was read; the fields in `restart` have changed and are taken by a restart alone."""

    restart: tuple[str, ...] = ()


class Roster(Message, frozen=True, tag="roster-is"):
    """Who is in a room."""

    room: str
    alias: str
    name: str
    locked: bool
    recording: bool
    attendees: tuple[Attendee, ...]


class RunningRoom(Part, frozen=True):
    """One room that runs."""

    uuid: str
    alias: str
    name: str
    participants: int
    inside: int
    began: float
    locked: bool = False
    recording: bool = False


class Rooms(Message, frozen=True, tag="rooms-are"):
    """The rooms that run."""

    rooms: tuple[RunningRoom, ...]


class Status(Message, frozen=True, tag="status-is"):
    """How the server does; capacity in twelfths of a port (`vdx.ports`)."""

    node: str
    capacity: int
    used: int
    rooms: int
    calls: int
    ready_workers: int
    draining: bool
    bus: str
    """connected, apart (with what was last known), or none."""


OrderAnswer = Done | Denied | SnapshotTaken | Reloaded | Roster | Rooms | Status


class Steer(Struct, frozen=True):
    """An order over the bus."""

    order: Order


class Steered(Struct, frozen=True):
    """Its answer."""

    answer: OrderAnswer


STEER: Question[Steer, Steered] = Question("steer", Steer, Steered)
