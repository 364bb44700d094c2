"""The session of one call: descriptions read from one side, leases held, descriptions written for the other side.

Theory of operation. Legs hand in bodies and get bodies back; SDP and pinholes end here. Each step may have to ask
`gatewayd`; the next one waits until it has answered, so the kernel always follows signalling in its own order:

    offer(side, body)   -> streams leased            -> `then` with the offer for the other side
    answer(body, by)    -> remote sides set          -> `then` with the answer for the side that offered
    restore(side)       -> the exchange was accepted in vain: `then` with an offer of the session before it
    repeat(side)        -> `then` with an offer of the session as it is
    drop()                 the exchange failed: what was leased for it is released, the session before it stands
    close()                every lease is released; nothing is called back any more

`fail` gets the SIP status that the side which asked is answered with, and a sentence for the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from b2bua import sdp
from b2bua.call.answers import REFUSALS
from b2bua.call.desk import Desk
from b2bua.call.encryption import profiles
from b2bua.call.lines import cut, padded
from b2bua.call.media import CallMedia, Party
from b2bua.sdp import Description, Media, MediaEndpoint, NoUsableStreamError, SdpError, Writer
from b2bua.trace.packing import pack, unpack
from vdx.control import StreamInfo
from vdx.ids import CallId
from vdx.pinhole import Leased, Refused, Reply, Side

Then = Callable[[bytes, float], None]
Fail = Callable[[int, str, float], None]
Step = Callable[[float], None]


class Packed(NamedTuple):
    """What both sides said, packed together; the first `first` octets are those of side "a"."""

    both: bytes
    first: int


class _Said(NamedTuple):
    """What was agreed on an m-line, in words."""

    medium: str
    codec: str
    direction: str


_NONE: Final[Mapping[Any, Any]] = MappingProxyType({})
"""Nothing of that kind, as in nearly every call."""


class Session:
    """Descriptions and leases of one call."""

    __slots__ = (
        *("_answerer", "_asked", "_bodies", "_busy", "_call", "_closed", "_desk", "_early", "_had", "_lines", "_media"),
        *("_offer", "_offered_by", "_profiles", "_streams", "_waiting", "_writers", "talking_since"),
    )

    def __init__(
        self,
        call: CallId,
        desk: Desk,
        parties: dict[Side, Party],
        writers: dict[Side, Writer],
        before: tuple[Session, Side] | None = None,
    ) -> None:
        """Make it; `before` is the session that one side leaves for this one, and that side."""
        self._call = call
        self._desk = desk
        self._profiles = profiles(parties)
        first = before[0].next_lease if before else 0
        self._media = CallMedia(call, parties, first)
        self._lines: Mapping[Side, int] = _NONE  # of a side that joined: how many m-lines its own dialog has
        self._had: tuple[Media, ...] = ()
        if before:
            writers = {**writers, before[1]: before[0].writer(before[1])}
            self._had = before[0].lines
            self._lines = {_other(before[1]): 0}
        self._writers = (writers["a"], writers["b"])
        self._offer: Description | None = None
        self._offered_by: Side = "a"
        self._early: Mapping[str, bytes] = _NONE  # what each fork has answered so far, by its To tag
        self._bodies: tuple[bytes, bytes] | Packed | None = None  # what sides "a" and "b" said last that was agreed
        self._answerer: Side = "b"  # who of them answered
        self._streams: tuple[_Said, ...] = ()
        self._asked: bytes = b""
        self.talking_since: float | None = None
        """Since when both sides send and receive on some stream as agreed; None on hold, and before the answer."""
        self._busy = False
        self._waiting: tuple[Step, ...] = ()
        self._closed = False

    @property
    def leases(self) -> tuple[str, ...]:
        """Every lease that may be open now."""
        return () if self._closed else self._media.leases

    @property
    def parties(self) -> dict[Side, Party]:
        """Whose session it is."""
        return self._media.parties

    @property
    def next_lease(self) -> int:
        """The number of the next lease: no two sessions of a call use the same."""
        return self._media.next

    @property
    def lines(self) -> tuple[Media, ...]:
        """The m-lines of the session."""
        return self._agreed().media if self._bodies else ()

    def _agreed(self) -> Description:
        """Read again what was agreed: thousands of held calls keep no more than its octets."""
        return sdp.parse(self._said(self._answerer))

    def _said(self, side: Side) -> bytes:
        """Give what a side said last that was agreed."""
        bodies = self._bodies
        if bodies is None:
            return b""
        if isinstance(bodies, Packed):
            both = unpack(bodies.both)
            bodies = both[: bodies.first], both[bodies.first :]
        return bodies[0] if side == "a" else bodies[1]

    def rest(self) -> None:
        """Keep in less room what was said: the call goes on for a while."""
        bodies = self._bodies
        if bodies is None:
            return
        if not isinstance(bodies, Packed):
            self._bodies = Packed(pack(bodies[0] + bodies[1]), len(bodies[0]))
        self._media.rest()

    def writer(self, side: Side) -> Writer:
        """Give what writes for a side: its dialog knows one origin (RFC 3264 8)."""
        return self._writers[0 if side == "a" else 1]

    def offer(self, side: Side, body: bytes, now: float, then: Then, fail: Fail) -> None:
        """Take an offer of one side to the point where it may be made to the other."""
        self._next(lambda now: self._take_offer(side, body, now, then, fail), now)

    def answer(self, body: bytes, by: str, now: float, then: Then, fail: Fail, *, final: bool) -> None:
        """Take an answer to the open offer; `by` is the To tag, which tells forks apart."""
        self._next(lambda now: self._take_answer(body, by, now, then, fail, final=final), now)

    def drop(self) -> None:
        """Give up the open exchange."""
        self._desk.release(self._media.rollback())
        self._offer = None
        self._early = _NONE

    def restore(self, side: Side, now: float, then: Then, fail: Fail) -> None:
        """Give up the open exchange, which the other side has accepted, and offer it again what `side` agreed to.

        Fails where the other side has taken over more m-lines than were agreed: no offer can lose one (RFC 3264 8).
        """
        had, has = self._bodies, self._offer
        self.drop()
        if had is None or (has is not None and len(self.lines) != len(has.media)):
            fail(500, "the session before a withdrawn change has fewer streams", now)
        else:
            self.offer(side, self._said(side), now, then, fail)

    def lift_off(self, now: float) -> None:
        """Note that the call is answered, whose session was agreed before: from now on both sides should be heard."""
        if self.talking_since is not None:
            self.talking_since = now

    def repeat(self, side: Side, now: float, then: Then, fail: Fail) -> None:
        """Offer the other side once more what `side` agreed to: nothing changes, its version neither (RFC 4028 7.4)."""
        if self._bodies is None or self._offer is not None:
            fail(500, "there is no session to repeat, or another one is being offered", now)
        else:
            self.offer(side, self._said(side), now, then, fail)

    def is_repeated(self, side: Side, body: bytes) -> bool:
        """Tell whether a side offers word for word what it offered last, and was answered."""
        return bool(body) and self._answerer != side and body == self._said(side) and self._offer is None

    def refresh(self, side: Side, now: float, then: Then, fail: Fail) -> None:
        """Answer a repeated offer as it was answered before: nothing changes, and the other side need not be asked."""
        answer = self._said(_other(side))
        self.offer(
            side, self._said(side), now, lambda _, now: self.answer(answer, "", now, then, fail, final=True), fail
        )

    def refusal(self, side: Side) -> bytes:
        """Write an answer to a side's open offer that refuses every stream; b"" where it has not made a proper one."""
        if self._offer is None or self._offered_by != side:
            return b""
        return self.writer(side).refuse(cut(self._offer, self._lines.get(side, len(self._offer.media))))

    def close(self) -> None:
        """Release everything."""
        self._desk.release(self.end())

    def end(self) -> tuple[str, ...]:
        """Be over; gives the leases that are to be released."""
        leases = self.leases
        self._closed, self._waiting = True, ()
        return leases

    @property
    def shows(self) -> bool:
        """Whether a picture was agreed on."""
        return any(said.medium == "video" and said.direction != "refused" for said in self._streams)

    def streams(self) -> tuple[StreamInfo, ...]:
        """Give what was agreed, m-line by m-line, for people."""
        lease = self._media.lease_at
        return tuple(StreamInfo(lease(line) or "", *said) for line, said in enumerate(self._streams))

    def _next(self, step: Step, now: float) -> None:
        """Do a step now, or after the ones before it."""
        if self._busy:
            self._waiting = (*self._waiting, step)
        else:
            step(now)

    def _asking(self, then: Step, fail: Fail) -> Callable[[Reply, float], None]:
        """Wait for `gatewayd`, then go on; a refusal fails the exchange."""
        self._busy = True

        def replied(reply: Reply, now: float) -> None:
            self._busy = False
            if self._closed:
                return
            if isinstance(reply, Refused):
                fail(REFUSALS[reply.code], f"gatewayd refused: {reply.reason}", now)
            else:
                if isinstance(reply, Leased):
                    self._media.opened(reply.streams)
                then(now)
            while self._waiting and not self._busy:
                step, *waiting = self._waiting
                self._waiting = tuple(waiting)
                step(now)

        return replied

    def _take_offer(self, side: Side, body: bytes, now: float, then: Then, fail: Fail) -> None:
        try:
            offer = self._filled(side, sdp.parse(body))
            streams = sdp.endpoints(offer, self._profiles[_other(side)])
            if self._bodies is None:
                sdp.require_usable(streams)
            else:
                sdp.check_reoffer(self._agreed(), offer)
        except SdpError as error:
            fail(error.status, f"offer of {side}: {error}", now)
            return
        self._offer, self._offered_by, self._asked = offer, side, body
        shared = sdp.together(offer, offer)
        wanted = self._media.begin(side, streams, shared, repeated=body == self._said(side))

        def write(now: float) -> None:
            other = _other(side)
            ours = self._media.toward(other)
            then(self.writer(other).write(offer, ours, profile=self._profiles[other]), now)

        if wanted:
            self._desk.lease(self._call, wanted, now, self._asking(write, fail))
        else:
            write(now)

    def _filled(self, side: Side, offer: Description) -> Description:
        """Give the offer of a side that joined with the m-lines that the other one has besides (see lines.py)."""
        if side in self._lines and len(offer.media) >= self._lines[side]:
            self._lines = {**self._lines, side: len(offer.media)}
            return padded(offer, self.lines or self._had)
        other = _other(side)
        if other in self._lines:
            self._lines = {**self._lines, other: len(offer.media)}
        return offer

    def _take_answer(self, body: bytes, by: str, now: float, then: Then, fail: Fail, *, final: bool) -> None:
        offer, asker = self._offer, self._offered_by
        body = body or self._early.get(by, b"")  # a 200 after an early answer may leave its body out
        if offer is None or not body:
            fail(500, "an answer without its offer, or without a body", now)
            return
        profile = self._profiles[asker]
        try:
            answer = sdp.parse(body)
            streams = sdp.endpoints(answer, profile)
            sdp.check_answer(offer, answer)
            sdp.require_answered(streams)
        except NoUsableStreamError as error:
            fail(error.status, f"answer: {error}", now)
            return
        except SdpError as error:
            fail(502, f"answer: {error}", now)
            return
        changes = self._media.settle(streams, by, sdp.together(offer, answer), final=final)

        def write(now: float) -> None:
            count = self._lines.get(asker, len(offer.media))
            ours = self._media.toward(asker)[:count]
            said, asked = cut(answer, count), cut(offer, count)
            written = self.writer(asker).write(said, ours, answer_to=asked, profile=profile)
            if final:
                spare = self._media.commit(streams)
                self._desk.release(spare.leases)
                self._desk.narrow(spare.rtcp)
                self._streams = tuple(map(_described, answer.media, streams))
                self.talking_since = now if sdp.two_way(sdp.endpoints(offer, profile), streams) else None
                self._bodies = (self._asked, body) if asker == "a" else (body, self._asked)
                self._answerer = _other(asker)
                self._offer, self._early, self._asked = None, _NONE, b""
            else:
                self._early = {**self._early, by: body}
            then(written, now)

        if changes:
            self._desk.set_remote(self._call, changes, now, self._asking(write, fail))
        else:
            write(now)


def _described(media: Media, stream: MediaEndpoint) -> _Said:
    """Put what was agreed on an m-line into words."""
    return _said(_medium(media, stream), sdp.codec(media), stream.direction if stream.active else "refused")


_said = lru_cache(maxsize=1024)(_Said)
"""The words of thousands of calls are the same few."""


def _other(side: Side) -> Side:
    return "b" if side == "a" else "a"


def _medium(media: sdp.Media, stream: MediaEndpoint) -> str:
    """Name an m-line for people: content:slides makes a second video a document."""
    content = sdp.attribute_values(media.lines).get("content", "")
    return f"{stream.kind} ({content})" if content and content != "main" else stream.kind
