"""Calls that come round (RFC 3261 16.3, step 4), seen by a B2BUA, which passes on neither Via nor Call-ID (RFC 7332).

an INVITE of ours comes back (its Call-ID) for the same name     a loop
it comes back for another name                                   a spiral: somebody forwards calls, and may
a Via of ours, and no INVITE of ours                             what is left of a loop
anything else                                                    Max-Forwards counts: every call of ours has fewer
"""

from __future__ import annotations

from b2bua.call.dialled import Dialled
from b2bua.sip import Request, SipError
from b2bua.sip.grammar import split_list
from b2bua.sip.headers import parse_via
from vdx.ids import CallId


class Loops:
    """The INVITEs of ours that are open, by Call-ID, with what had been dialled; `own` are our (host, port)s in Via."""

    def __init__(self) -> None:
        self._sent: dict[str, tuple[CallId, str]] = {}
        self._of: dict[CallId, tuple[str, ...]] = {}

    def sent(self, call: CallId, call_id: str, dialled: Dialled) -> None:
        """Note an INVITE of ours."""
        self._sent[call_id] = (call, _key(dialled))
        self._of[call] = (*self._of.get(call, ()), call_id)

    def over(self, call: CallId) -> None:
        """Forget those of a call that has ended."""
        for call_id in self._of.pop(call, ()):
            self._sent.pop(call_id, None)

    def looped(self, request: Request, dialled: Dialled, own: frozenset[tuple[str, int]]) -> str | None:
        """Say why an INVITE has come round; None where it has not."""
        ours = self._sent.get(request.call_id)
        if ours is not None:
            return f"call {ours[0]} has come back for the same name" if ours[1] == _key(dialled) else None
        if any(place in own for place in _path(request)):
            return "it has passed here before"
        return None

    def __len__(self) -> int:
        """Count the INVITEs that are watched for."""
        return len(self._sent)


def _key(dialled: Dialled) -> str:
    return str(dialled).casefold()


def _path(request: Request) -> list[tuple[str, int]]:
    """Give the elements that an INVITE has passed, as their Via tells them; one that cannot be read is somebody's."""
    places = []
    for value in request.all("via"):
        try:
            vias = [parse_via(part) for part in split_list(value)]
        except SipError:
            continue
        places += [(via.host.lower(), via.port or _PORTS.get(via.transport, 5060)) for via in vias]
    return places


_PORTS = {"tls": 5061}
