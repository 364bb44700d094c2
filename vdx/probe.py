"""Probe calls: a mixing server dials a room through the edge, as a participant would, and says how that went.

The hub asks `PROBE` about a node by name and waits `Probe.patience` seconds for the answer. The probe brings no PIN:
where a room has one, it stays at the door, hears what is said there, and that is what it tells of.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from vdx.bus.kinds import Question
from vdx.rooms import Node

MAX_SECONDS = 20
"""Seconds that a probe stays at most: it holds a port of the server and one of the room."""

SETUP_SECONDS = 10.0
"""Seconds in which a probe has to be answered: whoever dials a room waits no longer."""

SPARE_SECONDS = 2.0
"""Seconds for everything beside: the worker that is taken, the end of the call, the way over the bus."""

DEFAULT_SECONDS = 4.0
"""Seconds of media that a probe takes: enough for the first key picture, and for the first prompt of an empty room."""


class Probe(Struct, frozen=True, omit_defaults=True):
    """Dial `alias` through the edge, stay for `seconds` after the answer, and tell."""

    alias: Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._~+-]+(@[A-Za-z0-9.-]+)?\Z")]
    """What is dialled: a name, or `name@domain`; never a whole URI, as the edge's dial plan decides where it leads."""
    seconds: Annotated[float, Meta(ge=1, le=MAX_SECONDS)] = DEFAULT_SECONDS
    name: Annotated[str, Meta(max_length=60)] = "Probe"
    """How it is called in the room's roster."""

    @property
    def patience(self) -> float:
        """Seconds that the answer may take; give it to `Bus.ask`."""
        return SETUP_SECONDS + self.seconds + SPARE_SECONDS


class ProbedStream(Struct, frozen=True, omit_defaults=True):
    """One stream of a probe; packets since the answer, `loss` the part of what was sent to us that did not come."""

    media: Literal["audio", "video", "content"]
    encoding: str = ""
    received: Annotated[int, Meta(ge=0)] = 0
    sent: Annotated[int, Meta(ge=0)] = 0
    lost: int = 0
    loss: float = 0.0
    jitter: float = 0.0
    """Milliseconds."""
    width: int = 0
    height: int = 0
    encrypted: bool = False


class Probed(Struct, frozen=True, omit_defaults=True):
    """How a probe went."""

    node: Node
    """The server that called."""
    status: Annotated[int, Meta(ge=100, le=699)]
    """The final SIP status; 200 where the call was answered, 408 where nobody answered in SETUP_SECONDS."""
    why: str = ""
    """In words, where it was not answered or broke."""
    setup: float | None = None
    """Seconds from INVITE to answer."""
    first_media: float | None = None
    """Seconds from INVITE to the first packet that came; None: none came. Seen once a second at the worker's count."""
    heard: float = -100.0
    """dBFS of the loudest sound that came; -100: silence."""
    streams: tuple[ProbedStream, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether it was answered, and sound and an agreed picture came; a document need not be shown."""
        needed = [stream for stream in self.streams if stream.media != "content"]
        return self.status == 200 and bool(needed) and all(stream.received for stream in needed)


PROBE: Question[Probe, Probed] = Question("probe", Probe, Probed)
