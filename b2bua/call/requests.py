"""Requests beside INVITE and what ends calls: answered here, or passed to the other leg, and their answers back."""

from __future__ import annotations

from collections.abc import Callable

from b2bua import sip
from b2bua.call.drain import Drain

ALLOW = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "PRACK", "UPDATE", "INFO", "REFER", "REGISTER")
"""What this gateway does; the endpoint answers the rest 405 or 501 by itself."""

SUPPORTED = frozenset({"100rel", "timer", "replaces", "norefersub"})
"""Option tags that a peer may require of us."""

ABLE = [
    ("Accept", "application/sdp"),
    ("Allow", ", ".join(ALLOW)),
    ("Supported", ", ".join(sorted(SUPPORTED))),
]
"""What the answer to OPTIONS tells (RFC 3261 11.2)."""

RELAYED_INFO = frozenset({"application/media_control+xml", "application/dtmf-relay", "application/dtmf"})
"""Bodies of INFO that pass: picture requests (RFC 5168) and key presses. They carry no address."""


Take = Callable[[sip.RequestReceived, float], None]


class Requests:
    """Requests that wait for the other leg's answer; REGISTER goes to `register`, REFER to `refer`."""

    def __init__(self, register: Take, refer: Take, drain: Drain) -> None:
        self._register = register
        self._refer = refer
        self._drain = drain
        self._relayed: dict[sip.ClientRequest, sip.ServerRequest] = {}

    @property
    def waiting(self) -> int:
        """How many requests wait for an answer of the other leg."""
        return len(self._relayed)

    def receive(self, event: sip.RequestReceived, now: float) -> None:
        """Answer a request, or pass it on."""
        handle, request, leg = event.handle, event.request, event.leg
        if request.method == "OPTIONS" and leg is None and (refusal := self._drain.refusal) is not None:
            handle.respond(now, 503, headers=refusal)
        elif request.method == "OPTIONS":
            handle.respond(now, 200, headers=ABLE)
        elif request.method == "REGISTER" and leg is None:
            self._register(event, now)
        elif request.method == "REFER":
            self._refer(event, now)
        elif request.method == "INFO" and leg is not None and leg.owner is not None:
            self._info(handle, request, leg, now)
        else:
            handle.respond(now, 405, headers=[("Allow", ", ".join(ALLOW))])

    def _info(self, handle: sip.ServerRequest, request: sip.Request, leg: sip.Leg, now: float) -> None:
        other = leg.owner.beside(leg)
        if request.content_type not in RELAYED_INFO or other is None or other.dialog is None:
            handle.respond(now, 415 if request.body else 200, headers=[("Accept", ", ".join(sorted(RELAYED_INFO)))])
            return
        self._relayed[other.request(now, "INFO", body=request.body, content_type=request.content_type)] = handle

    def answered(self, event: sip.RequestAnswered, now: float) -> None:
        """Take the answer to a request of ours."""
        ours = event.handle
        if ours.method == "OPTIONS" and ours.leg is not None and event.response is None:
            ours.leg.lose(event.status, "OPTIONS could not be delivered")  # nobody has been heard there for long either
        handle = self._relayed.pop(ours, None)
        if handle is not None:
            handle.respond(now, event.status if event.status < 300 else 488)
