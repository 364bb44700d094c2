"""Our own log-in at a peer that challenges us: 401 of the peer itself, 407 of a proxy before it (RFC 3261 22.2, 22.3).

One `Login` serves everything sent to one peer. It keeps the peer's last nonces, so that what follows a challenge is
answered before it is asked. A request is tried again only where the new challenge can bring something: it is the first
for that realm, or it says that the nonce was stale. Anything else means that the peer does not believe us.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from b2bua.sip.digest import Challenge, Secret, answer, choose, listed_params, parse_challenge
from b2bua.sip.errors import SipError
from b2bua.sip.message import Fields, Response

MAX_TRIES = 4
"""Times one request is sent again: a proxy and the peer behind it may each ask once, and each find a nonce stale."""

MAX_REALMS = 4
"""Realms of one peer that are remembered; a peer that names more is playing."""

MAX_CHALLENGES = 8
"""Header fields of one response that are read: three algorithms, and what will come after them."""

_FIELDS = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}


@dataclass(slots=True)
class _Known:
    """A challenge that is answered until it goes stale, and how often it was."""

    field: str
    challenge: Challenge
    count: int = 0


@dataclass(slots=True)
class Attempt:
    """What one request has been through: which realms asked, which of them a second time."""

    tries: int = 0
    asked: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()


class Login:
    """Username and secret at one peer; `token` gives unguessable words for cnonce."""

    def __init__(self, username: str, secret: Secret, token: Callable[[], str]) -> None:
        self._username = username
        self._secret = secret
        self._token = token
        self._known: dict[str, _Known] = {}

    def fields(self, method: str, uri: str, body: bytes = b"") -> Fields:
        """Give the header fields that log a request in, as far as the peer has asked before."""
        fields: list[tuple[str, str]] = []
        for known in self._known.values():
            known.count += 1
            made = answer(known.challenge, self._secret, self._username, method, uri, body, self._token(), known.count)
            fields.append((known.field, str(made)))
        return fields

    def challenged(self, response: Response, attempt: Attempt) -> bool:
        """Take in a 401 or 407; tells whether to send the request again, with the `fields` of now."""
        if response.status not in _FIELDS or attempt.tries >= MAX_TRIES:
            return False
        key, name = _FIELDS[response.status]
        again = False
        for realm, challenges in _by_realm(response.all(key)).items():
            place = f"{name} {realm}"
            chosen = choose(challenges, self._secret, self._username)
            if chosen is None or (place not in self._known and len(self._known) >= MAX_REALMS):
                continue
            if place in attempt.asked and (not chosen.stale or place in attempt.stale):
                self._known.pop(place, None)  # it does not believe us: nothing is sent there unasked any more
                continue
            if place in attempt.asked:
                attempt.stale |= {place}
            attempt.asked |= {place}
            self._known[place] = _Known(name, chosen)
            again = True
        attempt.tries += again
        return again

    def welcomed(self, response: Response) -> None:
        """Take in the nonce that a success names for next time (RFC 3261 20.6, RFC 7616 3.5)."""
        following = _next_nonce(response)
        mine = [known for known in self._known.values() if known.field == "Authorization"]
        if following and len(mine) == 1:
            mine[0].challenge, mine[0].count = replace(mine[0].challenge, nonce=following, stale=False), 0


def _by_realm(values: list[str]) -> dict[str, list[Challenge]]:
    """Sort the Digest challenges of a response; another scheme or a broken one is passed over."""
    found: dict[str, list[Challenge]] = {}
    for value in values[:MAX_CHALLENGES]:
        try:
            challenge = parse_challenge(value)
        except SipError:
            continue
        found.setdefault(challenge.realm, []).append(challenge)
    return found


def _next_nonce(response: Response) -> str:
    try:
        return listed_params(response.get("authentication-info")).get("nextnonce", "")
    except SipError:
        return ""
