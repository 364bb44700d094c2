"""The exchange of descriptions that is open in a call: who asked, how the answer reaches them, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

from b2bua import sip
from b2bua.sip import Fields
from vdx.pinhole import Side


class Asker(Protocol):
    """The request of one side that waits for the answer of the other."""

    def accept(self, now: float, headers: Fields, body: bytes) -> None:
        """Answer with 200 and a description."""
        ...

    def refuse(self, now: float, status: int, headers: Fields = ()) -> None:
        """Refuse: nothing changes."""
        ...


class ByInvite:
    """An INVITE or re-INVITE asks."""

    def __init__(self, leg: sip.Leg) -> None:
        self._leg = leg

    def accept(self, now: float, headers: Fields, body: bytes) -> None:
        """Answer the INVITE."""
        self._leg.answer(now, headers, body)

    def refuse(self, now: float, status: int, headers: Fields = ()) -> None:
        """Refuse the INVITE; the first one ends its leg."""
        self._leg.reject(now, status, headers=headers)


class ByRequest:
    """An UPDATE or PRACK asks (RFC 3311, RFC 3262 5)."""

    def __init__(self, handle: sip.ServerRequest) -> None:
        self._handle = handle

    def accept(self, now: float, _headers: Fields, body: bytes) -> None:
        """Answer the request."""
        self._handle.respond(now, 200, body=body)

    def refuse(self, now: float, status: int, headers: Fields = ()) -> None:
        """Refuse the request; 481 and 408 would end the dialog (RFC 3261 12.2.1.2)."""
        self._handle.respond(now, status, headers=headers)


NOTHING: Final[Mapping[str, bytes]] = MappingProxyType({})
"""What other forks said, in nearly every call."""


@dataclass(slots=True)
class Exchange:
    """What is open between two legs; `origin` is the side that asked, None while nothing is.

    `late`: the other side's answer is the offer, and the ACK or PRACK of `origin` answers. `withdrawn`: `origin` took
    its request back, the other side has not answered yet. `restoring`: the session before is offered again to a side
    that accepted in vain; `refreshing`: to one whose session timer asks for it. `settled` is the To tag of the fork
    whose early answer both sides have confirmed, "" while there is none; `forks` what others said since, and `realign`
    what the one among them said that took the call.
    """

    origin: Side | None = "a"
    asker: Asker | None = None
    late: bool = False
    withdrawn: bool = False
    restoring: bool = False
    refreshing: bool = False
    settled: str = ""
    forks: Mapping[str, bytes] = field(default_factory=lambda: NOTHING)
    realign: bytes = b""

    def begin(self, origin: Side, asker: Asker | None) -> None:
        """Open an exchange."""
        self.origin, self.asker = origin, asker
        self.withdrawn = False

    def close(self) -> None:
        """End the exchange, whatever came of it."""
        self.origin = self.asker = None
        self.late = self.withdrawn = self.restoring = self.refreshing = False


def put(leg: sip.Leg, body: bytes, now: float, *, by_update: bool) -> bool:
    """Offer a changed session to a leg, by UPDATE where that asks and the peer takes it; False where neither can be."""
    if by_update and leg.can_update:
        leg.update(now, body=body)
    elif leg.can_reinvite:
        leg.reinvite(now, body=body)
    elif leg.can_update:
        leg.update(now, body=body)
    else:
        return False
    return True
