"""What `b2bua` remembers of calls, on its way to whoever asks: messages without their secrets, and what happened."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from vdx.pinhole import Address, Call, Part, Sequence
from vdx.wire import Message

MAX_ANSWER = 500
"""Entries of one answer: a call keeps fewer, and who follows all calls asks twice a second."""

Entries = Annotated[int, Meta(ge=0)]
Place = tuple[str, int]
"""Address and port."""


class TraceEntry(Part, frozen=True):
    """One message or event. `number` counts up over all calls; `at` is in seconds since 1970, UTC.

    `title` is what it is in a few words, `marks` what is worth seeing in it: its media, a reason, a repetition. A
    message has its octets in `data`, `leg` a or b (empty where no call began), `inward` whether we received it, and
    both ends: ours and the peer's. An event has an empty `transport`.
    """

    number: int
    at: float
    call: str
    title: str
    marks: tuple[str, ...] = ()
    leg: Literal["a", "b", ""] = ""
    inward: bool = False
    transport: str = ""
    zone: str = ""
    ours: Place = ("", 0)
    theirs: Place = ("", 0)
    data: bytes = b""


class Trace(Message, frozen=True, tag="trace"):
    """Ask for what was said: of a call, of a source whose requests began none, or of everybody from now on.

    `after` is the number of the last entry that is known already; who follows asks again with it.
    """

    id: Sequence
    call: Call | None = None
    source: Address | None = None
    after: Entries = 0


class TraceReport(Message, frozen=True, tag="trace-report"):
    """What was said, oldest first. Of a call also who called whom, and how many entries were `left_out` in its middle.

    `over` tells that nothing more is to come, `last` the number to ask on with.
    """

    id: Sequence
    entries: tuple[TraceEntry, ...]
    last: int
    caller: str = ""
    callee: str = ""
    left_out: int = 0
    over: bool = False
