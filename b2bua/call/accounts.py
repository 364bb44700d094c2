"""What happened in each call, kept for its record: when it rang, and what its leases carried.

Pure. A call that ends is completed once and forgotten.
"""

from __future__ import annotations

from collections import Counter

from b2bua.call.call import Call
from b2bua.call.identify import Caller
from b2bua.call.record import CallRecord, Details
from b2bua.sip import Request, SipError, parse_uri
from vdx.control import StreamInfo
from vdx.ids import CallId, LeaseId, call_of
from vdx.pinhole import Renewed, Usage
from vdx.record import PartyRecord, StreamRecord

MAX_ALIAS = 128
"""Characters of a user part in a record, as in the dial plan."""

SETUP_BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
"""Seconds from INVITE to answer that are told apart: machines answer in tenths, people in some seconds or a minute."""


class Accounts:
    """Accounts of the calls that are up, and the sums of those that are over."""

    def __init__(self) -> None:
        self.answers: Counter[int] = Counter()  # [status] of the final answer to the caller
        self.setup: Counter[float] = Counter()  # [upper bound of SETUP_BOUNDS, or infinity]: calls
        self.setup_seconds = 0.0
        self._callers: dict[CallId, str] = {}
        self._rang: dict[CallId, float] = {}
        self._usage: dict[CallId, tuple[Usage, ...]] = {}  # of each lease what was heard last

    @property
    def open(self) -> int:
        """How many calls have an account."""
        return len(self._callers.keys() | self._rang.keys() | self._usage.keys())

    def begin(self, call: CallId, request: Request) -> None:
        """Note who calls: by the name that was proved, else as the INVITE says."""
        known = request.caller
        proven = known.name[:MAX_ALIAS] if isinstance(known, Caller) else ""
        self._callers[call] = proven or alias(request.from_.uri)

    def ringing(self, call: CallId, now: float) -> None:
        """Note that the callee's side rings."""
        self._rang.setdefault(call, now)

    def carried(self, answer: Renewed) -> None:
        """Note what leases have carried so far."""
        for usage in answer.usage:
            call = call_of(LeaseId(usage.lease))
            if call in self._callers:
                others = [each for each in self._usage.get(call, ()) if each.lease != usage.lease]
                self._usage[call] = (*others, usage)

    def close(self, call: Call, record: CallRecord, now: float) -> CallRecord:
        """Give the record with all that is known, and forget the call."""
        caller, rang = self._callers.pop(call.id, ""), self._rang.pop(call.id, None)
        usage = {each.lease: each for each in self._usage.pop(call.id, ())}
        self.answers[record.status] += 1
        if record.setup is not None:
            self.setup[next((bound for bound in SETUP_BOUNDS if record.setup <= bound), float("inf"))] += 1
            self.setup_seconds += record.setup
        a, b = call.parties["a"], call.parties["b"]
        details = Details(
            PartyRecord(a.peer.zone, a.peer.name, caller, a.transport),
            PartyRecord(b.peer.zone, b.peer.name, call.alias[:MAX_ALIAS], b.transport),
            tuple(_stream(stream, usage.get(stream.lease)) for stream in call.session.streams()),
            call.began,
            rang,
            call.answered,
            now,
        )
        return record._replace(details=details)


def alias(uri: str) -> str:
    """Give the user part of an address, or its host where it has none; "" for what is no address."""
    try:
        parsed = parse_uri(uri)
    except SipError:
        return ""
    return (parsed.user or parsed.host)[:MAX_ALIAS]


def _stream(stream: StreamInfo, usage: Usage | None) -> StreamRecord:
    if usage is None:
        return StreamRecord(stream.medium, stream.codec, stream.direction)
    a, b = usage.a, usage.b
    return StreamRecord(stream.medium, stream.codec, stream.direction, a.packets, a.octets, b.packets, b.octets)
