"""What a trace is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

import msgspec

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


class Row(msgspec.Struct, array_like=True, frozen=True):
    """An entry that is packed: of a message all but its octets and its path, of which it has the number."""

    number: int
    at: float
    event: Event | None = None
    leg: Leg = ""
    inward: bool = False
    path: int = 0
    length: int = 0


def concerned(message: object) -> Iterable[CallId]:
    """Give the calls of what was said at the pinhole socket; none for what is no news, such as a renewal."""
    calls = _CONCERNED.get(type(message))
    return calls(message) if calls is not None else ()


def _calls(leases: Iterable[str]) -> Iterable[CallId]:
    return dict.fromkeys(call_of(LeaseId(lease)) for lease in leases)


_CONCERNED: dict[type, Callable[[Any], Iterable[CallId]]] = {
    Lease: lambda said: (CallId(said.call),),
    Learned: lambda said: (call_of(LeaseId(said.lease)),),
    Leased: lambda said: _calls(entry.lease for entry in said.streams),
    SetRemote: lambda said: _calls(entry.lease for entry in said.changes),
    Release: lambda said: _calls(said.leases),
    Revoked: lambda said: _calls(said.leases),
}
