"""Bearer tokens of guests: signed by an issuer the site names, each good for one alias (RFC 8898, RFC 7519).

Pure: keys are handed in, time is a parameter. Tokens themselves are kept nowhere; of one that is good once, its id is
remembered until it expires.
"""

from __future__ import annotations

from dataclasses import dataclass

from b2bua.sip import Request
from b2bua.sip.digest import scheme_of
from vdx.access import TokenRules
from vdx.errors import VdxError

MAX_SPENT = 50_000
"""Ids of tokens that were good once; over it new ones of that kind are refused rather than old ones believed again."""


class TokenError(VdxError):
    """A token that does not count: why, without the token."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Who a token speaks for: `alias` is all its bearer may call, `id` names the token where it is good once.

    `issued` is the id that its issuer gave it (`jti`), by which it can be cut off.
    """

    name: str
    alias: str
    expires: float
    id: str = ""
    issued: str = ""

    def is_cut_off(self, rules: TokenRules | None) -> bool:
        """Tell whether rules name this token or its bearer; where nobody's tokens are believed any more, all are."""
        return rules is None or self.name in rules.revoked or (self.issued != "" and self.issued in rules.revoked)


class Spent:
    """The tokens that were good once, and have been used."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def is_spent(self, guest: Guest) -> bool:
        """Tell whether a token was used; one that is good for a time never is."""
        return guest.id != "" and (guest.id in self._until or len(self._until) >= MAX_SPENT)

    def spend(self, guest: Guest, wall: float) -> None:
        """Note that a token was used."""
        if not guest.id:
            return
        if len(self._until) >= MAX_SPENT:
            self._until = {ident: until for ident, until in self._until.items() if until > wall}
        self._until[guest.id] = guest.expires


def bearer(request: Request) -> str:
    """Give the bearer token of a request (RFC 8898 2.1), "" if it has none."""
    for value in request.all("authorization")[:4]:
        if scheme_of(value) == "bearer":
            return value.strip().partition(" ")[2].strip()
    return ""


def challenge(rules: TokenRules, realm: str, *, refused: bool) -> tuple[str, str]:
    """Give the header field that asks for a token (RFC 8898 2.4); `refused`: one was brought that does not count."""
    value = f'Bearer realm="{realm}", authz_server="{rules.authority}"'
    return "WWW-Authenticate", value + (', error="invalid_token"' if refused else "")
