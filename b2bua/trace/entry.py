"""What a trace is made of."""

from __future__ import annotations

from typing import Literal, NamedTuple

from b2bua.sip import Flow, Target
from vdx.ids import CallId, LeaseId, call_of
from vdx.pinhole import Learned, Lease, Leased, Release, Revoked, SetRemote

Leg = Literal["a", "b", ""]
"""Whose message it is: the caller's leg, the callee's, or none's where no call has begun."""

Event = str | Lease | Leased | Learned | Release | Revoked | SetRemote
"""What happened beside the messages: a sentence, or what was said at the pinhole socket. Put into words when read."""


class Message(NamedTuple):
    """One SIP message without its secrets; `number` counts all entries, `at` is the time in seconds."""

    number: int
    at: float
    leg: Leg
    inward: bool
    path: Flow | Target
    data: bytes


class Note(NamedTuple):
    """Something beside the messages, such as a pinhole opened or a deadline passed."""

    number: int
    at: float
    event: Event


Entry = Message | Note


def concerned(message: object) -> set[CallId]:
    """Give the calls of what was said at the pinhole socket; none for what is no news, such as a renewal."""
    match message:
        case Lease(call=call):
            return {CallId(call)}
        case Learned(lease=lease):
            return {call_of(LeaseId(lease))}
        case Leased(streams=entries) | SetRemote(changes=entries):
            return {call_of(LeaseId(entry.lease)) for entry in entries}
        case Release(leases=leases) | Revoked(leases=leases):
            return {call_of(LeaseId(lease)) for lease in leases}
    return set()
