"""Bearer tokens of the video API (OpenID Connect, RFC 7519): verified, then read as a caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Bearer:
    """Verifies tokens with the keys of their issuer."""

    settings: Tokens
    keys: Keys
    now: Callable[[], float]

    async def caller(self, token: str) -> Caller:
        """Give who stands behind a token; raises `UnauthenticatedError`."""
        claims = await self._verified(token)
        roles = frozenset(Role(each) for each in _words(claims.get(self.settings.role_claim)) if each in set(Role))
        if not roles:
            raise UnauthenticatedError("the token has no role")
        organisation = _word(claims.get(self.settings.organisation_claim))
        email = _word(claims.get(self.settings.email_claim))
        if (organisation is None or email is None) and roles != {Role.PROVISIONER}:
            raise UnauthenticatedError("the token names no organisation or no mail address")
        return Caller(organisation, email, roles, _word(claims.get(self.settings.parent_claim)))

    async def _verified(self, token: str) -> Mapping[str, Any]:
        try:
            claims = self._decoded(token, await self.keys.current())
        except (JoseError, ValueError) as first:
            renewed = await self.keys.renewed()  # signed with a key that is newer than ours?
            if renewed is None:
                raise UnauthenticatedError("the token is not valid") from first
            try:
                claims = self._decoded(token, renewed)
            except (JoseError, ValueError) as error:
                raise UnauthenticatedError("the token is not valid") from error
        self._check(claims)
        return claims

    @staticmethod
    def _decoded(token: str, keys: KeySet) -> Mapping[str, Any]:
        return jwt.decode(token, keys, algorithms=ALGORITHMS).claims

    def _check(self, claims: Mapping[str, Any]) -> None:
        now, leeway = self.now(), self.settings.leeway
        if claims.get("iss") != self.settings.issuer:
            raise UnauthenticatedError("the token is of another issuer")
        audience = claims.get("aud")
        if self.settings.audience is not None and self.settings.audience not in _words(audience):
            raise UnauthenticatedError("the token is for somebody else")
        ends, begins = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(ends, int | float) or not isinstance(begins, int | float):
            raise UnauthenticatedError("the token does not say when it ends")
        if not begins - leeway <= now < ends + leeway:
            raise UnauthenticatedError("the token is not valid now")


def _word(claim: object) -> str | None:
    return claim if isinstance(claim, str) and 0 < len(claim) <= MAX_CLAIM else None


def _words(claim: object) -> list[str]:
    if isinstance(claim, str):
        return [claim]
    return [each for each in claim if isinstance(each, str)] if isinstance(claim, list) else []
