"""The record of a call: one JSON object a line in `b2bua`'s files, the same on its way to whoever asks."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from vdx.pinhole import Call, Part, Sequence
from vdx.wire import Message

MAX_ANSWER = 500
"""Records of one answer: half a megabyte, written by `b2bua` beside its calls."""

Cursor = Annotated[str, Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9]{3}:[0-9]{1,12})?\Z")]
"""Where the next answer begins: a file and a place in it; empty for the beginning, and where there is no more."""

Moment = Annotated[float, Meta(ge=0)]


class PartyRecord(Part, frozen=True):
    """One side of a call: its zone and peer, the user part it has or was dialled by, and how its signalling came."""

    zone: str
    peer: str
    alias: str
    transport: str


class StreamRecord(Part, frozen=True):
    """One m-line: medium, codec as answered, direction as seen from the caller, and what was relayed from each side.

    Packets and octets are those up to the end. Where `gatewayd` was away then, it is what it told last, at most
    `vdx.ids.RENEW_SECONDS` before; None where it never did.
    """

    medium: str
    codec: str
    direction: str
    caller_packets: int | None = None
    caller_octets: int | None = None
    callee_packets: int | None = None
    callee_octets: int | None = None


class CallRecord(Part, frozen=True):
    """One ended call. Times are UTC (RFC 3339, milliseconds), None for what never happened; `setup` in seconds.

    `status` is what the caller heard, 200 for an answered call; `ended_by` caller, callee, gateway or operator.
    """

    call: Call
    caller: PartyRecord
    callee: PartyRecord
    began: str
    rang: str | None
    answered: str | None
    ended: str
    setup: float | None
    status: int
    ended_by: str
    why: str
    streams: tuple[StreamRecord, ...] = ()
    half: str = ""
    """Of a call that a mixing server bridged: the call that is its other half, itself where there was none."""


class Records(Message, frozen=True, tag="records"):
    """Ask for the calls that ended from `since` up to `until` (seconds since 1970)."""

    id: Sequence
    since: Moment
    until: Moment | None = None
    cursor: Cursor = ""


class RecordList(Message, frozen=True, tag="record-list"):
    """Records in the order of their ends; with a `cursor` there is more to ask for. `damaged` lines were left out."""

    id: Sequence
    records: tuple[CallRecord, ...]
    cursor: Cursor = ""
    damaged: int = 0


class RecordRules(Part, frozen=True):
    """How long records are kept: days, and MB of all of them together; the oldest go first."""

    days: int = 90
    megabytes: int = 1000


class HepRules(Part, frozen=True):
    """Where every message is sent as HEP3, and from which of our addresses."""

    source: str
    address: str
    port: int
    agent: int


class Seeing(Part, frozen=True):
    """What is kept and told of calls."""

    records: RecordRules = RecordRules()
    hep: HepRules | None = None
