"""Reliable provisional responses (RFC 3262): ours until their PRACK, and the order of the peer's.

One of ours is under way at a time; the next waits for its PRACK. It is repeated at T1, doubling without a bound, until
64*T1 have passed (3). Of the peer's, one is taken when its RSeq is the next of its dialog (4).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from b2bua.sip.errors import HeaderError
from b2bua.sip.grammar import parse_number
from b2bua.sip.limits import MAX_CSEQ, MAX_WAITING_PROVISIONAL

if TYPE_CHECKING:
    from b2bua.sip.invite_server import ServerInvite
    from b2bua.sip.layer import Timer
    from b2bua.sip.message import Message, Request, Response


class RAck(NamedTuple):
    """What a PRACK acknowledges (7.2): RSeq, and number and method of the CSeq that was answered."""

    response: int
    number: int
    method: str


def parse_rack(text: str) -> RAck:
    """Read a RAck. Raises HeaderError."""
    parts = text.split()
    if len(parts) != 3:
        raise HeaderError(f"{text[:60]!r} is not a RAck")
    return RAck(parse_number(parts[0], MAX_CSEQ), parse_number(parts[1], MAX_CSEQ), parts[2])


def has_tag(message: Message, name: str, tag: str) -> bool:
    """Tell whether a header of option tags (Require, Supported) names `tag`, in any case."""
    values = message.index.get(name)
    return values is not None and tag in _tags(", ".join(values))


@lru_cache(maxsize=256)  # the software of a health region has few different ones
def _tags(text: str) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in text.split(","))


def takes_reliable(request: Request) -> bool:
    """Tell whether the sender of an INVITE takes reliable provisional responses (3)."""
    return has_tag(request, "supported", "100rel") or has_tag(request, "require", "100rel")


def sequence(response: Response) -> int:
    """Give the RSeq of a provisional response that is to be acknowledged, 0 for any other. Raises HeaderError."""
    if not has_tag(response, "require", "100rel"):
        return 0
    number = parse_number(response.get("rseq"), MAX_CSEQ)
    if number == 0:
        raise HeaderError("RSeq begins at 1")
    return number


class Pending(NamedTuple):
    """A response that waits for its turn: start line and the lines before RSeq, its number, what stands after."""

    status: int
    head: bytes
    number: int
    rest: bytes
    described: bool

    @property
    def data(self) -> bytes:
        """The whole response."""
        return self.head + f"RSeq: {self.number}\r\n".encode() + self.rest


class Reliable:
    """The reliable provisional responses to one INVITE."""

    __slots__ = ("_deadline", "_interval", "_invite", "_next", "_queue", "_repeat")

    def __init__(self, invite: ServerInvite) -> None:
        self._invite = invite
        # 3: the first number is drawn from 1 to 2**31-1; the lower half leaves room to count
        self._next = 1 + int(invite.leg.layer.ids.fraction() * (MAX_CSEQ // 2))
        self._queue: list[Pending] = []
        self._interval = 0.0
        self._repeat: Timer | None = None
        self._deadline: Timer | None = None

    @property
    def describes(self) -> bool:
        """Whether a description has not been acknowledged: a 2xx has to wait for that (3)."""
        return any(pending.described for pending in self._queue)

    def send(self, status: int, head: bytes, rest: bytes, *, described: bool) -> None:
        """Send a response, or let it wait; over the bound one that says nothing new is left out."""
        if len(self._queue) >= MAX_WAITING_PROVISIONAL and not described:
            return
        self._queue.append(Pending(status, head, self._next, rest, described))
        self._next += 1
        if len(self._queue) == 1:
            self._start()

    def _start(self) -> None:
        first = self._queue[0]
        layer = self._invite.leg.layer
        self._invite.transaction.send(first.status, first.data)
        self._interval = layer.settings.t1
        self._repeat = layer.start(self._interval, self, "repeat")
        self._deadline = layer.start(layer.settings.life, self, "deadline")

    def acknowledge(self, request: Request) -> bool:
        """Take a PRACK; tells whether it is for the response under way (3). Raises HeaderError."""
        rack = parse_rack(request.get("rack"))
        cseq = self._invite.request.cseq
        if not self._queue or rack != (self._queue[0].number, cseq.number, cseq.method):
            return False
        self.stop()
        self._queue.pop(0)
        if self._queue:
            self._start()
        return True

    def fire(self, name: str) -> None:
        """Repeat, on every transport, since a proxy may have lost it; give up after 64*T1."""
        if name == "deadline":
            self.stop()
            self._queue.clear()
            self._invite.unacknowledged()
            return
        invite = self._invite
        invite.transaction.send(self._queue[0].status, self._queue[0].data)
        self._interval *= 2
        self._repeat = invite.leg.layer.start(self._interval, self, "repeat")

    def stop(self) -> None:
        """Cancel both timers."""
        if self._repeat is not None:
            self._repeat.cancel()
            self._repeat = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
