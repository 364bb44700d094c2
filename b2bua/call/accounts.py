"""What happened in each call, kept for its record: when it rang, and what its leases carried.

Pure. A call that ends is completed once and forgotten.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from typing import Final

from b2bua.call.call import Call
from b2bua.call.identify import Caller
from b2bua.call.record import CallRecord, Details
from b2bua.sip import Request, SipError, parse_sip_or_tel
from vdx.control import StreamInfo
from vdx.ids import CallId, LeaseId, call_of, lease_id, stream_of
from vdx.pinhole import Released, Renewed, Revoked, Traffic
from vdx.record import PartyRecord, StreamRecord

MAX_ALIAS = 128
"""Characters of a user part in a record, as in the dial plan."""

SETUP_BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
"""Seconds from INVITE to answer that are told apart: machines answer in tenths, people in some seconds or a minute."""


_CARRIED: Final = struct.Struct("!H4Q")
"""Number of a lease, packets and octets of side "a", then of "b": thousands of held calls keep no objects of it."""

_MOST: Final = 2**64 - 1


class Accounts:
    """Accounts of the calls that are up, and the sums of those that are over."""

    def __init__(self) -> None:
        self.answers: Counter[int] = Counter()  # [status] of the final answer to the caller
        self.setup: Counter[float] = Counter()  # [upper bound of SETUP_BOUNDS, or infinity]: calls
        self.setup_seconds = 0.0
        self._callers: dict[CallId, str] = {}
        self._rang: dict[CallId, float] = {}
        self._carried: dict[CallId, bytes] = {}  # a row of _CARRIED for each lease

    @property
    def open(self) -> int:
        """How many calls have an account."""
        return len(self._callers.keys() | self._rang.keys() | self._carried.keys())

    def begin(self, call: CallId, request: Request) -> None:
        """Note who calls: by the name that was proved, else as the INVITE says."""
        known = request.caller
        proven = known.name[:MAX_ALIAS] if isinstance(known, Caller) else ""
        self._callers[call] = proven or alias(request.from_.uri)

    def ringing(self, call: CallId, now: float) -> None:
        """Note that the callee's side rings."""
        self._rang.setdefault(call, now)

    def carried(self, answer: Renewed | Released | Revoked) -> None:
        """Note what leases have carried so far."""
        for usage in answer.usage:
            call = call_of(LeaseId(usage.lease))
            if call in self._callers:
                row = _CARRIED.pack(stream_of(LeaseId(usage.lease)), *_counts(usage.a), *_counts(usage.b))
                kept = self._carried.get(call, b"")
                rows = [kept[at : at + len(row)] for at in range(0, len(kept), len(row))]
                self._carried[call] = b"".join([row, *(each for each in rows if each[:2] != row[:2])])

    def close(self, call: Call, record: CallRecord, now: float) -> CallRecord:
        """Give the record with all that is known, and forget the call."""
        caller, rang = self._callers.pop(call.id, ""), self._rang.pop(call.id, None)
        rows = _CARRIED.iter_unpack(self._carried.pop(call.id, b""))
        carried = {lease_id(call.id, number): counts for number, *counts in rows}
        self.answers[record.status] += 1
        if record.setup is not None:
            self.setup[next((bound for bound in SETUP_BOUNDS if record.setup <= bound), float("inf"))] += 1
            self.setup_seconds += record.setup
        a, b = call.parties["a"], call.parties["b"]
        details = Details(
            PartyRecord(a.peer.zone, a.peer.name, caller, a.transport),
            PartyRecord(b.peer.zone, b.peer.name, call.alias[:MAX_ALIAS], b.transport),
            tuple(_stream(stream, carried.get(LeaseId(stream.lease), ())) for stream in call.session.streams()),
            call.began,
            rang,
            call.answered,
            now,
        )
        return record._replace(details=details)


def alias(uri: str) -> str:
    """Give the user part of an address, or its host where it has none; "" for what is no address."""
    try:
        parsed = parse_sip_or_tel(uri)
    except SipError:
        return ""
    return (parsed.user or parsed.host)[:MAX_ALIAS]


def _counts(end: Traffic) -> tuple[int, int]:
    return min(end.packets, _MOST), min(end.octets, _MOST)


def _stream(stream: StreamInfo, counts: Sequence[int]) -> StreamRecord:
    return StreamRecord(stream.medium, stream.codec, stream.direction, *counts)
