"""The media of one call: which m-line holds which lease, and what each change of SDP asks of `gatewayd`.

Theory of operation. Side "a" is the caller, "b" the callee; either may offer. One exchange at a time:

    begin(side, offer)      -> the leases to open (new m-lines, or ones whose family or transport changed)
    opened(...)                what gatewayd answered
    toward(side)            -> our address and ports for each m-line, for the SDP written to that side
    settle(answer, by=...)  -> the changes of remote sides that the answer makes true; once for each early answer
                               that differs, and for the final one
    commit(answer)          -> what is not needed any more;  or  rollback() -> the leases opened in vain
    rest()                     the session is kept in less room until it is needed again

Lines that an answer bundles (RFC 9143) share the lease of the one that stands for their group; where RTCP comes with
RTP (RFC 5761) its own pinholes close. Neither opens again: what goes back to more ports gets another lease.

Remote sides change when the answer comes and not before: until then the old session stands (RFC 3264 section 8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import msgspec

from b2bua import sdp
from b2bua.call.identify import Caller
from b2bua.sdp import MediaEndpoint, OurMedia, Transport
from b2bua.trace.packing import pack, unpack
from vdx.control import SipPeer
from vdx.ids import CallId, LeaseId, lease_id, stream_of
from vdx.pinhole import Change, End, Local, Medium, Opened, Remote, Side, Stream

Kind = Literal["rtp", "bfcp", "tcp"]

Family = Literal[4, 6]

KINDS: dict[Transport, Kind] = {Transport.RTP: "rtp", Transport.BFCP_UDP: "bfcp", Transport.BFCP_TCP: "tcp"}
"""What the relay carries; an m-line of another transport is refused towards both sides."""

NOT_BUNDLED: Final[Mapping[int, int]] = MappingProxyType({})
"""No line shares the place of another."""

_MEDIA: dict[str, Medium] = {"audio": "audio", "video": "video"}
"""By the kind of an m-line; all else is control: floors, cameras, text."""

Known = tuple[Remote | None, Remote | None, str, bool]
"""What a pinhole was last told of its far side: RTP, RTCP, whose answer it was, whether we connect to it."""

_UNKNOWN: Known = (None, None, "", False)

AGREED = ""
"""Whose answer it was once the exchange is over: forks differ in the first exchange only, and who offers may change."""


class Party(NamedTuple):
    """One side of a call, as its media needs it.

    `source` is where its signalling comes from, or is sent to; `transport` is what carries it ("udp", "tls", ...);
    `known` is as whom it called us, None where we called it.
    """

    peer: SipPeer
    source: str
    transport: str = "udp"
    known: Caller | None = None

    @property
    def is_guest(self) -> bool:
        """Whether a token let it in, which opens one door."""
        return self.known is not None and self.known.guest is not None

    def __str__(self) -> str:
        return f"{self.peer.name} ({self.peer.zone}, {self.source})"


class Spare(NamedTuple):
    """What an answer has made needless: leases, and leases whose RTCP pinholes are."""

    leases: tuple[LeaseId, ...]
    rtcp: tuple[LeaseId, ...]


_FAMILIES: Final[dict[tuple[Family, Family], tuple[Family, Family]]] = {
    (4, 4): (4, 4), (4, 6): (4, 6), (6, 4): (6, 4), (6, 6): (6, 6)
}  # fmt: skip
"""Each pair once, whatever the number of streams."""

_AT: Final[dict[Side, int]] = {"a": 0, "b": 1}
"""Where a side stands in a pair."""


class _Slot:
    """What carries an m-line, or several that are bundled; pairs are of sides "a" and "b"."""

    __slots__ = ("families", "kind", "known", "lease", "local", "medium", "muxed")

    def __init__(self, lease: LeaseId, kind: Kind, medium: Medium, families: tuple[Family, Family]) -> None:
        self.lease = lease
        self.kind: Kind = kind
        self.medium: Medium = medium
        self.families = families
        self.local: tuple[Local, Local] | None = None  # until it is opened
        self.known: tuple[Known | None, Known | None] = (None, None)
        self.muxed = False

    def learn(self, side: Side, known: Known) -> None:
        """Note the far side of one end."""
        a, b = self.known
        self.known = (known, b) if side == "a" else (a, known)

    @property
    def row(self) -> _Row:
        """Give it as it is packed."""
        return self.lease, self.kind, self.medium, self.families, self.local, self.known, self.muxed

    def again(self) -> _Slot:
        """Give it for another exchange, which may come to nothing."""
        slot = _Slot(self.lease, self.kind, self.medium, self.families)
        slot.local, slot.known, slot.muxed = self.local, self.known, self.muxed
        return slot


_Row = tuple[
    LeaseId, Kind, Medium, tuple[Family, Family], tuple[Local, Local] | None, tuple[Known | None, Known | None], bool
]
_ROWS = msgspec.msgpack.Decoder(list[_Row | None])


class Packed(NamedTuple):
    """What carries the m-lines of a session at rest: the slots packed, and the numbers of their leases."""

    slots: bytes
    numbers: tuple[int, ...]


class CallMedia:
    """The leases of one call through all its offers and answers."""

    __slots__ = (
        *("_agreed", "_answered", "_call", "_offer", "_offered_by", "_packed", "_pending", "_shared", "_sharing"),
        *("_slots_held", "next", "parties"),
    )

    def __init__(self, call: CallId, parties: dict[Side, Party], first: int = 0) -> None:
        """Make it; `first` is the number of its first lease."""
        self._call = call
        self.parties = parties
        self._slots_held: Sequence[_Slot | None] = ()
        self._packed: Packed | None = None  # instead of the slots, while the session rests
        self._pending: Sequence[_Slot | None] = ()
        self._offer: tuple[MediaEndpoint, ...] = ()
        self._offered_by: Side = "a"
        self.next = first
        self._agreed = False
        # of the session, [index of a line] -> that of the line whose slot it has
        self._shared: Mapping[int, int] = NOT_BUNDLED
        self._answered = False
        self._sharing: Mapping[int, int] = NOT_BUNDLED  # the same of the open exchange, once there is an answer

    @property
    def _current(self) -> Sequence[_Slot | None]:
        """What carries the m-lines of the session."""
        if self._packed is not None:
            rows = _ROWS.decode(unpack(self._packed.slots))
            self._slots_held, self._packed = [_slot(row) if row else None for row in rows], None
        return self._slots_held

    def rest(self) -> None:
        """Keep the session in less room, unless an exchange is open: the call goes on for a while."""
        if self._packed is None and not self._pending:
            rows = [slot.row if slot else None for slot in self._slots_held]
            numbers = tuple(sorted(stream_of(lease) for lease in _leases(self._slots_held)))
            self._packed = Packed(pack(msgspec.msgpack.encode(rows)), numbers)
            self._slots_held = ()

    @property
    def leases(self) -> tuple[LeaseId, ...]:
        """Every lease that may be open now."""
        if self._packed is not None:
            return tuple(lease_id(self._call, number) for number in self._packed.numbers)
        return tuple(_leases(self._slots_held) | _leases(self._pending))

    def lease_at(self, index: int) -> LeaseId | None:
        """Give the lease of an m-line."""
        current = self._current
        slot = current[index] if index < len(current) else None
        return slot.lease if slot else None

    def begin(
        self,
        side: Side,
        offer: tuple[MediaEndpoint, ...],
        shared: Mapping[int, int] = NOT_BUNDLED,
        *,
        repeated: bool = False,
    ) -> tuple[Stream, ...]:
        """Take in an offer; gives the streams to open before it may be passed on.

        `shared` tells which lines it would bundle with which (`sdp.together`). One that is `repeated` word for word
        refreshes the session: the connections that it calls new are there.
        """
        self._offer, self._offered_by = offer, side
        self._sharing, self._answered = NOT_BUNDLED, False
        pending: list[_Slot | None] = []
        for stream in offer:
            bundled = self._shared.get(stream.index)
            renewed = stream.transport is Transport.BFCP_TCP and stream.renewed and not repeated
            lasts = bundled in {None, shared.get(stream.index)} and not renewed
            pending.append(self._place(side, stream, lasts=lasts))
        self._pending = pending
        fresh = [slot for slot in pending if slot and slot.local is None]
        return tuple(self._request(slot) for slot in fresh)

    def opened(self, streams: tuple[Opened, ...]) -> None:
        """Take in the ports of the streams that `begin` asked for."""
        local = {entry.lease: (entry.a, entry.b) for entry in streams}
        for slot in self._pending:
            if slot and slot.lease in local:
                slot.local = local[slot.lease]

    def toward(self, side: Side) -> list[OurMedia | None]:
        """Give what to advertise to a side for each m-line of the offer; None refuses the line."""
        at = _AT[side]
        return [_ours(slot.local[at], slot) if slot and slot.local else None for slot in self._slots()]

    def settle(
        self,
        answer: tuple[MediaEndpoint, ...],
        by: str,
        shared: Mapping[int, int] = NOT_BUNDLED,
        *,
        final: bool = True,
    ) -> tuple[Change, ...]:
        """Give the changes that an answer makes true; `by` tells the answers of forks apart (their To tag).

        `shared` tells which lines it has bundled with which. An early answer opens no connection: the fork that is
        connected to might not be the one that answers.
        """
        self._answered = True
        if shared:
            self._sharing = {line: first for line, first in shared.items() if self._pending[first] is not None}
        return tuple(self._changes(answer, by, final=final))

    def commit(self, answer: tuple[MediaEndpoint, ...]) -> Spare:
        """Make the exchange the session; gives what is not needed any more."""
        before = _leases(self._current) | _leases(self._pending)
        narrowed: list[LeaseId] = []
        final: dict[LeaseId, _Slot] = {}
        for index, slot in enumerate(self._pending):
            if slot and index not in self._sharing and slot.lease not in final:
                muxed = slot.kind == "rtp" and self._offer[index].mux and answer[index].mux
                if muxed and not slot.muxed and answer[index].active:
                    narrowed.append(slot.lease)
                a, b = slot.known
                slot.known = (_agreed(a), _agreed(b))
                slot.muxed = slot.muxed or muxed
                final[slot.lease] = slot
        self._slots_held = [
            final[slot.lease] if slot and said.active else None
            for slot, said in zip(self._slots(), answer, strict=True)
        ]
        self._pending, self._offer = (), ()
        self._shared, self._sharing = self._sharing, NOT_BUNDLED
        self._agreed = True
        after = _leases(self._current)
        return Spare(tuple(before - after), tuple(lease for lease in narrowed if lease in after))

    def rollback(self) -> tuple[LeaseId, ...]:
        """Stay with the session as it was; gives the leases that were opened for nothing."""
        vain = _leases(self._pending) - _leases(self._current)
        self._pending, self._offer = (), ()
        return tuple(vain)

    def _slots(self) -> list[_Slot | None]:
        """Give what carries each line: bundled ones have that of another. What is not bundled shares with none."""
        slots: list[_Slot | None] = []
        taken: set[LeaseId] = set()
        for index, slot in enumerate(self._pending):
            first = self._sharing.get(index)
            if first is not None:
                slots.append(self._pending[first])
            elif slot and slot.lease in taken and self._answered:
                slots.append(None)
            else:
                slots.append(slot)
                if slot:
                    taken.add(slot.lease)
        return slots

    def _place(self, side: Side, stream: MediaEndpoint, *, lasts: bool) -> _Slot | None:
        kind = KINDS.get(stream.transport)
        if kind is None or not stream.active:
            return None
        current = self._current
        held = current[stream.index] if stream.index < len(current) else None
        lasts = lasts and (stream.mux or not (held and held.muxed))
        if held and lasts and held.kind == kind and held.families[_AT[side]] == stream.family:
            return held.again()
        other = self.parties[_other(side)].peer.family
        families = _FAMILIES[(stream.family, other) if side == "a" else (other, stream.family)]
        lease = lease_id(self._call, self.next)
        self.next += 1
        slot = _Slot(lease, kind, _MEDIA.get(stream.kind, "control"), families)
        slot.learn(side, (*_remotes(stream, mux=False), AGREED, False))
        return slot

    def _request(self, slot: _Slot) -> Stream:
        a, b = slot.known
        said = (self._end("a", slot, a), self._end("b", slot, b))
        return Stream(slot.lease, slot.kind, *said, slot.medium)

    def _end(self, side: Side, slot: _Slot, known: Known | None) -> End:
        party = self.parties[side]
        rtp, rtcp, _, _ = known or _UNKNOWN
        return End(party.peer.zone, party.peer.name, slot.families[_AT[side]], rtp, rtcp, party.source)

    def _changes(self, answer: tuple[MediaEndpoint, ...], by: str, *, final: bool) -> Iterator[Change]:
        sides = (self._offered_by, _other(self._offered_by))
        for slot, asked, said in zip(self._pending, self._offer, answer, strict=True):
            if slot is None or not said.active or said.index in self._sharing or (slot.kind == "tcp" and not final):
                continue
            mux = asked.mux and said.mux
            opens = _opened_by(asked, said) if slot.kind == "tcp" else (False, False)
            tags = (AGREED, AGREED if self._agreed else by)
            for side, stream, tag, theirs in zip(sides, (asked, said), tags, opens, strict=True):
                known: Known = (*_remotes(stream, mux=mux), tag, slot.kind == "tcp" and not theirs)
                # an old-style hold (no address) leaves the last known far side in place
                if stream.address is None or slot.known[_AT[side]] == known:
                    continue
                slot.learn(side, known)
                yield Change(slot.lease, side, known[0], known[1], self.parties[side].source, known[3])


def _other(side: Side) -> Side:
    return "b" if side == "a" else "a"


def _agreed(known: Known | None) -> Known | None:
    return known if known is None or known[2] == AGREED else (known[0], known[1], AGREED, known[3])


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


def _leases(slots: Sequence[_Slot | None]) -> set[LeaseId]:
    return {slot.lease for slot in slots if slot}


def _slot(row: _Row) -> _Slot:
    lease, kind, medium, families, local, known, muxed = row
    slot = _Slot(lease, kind, medium, families)
    slot.local, slot.known, slot.muxed = local, known, muxed
    return slot


def _ours(local: Local, slot: _Slot) -> OurMedia:
    return OurMedia(sdp.address(local.address), local.port, None if slot.muxed else local.rtcp_port)


def _remotes(stream: MediaEndpoint, *, mux: bool) -> tuple[Remote | None, Remote | None]:
    """Give where a side wants RTP and RTCP; None where it has not said."""
    rtp = Remote(stream.address, stream.port) if stream.address else None
    found = stream.rtcp(mux=mux) if stream.transport is Transport.RTP else None
    address, port = found or (None, 0)
    return rtp, Remote(address, port) if address else None
