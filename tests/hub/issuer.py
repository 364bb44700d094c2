"""An issuer of tokens, as an organisation's login is one."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

ISSUER = "https://login.example/realms/vdx"
AUDIENCE = "video-api"


class Issuer:
    """Signs tokens with a key that it shows as JWKS."""

    def __init__(self) -> None:
        self._key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, private=True, auto_kid=True)

    def jwks(self) -> str:
        """Show the public key."""
        return json.dumps(KeySet([self._key]).as_dict(private=False))

    def token(
        self, roles: Sequence[str], organisation: str | None = None, email: str | None = None, **claims: Any
    ) -> str:
        """Sign a token; `claims` stand beside or in place of the usual ones, None leaves one out."""
        now = int(time.time())
        all_claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 300,
            "userrole": list(roles),
            "organisation_id": organisation,
            "email": email,
            **claims,
        }
        written = {name: value for name, value in all_claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self._key.kid}, written, self._key)
