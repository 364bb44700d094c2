"""What a room worker says to the node agent: see `mixer.wire` for what it is told."""

from __future__ import annotations

from typing import Literal

from mixer.wire import Id, Line, Media, Part, Rollover
from vdx.wire import Codec, Message


class Ready(Message, frozen=True, tag="ready"):
    """The first word of a worker: its media engine is loaded, its rights are given up, it waits for `Start`."""

    pid: int
    engine: str
    """Name and version of the media engine."""
    confined: bool
    """Whether it can open no socket of its own; false only where it was started without `--confine`."""


class Done(Message, frozen=True, tag="done"):
    """A command with an `id` other than 0 has been carried out."""

    id: Id


class Failed(Message, frozen=True, tag="failed"):
    """A command could not be carried out (`id` 0: it had none); nothing was changed."""

    id: Id
    reason: str


class Level(Part, frozen=True):
    """How loud a participant is."""

    participant: str
    level: float
    """dBFS, as received, before any gain: 0 is full scale, -100 silence."""
    speaking: bool
    """Whether he is among those who are mixed now."""


class Levels(Message, frozen=True, tag="levels"):
    """Who speaks: five times a second, those who send sound; none while nobody does."""

    levels: tuple[Level, ...]


class Digit(Message, frozen=True, tag="digit"):
    """A key was pressed; one event a press. Tones in the sound count only where no telephone event ever came."""

    participant: str
    digit: str
    """One of 0-9, `*`, `#`, A-D."""
    by: Literal["event", "tone"]


class KeyframeWanted(Message, frozen=True, tag="keyframe-wanted"):
    """A key picture is needed of a participant who takes no PLI or FIR: ask by SIP INFO. At most one a second."""

    participant: str
    media: Literal["video", "content"]


class Prompted(Message, frozen=True, tag="prompted"):
    """A prompt has been played to its end."""

    participant: str
    key: str


class Flow(Part, frozen=True):
    """One direction of one stream; counts are totals since it began."""

    packets: int = 0
    octets: int = 0
    lost: int = 0
    """Packets; of what we send, as the other side reports (RFC 3550)."""
    loss: float = 0.0
    """Fraction, 0 to 1: of the last report or the last second."""
    jitter: float = 0.0
    """Milliseconds."""
    kbps: float = 0.0
    """Over the last second."""
    round_trip: float = 0.0
    """Milliseconds; of what we send, 0 where not known."""
    encoding: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    """Pictures a second over the last second; 0 for sound, and for what is not decoded."""
    keyframes: int = 0
    """Key pictures that were sent, or that we asked for (receiving)."""


class StreamStats(Part, frozen=True):
    """Both directions of one stream."""

    participant: str
    media: Media
    received: Flow
    sent: Flow
    encrypted: bool
    silent: float
    """Seconds since the last packet came; -1: none yet."""
    rollovers: tuple[Rollover, ...] = ()
    """For the worker that may take over."""


class Stats(Message, frozen=True, tag="stats"):
    """Once a second: how every stream does, and what the process uses."""

    streams: tuple[StreamStats, ...]
    cpu: float
    """Seconds of processor time used since the start."""
    memory: int
    """Octets resident."""
    late: int
    """Pictures and blocks of sound that were left out since the start, because the machine was too slow."""


class Left(Message, frozen=True, tag="left"):
    """Somebody has left: how his streams did, counted at the very end."""

    participant: str
    streams: tuple[StreamStats, ...]


class Silent(Message, frozen=True, tag="silent"):
    """Nothing has come on a stream that is received, for ten seconds; said once, and again after `Heard`."""

    participant: str
    media: Media


class Heard(Message, frozen=True, tag="heard"):
    """The first packet of a stream came, or the first after `Silent`."""

    participant: str
    media: Media


class Unrecorded(Message, frozen=True, tag="unrecorded"):
    """The recording has broken off by itself: the disk is full, say. Another may begin."""

    reason: str


class Broken(Message, frozen=True, tag="broken"):
    """A stream cannot go on and was closed; the others and the room go on; `Change` opens it anew."""

    participant: str
    media: Line
    reason: str


FromWorker = (
    Ready
    | Done
    | Failed
    | Levels
    | Digit
    | KeyframeWanted
    | Prompted
    | Stats
    | Left
    | Silent
    | Heard
    | Unrecorded
    | Broken
)

AgentCodec: Codec[FromWorker] = Codec(FromWorker)
"""Reads what a worker says."""
