"""What a call to one place begins with."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from b2bua.call.media import Party
from b2bua.call.session import Session
from b2bua.sip import Leg

Fields = list[tuple[str, str]]


class Callee(Protocol):
    """How the callee's leg is started."""

    def __call__(self, now: float, headers: Fields, body: bytes) -> Leg:
        """Send the INVITE; raises SipError where it cannot be written."""
        ...


class Start(NamedTuple):
    """The callee, a session between it and the caller, and its INVITE."""

    party: Party
    session: Session
    invite: Callee
