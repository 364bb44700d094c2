"""The media of one call: which m-line holds which lease, and what each change of SDP asks of `gatewayd`.

Theory of operation. Side "a" is the caller, "b" the callee; either may offer. One exchange at a time:

    begin(side, offer)      -> the leases to open (new m-lines, or ones whose family or transport changed)
    opened(...)                what gatewayd answered
    toward(side)            -> our address and ports for each m-line, for the SDP written to that side
    settle(answer, by=...)  -> the changes of remote sides that the answer makes true; once for each early answer
                               that differs, and for the final one
    commit(answer)          -> the leases that fell away;  or  rollback() -> the leases opened in vain

Remote sides change when the answer comes and not before: until then the old session stands (RFC 3264 section 8).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from b2bua import sdp
from b2bua.sdp import MediaEndpoint, OurMedia, Transport
from vdx.control import SipPeer
from vdx.ids import CallId, LeaseId, lease_id
from vdx.pinhole import Change, End, Local, Opened, Remote, Side, Stream

Kind = Literal["rtp", "bfcp", "tcp"]

KINDS: dict[Transport, Kind] = {Transport.RTP: "rtp", Transport.BFCP_UDP: "bfcp", Transport.BFCP_TCP: "tcp"}
"""What the relay carries; an m-line of another transport is refused towards both sides."""

Known = tuple[Remote | None, Remote | None, str, bool]
"""What a pinhole was last told of its far side: RTP, RTCP, whose answer it was, whether we connect to it."""

AGREED = ""
"""Whose answer it was once the exchange is over: forks differ in the first exchange only, and who offers may change."""


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a call, as its media needs it.

    `source` is where its signalling comes from, or is sent to; `transport` is what carries it ("udp", "tls", ...).
    """

    peer: SipPeer
    source: str
    transport: str = "udp"


@dataclass(frozen=True, slots=True)
class _Slot:
    """One m-line that is carried."""

    lease: LeaseId
    kind: Kind
    families: dict[Side, Literal[4, 6]]
    local: dict[Side, Local] = field(default_factory=dict)
    known: dict[Side, Known] = field(default_factory=dict)


class CallMedia:
    """The leases of one call through all its offers and answers."""

    def __init__(self, call: CallId, a: Party, b: Party) -> None:
        self._call = call
        self._parties: dict[Side, Party] = {"a": a, "b": b}
        self._current: list[_Slot | None] = []
        self._pending: list[_Slot | None] = []
        self._offer: tuple[MediaEndpoint, ...] = ()
        self._offered_by: Side = "a"
        self._next = 0
        self._agreed = False

    @property
    def leases(self) -> tuple[LeaseId, ...]:
        """Every lease that may be open now."""
        return tuple(_leases(self._current) | _leases(self._pending))

    def lease_at(self, index: int) -> LeaseId | None:
        """Give the lease of an m-line."""
        slot = self._current[index] if index < len(self._current) else None
        return slot.lease if slot else None

    def begin(self, side: Side, offer: tuple[MediaEndpoint, ...], *, repeated: bool = False) -> tuple[Stream, ...]:
        """Take in an offer; gives the streams to open before it may be passed on.

        One that is `repeated` word for word refreshes the session: the connections that it calls new are there.
        """
        self._offer, self._offered_by = offer, side
        self._pending = [self._place(side, stream, repeated=repeated) for stream in offer]
        fresh = [slot for slot in self._pending if slot and not slot.local]
        return tuple(self._request(side, slot) for slot in fresh)

    def opened(self, streams: tuple[Opened, ...]) -> None:
        """Take in the ports of the streams that `begin` asked for."""
        local: dict[str, dict[Side, Local]] = {entry.lease: {"a": entry.a, "b": entry.b} for entry in streams}
        self._pending = [
            replace(slot, local=local[slot.lease]) if slot and slot.lease in local else slot for slot in self._pending
        ]

    def toward(self, side: Side) -> list[OurMedia | None]:
        """Give what to advertise to a side for each m-line of the offer; None refuses the line."""
        return [_ours(slot.local[side]) if slot else None for slot in self._pending]

    def settle(self, answer: tuple[MediaEndpoint, ...], by: str, *, final: bool = True) -> tuple[Change, ...]:
        """Give the changes that an answer makes true; `by` tells the answers of forks apart (their To tag).

        An early answer opens no connection: the fork that is connected to might not be the one that answers.
        """
        return tuple(self._changes(answer, by, final=final))

    def commit(self, answer: tuple[MediaEndpoint, ...]) -> tuple[LeaseId, ...]:
        """Make the exchange the session; gives the leases that are not needed any more."""
        before = _leases(self._current) | _leases(self._pending)
        self._current = [
            slot if slot and said.active else None for slot, said in zip(self._pending, answer, strict=True)
        ]
        self._pending = []
        self._agreed = True
        for slot in self._current:
            if slot:
                for side, (rtp, rtcp, _, connects) in slot.known.items():
                    slot.known[side] = (rtp, rtcp, AGREED, connects)
        return tuple(before - _leases(self._current))

    def rollback(self) -> tuple[LeaseId, ...]:
        """Stay with the session as it was; gives the leases that were opened for nothing."""
        vain = _leases(self._pending) - _leases(self._current)
        self._pending = []
        return tuple(vain)

    def _place(self, side: Side, stream: MediaEndpoint, *, repeated: bool) -> _Slot | None:
        kind = KINDS.get(stream.transport)
        if kind is None or not stream.active:
            return None
        held = self._current[stream.index] if stream.index < len(self._current) else None
        lasts = kind != "tcp" or repeated or not stream.renewed
        if held and lasts and held.kind == kind and held.families[side] == stream.family:
            return replace(held, known=dict(held.known))
        other: Side = _other(side)
        families = {side: stream.family, other: self._parties[other].peer.family}
        lease = lease_id(self._call, self._next)
        self._next += 1
        known: dict[Side, Known] = {side: (*_remotes(stream, mux=False), AGREED, False)}
        return _Slot(lease, kind, families, known=known)

    def _request(self, side: Side, slot: _Slot) -> Stream:
        rtp, rtcp, _, _ = slot.known[side]
        ends: dict[Side, End] = {}
        for end, party in self._parties.items():
            remote, control = (rtp, rtcp) if end == side else (None, None)
            peer = party.peer
            ends[end] = End(peer.zone, peer.name, slot.families[end], remote, control, party.source)
        return Stream(slot.lease, slot.kind, ends["a"], ends["b"])

    def _changes(self, answer: tuple[MediaEndpoint, ...], by: str, *, final: bool) -> Iterator[Change]:
        sides = (self._offered_by, _other(self._offered_by))
        for slot, asked, said in zip(self._pending, self._offer, answer, strict=True):
            if slot is None or not said.active or (slot.kind == "tcp" and not final):
                continue
            mux = asked.mux and said.mux
            opens = _opened_by(asked, said) if slot.kind == "tcp" else (False, False)
            tags = (AGREED, AGREED if self._agreed else by)
            for side, stream, tag, theirs in zip(sides, (asked, said), tags, opens, strict=True):
                known: Known = (*_remotes(stream, mux=mux), tag, slot.kind == "tcp" and not theirs)
                # an old-style hold (no address) leaves the last known far side in place
                if stream.address is None or slot.known.get(side) == known:
                    continue
                slot.known[side] = known
                yield Change(slot.lease, side, known[0], known[1], self._parties[side].source, known[3])


def _other(side: Side) -> Side:
    return "b" if side == "a" else "a"


def _opened_by(asked: MediaEndpoint, said: MediaEndpoint) -> tuple[bool, bool]:
    """Tell of each side, the one that offered first, whether it opens its connection (RFC 4145 section 4).

    Where nothing is said, the offer is of the active side and its answer of the passive one. Each side is connected to
    by what it said itself, so two that both wait, or both come, do no harm.
    """
    offered = asked.setup or "active"
    answered = said.setup or ("active" if offered == "passive" else "passive")
    if offered == "actpass":
        offered = "passive" if answered == "active" else "active"
    return offered != "passive", answered != "passive"


def _leases(slots: list[_Slot | None]) -> set[LeaseId]:
    return {slot.lease for slot in slots if slot}


def _ours(local: Local) -> OurMedia:
    return OurMedia(sdp.address(local.address), local.port, local.rtcp_port)


def _remotes(stream: MediaEndpoint, *, mux: bool) -> tuple[Remote | None, Remote | None]:
    """Give where a side wants RTP and RTCP; None where it has not said."""
    rtp = Remote(stream.address, stream.port) if stream.address else None
    found = stream.rtcp(mux=mux) if stream.transport is Transport.RTP else None
    address, port = found or (None, 0)
    return rtp, Remote(address, port) if address else None
