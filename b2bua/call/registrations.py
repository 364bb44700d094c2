"""REGISTER end to end: who may, what the registrar makes of it, and the 200 when it is stored.

A 200 tells a device that it will be found, also after a power cut; so it waits until the change is on disk, which takes
milliseconds. Where nothing is stored, or storing fails, it does not wait: a device that can be called now is worth more
than one that is refused.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable

from b2bua import sip
from b2bua.call.access import Access
from b2bua.call.contacts import is_direct
from b2bua.call.keyring import Keyring
from b2bua.call.registrar import Binding, Change, Place, Registered, Registrar
from b2bua.sip import Refusal, SipError
from vdx.access import AccessRules, BindingInfo
from vdx.control import SipPeer

log = logging.getLogger(__name__)

SUPPORTED = "path, outbound"
"""What a registrar does beside RFC 3261 (RFC 3327, RFC 5626)."""

Answer = tuple[sip.ServerRequest, Registered]


class Registrations:
    """The registrar with its doors: REGISTER comes in by `receive`, changes leave by `to_store`.

    `wall` tells the seconds since 1970. `moved` hears of a device that came back: over which connection it was reached
    before, over which now, and whose it is, in lower case. `stores` is set by whoever stores: answers wait for `stored`
    then.
    """

    def __init__(self, access: Access, counts: Counter[str], wall: Callable[[], float]) -> None:
        self.stores = False
        self.moved: Callable[[sip.Flow, sip.Flow, str], None] = lambda _before, _flow, _user: None
        self._access = access
        self._counts = counts
        self._wall = wall
        self._registrar = Registrar()
        access.stands = lambda flow, peer, user: self._registrar.stands(flow, peer, user, wall())
        self._waiting: list[Answer] = []
        self._storing: list[Answer] | None = None

    def count(self) -> int:
        """Give how many devices are registered now."""
        self._registrar.sweep(self._wall())
        return len(self._registrar)

    def follow(self, rules: AccessRules, keyring: Keyring, peers: Iterable[SipPeer]) -> None:
        """Go by the rules of a site version; users who may not register any more are forgotten."""
        self._registrar.rules = rules
        allowed = {peer.name: peer for peer in peers if peer.access.registers}
        self._registrar.keep(
            lambda peer, user: (
                peer in allowed and (not _named(allowed[peer]) or keyring.knows(allowed[peer].zone, peer, user))
            )
        )

    def load(self, bindings: Iterable[Binding]) -> None:
        """Take in what was stored before this program started."""
        self._registrar.load(bindings, self._wall())

    def receive(self, event: sip.RequestReceived, now: float) -> None:
        """Carry out a REGISTER."""
        request, flow, handle = event.request, event.flow, event.handle
        caller = self._access.caller(request)
        try:
            if caller is None or not caller.peer.access.registers:
                raise Refusal("nobody registers here", 403)
            user = caller.user or sip.parse_uri(request.to.uri).user
            until = caller.guest.expires if caller.guest is not None else math.inf
            done = self._registrar.register(request, flow, caller.peer.name, user, self._wall(), until)
        except SipError as error:
            headers = error.headers if isinstance(error, Refusal) else ()
            self._counts[f"refused: register {error.status}"] += 1
            handle.respond(now, error.status, headers=headers)
            return
        for move in self._registrar.moves():
            self.moved(*move)
        self._access.registered(flow, caller if done.contacts and is_direct(request) else None, user)
        self._counts["registers"] += 1
        if self.stores and self._registrar.changed:
            self._waiting.append((handle, done))
        else:
            _welcome(handle, done, now)

    def to_store(self) -> list[Change]:
        """Give what is to be stored next; nothing while something is being stored, and `stored` has not been called."""
        if not self.stores or self._storing is not None or not self._registrar.changed:
            return []
        self._storing, self._waiting = self._waiting, []
        return self._registrar.changes()

    def stored(self, now: float) -> None:
        """Answer those whose changes are stored, or cannot be."""
        answers, self._storing = self._storing or [], None
        for handle, done in answers:
            _welcome(handle, done, now)

    def places(self, peer: str, user: str) -> list[Place]:
        """Give where a user can be reached now, the preferred way first."""
        return self._registrar.find(peer, user, self._wall())

    def flow_closed(self, flow: sip.Flow) -> None:
        """Forget a connection."""
        self._registrar.flow_closed(flow)

    def listed(self) -> tuple[BindingInfo, ...]:
        """List every registered device."""
        return self._registrar.listed(self._wall())


def _named(peer: SipPeer) -> bool:
    """Tell whether the users of a peer are those in its file, and nobody proves himself by a certificate or token."""
    return peer.access.users is not None and peer.access.tokens is None and peer.tls is None


def _welcome(handle: sip.ServerRequest, done: Registered, now: float) -> None:
    handle.respond(now, 200, headers=(("Supported", SUPPORTED), *done.headers), contacts=done.contacts)
