"""Bearer tokens of the video API (OpenID Connect, RFC 7519): verified, then read as a caller."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from hub.domain.model import Caller
from hub.domain.words import Role
from hub.errors import UnauthenticatedError
from hub.settings import Tokens
from hub.tokens.keys import Keys

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Signatures with public keys only: with a shared secret whoever verifies could also sign."""

MAX_CLAIM = 250
"""Characters of a claim: an organisation's code has no more."""


MAX_KNOWN = 10_000
"""Verified tokens that are kept, some kilobytes each: clients send one for minutes, with every request."""

MAX_WORDS = 1000
"""Entries of a claim that are read: people are in hundreds of groups, not in thousands."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Verifies tokens with the keys of their issuer."""

    settings: Tokens
    keys: Keys
    now: Callable[[], float]
    _known: dict[bytes, tuple[KeySet, Mapping[str, Any]]] = field(default_factory=dict, repr=False)
    """[digest of a token] -> the keys that it was verified with, and its claims; whether they hold now is not in it."""

    async def caller(self, token: str) -> Caller:
        """Give who stands behind a token; raises `UnauthenticatedError`."""
        claims = await self._verified(token)
        self._check(claims)
        roles = frozenset(Role(each) for each in words(claims.get(self.settings.role_claim)) if each in set(Role))
        if not roles:
            raise UnauthenticatedError("the token has no role")
        organisation = word(claims.get(self.settings.organisation_claim))
        email = word(claims.get(self.settings.email_claim))
        if (organisation is None or email is None) and roles != {Role.PROVISIONER}:
            raise UnauthenticatedError("the token names no organisation or no mail address")
        return Caller(organisation, email, roles, word(claims.get(self.settings.parent_claim)))

    async def _verified(self, token: str) -> Mapping[str, Any]:
        """Give the claims of a token; one that was verified with the keys of today is not verified again."""
        digest = hashlib.blake2b(token.encode(), digest_size=32).digest()
        known = self._known.get(digest)
        if known is not None and known[0] is await self.keys.current():
            return known[1]
        claims = await verified(token, self.keys)
        if len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[digest] = await self.keys.current(), claims
        return claims

    def _check(self, claims: Mapping[str, Any]) -> None:
        now, leeway = self.now(), self.settings.leeway
        if claims.get("iss") != self.settings.issuer:
            raise UnauthenticatedError("the token is of another issuer")
        audience = claims.get("aud")
        if self.settings.audience is not None and self.settings.audience not in words(audience):
            raise UnauthenticatedError("the token is for somebody else")
        ends, begins = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(ends, int | float) or not isinstance(begins, int | float):
            raise UnauthenticatedError("the token does not say when it ends")
        if not begins - leeway <= now < ends + leeway:
            raise UnauthenticatedError("the token is not valid now")


async def verified(token: str, keys: Keys) -> Mapping[str, Any]:
    """Give the claims of a token that one of `keys` signed; raises `UnauthenticatedError`."""
    try:
        return _decoded(token, await keys.current())
    except (JoseError, ValueError) as first:
        renewed = await keys.renewed()  # signed with a key that is newer than ours?
        if renewed is None:
            raise UnauthenticatedError("the token is not valid") from first
    try:
        return _decoded(token, renewed)
    except (JoseError, ValueError) as error:
        raise UnauthenticatedError("the token is not valid") from error


def _decoded(token: str, keys: KeySet) -> Mapping[str, Any]:
    return jwt.decode(token, keys, algorithms=ALGORITHMS).claims


def word(claim: object) -> str | None:
    """Give a claim that is one text of a length that we take, of characters that can be kept and shown."""
    return claim if isinstance(claim, str) and 0 < len(claim) <= MAX_CLAIM and claim.isprintable() else None


def words(claim: object) -> list[str]:
    """Give a claim that is a text or a list of them."""
    if isinstance(claim, str):
        return [claim]
    return [each for each in claim[:MAX_WORDS] if isinstance(each, str)] if isinstance(claim, list) else []
