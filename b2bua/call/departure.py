"""How a call leaves: the INVITE to one place, written anew, with nothing of the caller's addresses in it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from b2bua import sip
from b2bua.call.attempts import Attempt
from b2bua.call.dialled import Dialled, written
from b2bua.call.headers import may_pass
from b2bua.call.identify import Caller
from b2bua.sip.login import Login
from b2bua.sip.reliable import takes_reliable
from vdx.headers import BRIDGE

Fields = list[tuple[str, str]]

MAX_HOPS = 30
"""Elements that a call of ours may still pass (RFC 7332: a B2BUA counts as well). Between two video systems stand
fewer than ten; two gateways that send a call to each other stop after that many, and not after 70."""


class Departure:
    """Sends the callee's INVITE of one attempt; `left` hears of the leg that it makes."""

    def __init__(
        self,
        endpoint: sip.Endpoint,
        attempt: Attempt,
        dialled: Dialled,
        request: sip.Request,
        caller: str,
        login: Login | None,
        left: Callable[[sip.Leg], None],
    ) -> None:
        self._endpoint = endpoint
        self._attempt = attempt
        self._dialled = dialled
        self._request = request
        self._caller = caller
        self._login = login
        self._left = left

    def __call__(self, now: float, headers: Fields, body: bytes) -> sip.Leg:
        """Send the INVITE; raises sip.SipError where it cannot be written."""
        attempt, listener = self._attempt, self._attempt.listener
        hops = self._request.max_forwards
        uri, to, more = self._addressed()
        invitation = sip.Invitation(
            destination=attempt.to,
            uri=uri,
            from_=_from(self._request, self._caller, listener.advertise),
            to=to,
            sent_by=(listener.advertise, listener.advertise_port),
            route=attempt.route,
            headers=[*headers, *more],
            body=body,
            login=self._login,
            reliable=bool(body) or takes_reliable(self._request),
            max_forwards=MAX_HOPS if hops is None else min(hops, MAX_HOPS + 1) - 1,
        )
        leg = self._endpoint.invite(invitation, now)
        self._left(leg)
        return leg

    def _addressed(self) -> tuple[str, str, Fields]:
        """Give Request-URI, To and the header fields that carry a PIN, or whom to bridge to."""
        attempt, dialled = self._attempt, self._dialled
        user, params, fields = written(attempt.user), {}, []
        if attempt.bridge:
            fields.append((BRIDGE, attempt.bridge))
        style = attempt.peer.dial.pin
        if style is not None and dialled.pin:
            if style.kind == "header":
                fields.append((style.name, dialled.pin))
            elif style.kind == "parameter":
                params = {style.name: dialled.pin}
            else:
                user = written(f"{attempt.user}{style.name}{dialled.pin}")
        scheme = "sips" if dialled.secure else "sip"
        host, port = attempt.place
        to = f"<{sip.Uri(scheme, written(attempt.user), attempt.name or host, None, {})}>"
        if attempt.uri:
            return attempt.uri, to, fields
        if attempt.name:
            return str(sip.Uri(scheme, user, attempt.name, None, params)), to, fields
        params |= {} if attempt.to.transport == "udp" or dialled.secure else {"transport": attempt.to.transport}
        return str(sip.Uri(scheme, user, host, port, params)), to, fields


def shown_as(known: Caller | None, said: str, peer: str) -> str:
    """Give the user part by which others hear of somebody: the name he proved, else the one in the URI he `said`.

    One that may not pass is the name of his peer.
    """
    proven = known.name if known is not None else ""
    user = written(proven) if proven else _user(said)
    return user if user and may_pass(unquote(user)) else peer


def _user(said: str) -> str:
    """Give the user part, or the number, of a URI; "" where it has none."""
    try:
        return sip.parse_sip_or_tel(said).user.partition(":")[0]  # a password would stand behind it
    except sip.SipError:
        return ""


def _from(request: sip.Request, peer: str, host: str) -> str:
    """Write From for the other side: the caller's name and user, our host, and no address of theirs.

    Whoever logged in is called by the name he proved, whatever he says. A guest is a stranger beside his token: he is
    called by its `sub`, and nothing that he calls himself is shown; where the `sub` may not pass, by the name of the
    peer that he is a guest of.
    """
    caller = request.from_
    known = request.caller if isinstance(request.caller, Caller) else None
    is_guest = known is not None and known.guest is not None
    user = shown_as(known, caller.uri, known.peer.name if known is not None and is_guest else peer)
    uri = sip.Uri("sip", user, host, None, {})
    if caller.display and not is_guest and may_pass(caller.display):
        quoted = caller.display.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{uri}>'
    return f"<{uri}>"
