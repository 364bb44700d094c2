"""Redirections of a callee (3xx), followed only where its peer's profile says so (RFC 3261 8.1.3.4).

A Contact is never called as it stands: it is dialled again through the dial plan, as if the caller had dialled it, with
the caller's rights and limits. The caller hears nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from b2bua import sip
from b2bua.call.attempts import Attempt
from b2bua.call.dialled import UnreadableError, read
from b2bua.call.entrance import Asked, Entrance, MakeSession
from b2bua.call.hunt import Hunt
from b2bua.call.names import Found
from b2bua.call.route import Refusal, Route
from vdx.ids import CallId

MAX_REDIRECTIONS = 3
"""Redirections of one call: who is sent on more often is sent in circles."""

MAX_CONTACTS = 4
"""Contacts of one redirection that are looked at; a redirect server names one or two."""

Then = Callable[["Hunt | None", float], None]


class Redirects:
    """Follows the redirections of one call; `hide` keeps PINs out of its trace."""

    def __init__(
        self, entrance: Entrance, ident: CallId, asked: Asked, session: MakeSession, hide: Callable[[CallId, str], None]
    ) -> None:
        self._entrance = entrance
        self._ident = ident
        self._asked = asked
        self._session = session
        self._hide = hide
        self._left = MAX_REDIRECTIONS

    def follow(self, contacts: Iterable[sip.NameAddr], then: Then, now: float) -> None:
        """Find where the contacts lead; `then` gets what to try there, None where that is nowhere."""
        self._left -= 1
        routes = self._routes(contacts) if self._left >= 0 else []
        if not routes:
            then(None, now)
            return
        queries = {host: query for route in routes for host, query in self._entrance.queries(route).items()}
        if not queries:
            self._try(routes, {}, then, now)
        elif not self._entrance.names.look_up(
            queries, lambda found, now: self._try(routes, found, then, now), self._asked.event.leg
        ):
            then(None, now)

    def _routes(self, contacts: Iterable[sip.NameAddr]) -> list[Route]:
        entrance, caller = self._entrance, self._asked.caller.peer
        routes = []
        for contact in sorted(contacts, key=_preference, reverse=True)[:MAX_CONTACTS]:
            try:
                uri = sip.parse_sip_or_tel(contact.uri)
                dialled = read(uri, caller, entrance.plan.ourselves, entrance.plan.receptions.get(caller.zone, ""))
            except (sip.SipError, UnreadableError):
                continue
            guest = self._asked.caller.guest
            if guest is not None and guest.alias.casefold() != dialled.alias.casefold():
                continue  # a token opens one door
            self._hide(self._ident, dialled.pin)
            route = entrance.find(caller.zone, caller, dialled)
            if not isinstance(route, Refusal):
                routes.append(route)
        return routes

    def _try(self, routes: list[Route], found: Found, then: Then, now: float) -> None:
        places: list[Attempt] = [place for route in routes for place in self._entrance.places(route, found, now)]
        asked = self._asked
        request = asked.event.request
        hunt = self._entrance.hunt(self._ident, asked.caller.peer, routes[0], places, request, self._session)
        then(hunt if places else None, now)


def _preference(contact: sip.NameAddr) -> float:
    """Give the q of a Contact (20.10); 1 where it has none, or one that is none."""
    try:
        return min(1.0, max(0.0, float(contact.params.get("q", "1"))))
    except ValueError:
        return 1.0
