"""Who judges the bearer tokens of an issuer (RFC 7519, RFC 7517).

Imported where a site names an issuer: what reads tokens takes longer to load than all of the calls.
"""

from __future__ import annotations

import hashlib

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from b2bua.call.tokens import Guest, TokenError
from vdx.access import TokenRules

MAX_TOKEN = 8_192
"""Characters of a token: one with the claims of a health account and an RSA-4096 signature has about 2,000."""

MAX_KEYS = 32
"""Keys of one issuer: the present one, the next, and those of algorithms on their way out."""

MAX_CLAIM = 128
"""Characters of the alias and the name in a token: the dial plan has no longer ones."""

MAX_TIME = 1e11
"""Seconds since 1970, some 3,000 years: what is later, or no number at all, is a fault of the issuer."""


class Verifier:
    """Judges the tokens of one issuer; `keys` is a JSON Web Key Set as its file holds it.

    Raises TokenError where that is no set of usable public keys.
    """

    def __init__(self, rules: TokenRules, keys: dict[str, list[dict[str, str | list[str]]]]) -> None:
        self.rules = rules
        try:
            if not 0 < len(keys["keys"]) <= MAX_KEYS:
                raise TokenError(f"{rules.keys} holds no key, or more than {MAX_KEYS}")
            self._keys = KeySet.import_key_set({"keys": [_public(key, rules.keys) for key in keys["keys"]]})
        except (JoseError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise TokenError(f"{rules.keys} is no JSON Web Key Set (RFC 7517): {type(error).__name__}") from None

    def verify(self, token: str, wall: float) -> Guest:
        """Read a token at `wall` seconds since 1970; raises TokenError for one that does not count."""
        if len(token) > MAX_TOKEN:
            raise TokenError(f"a token of {len(token)} characters is over the limit of {MAX_TOKEN}")
        rules = self.rules
        try:
            claims = jwt.decode(token, self._keys, algorithms=[*rules.algorithms]).claims
            registry = jwt.JWTClaimsRegistry(
                now=int(wall),
                leeway=rules.leeway,
                iss={"essential": True, "value": rules.issuer},
                aud={"essential": True, "value": rules.audience},
                exp={"essential": True},
                sub={"essential": True},
            )
            registry.validate(claims)
        except JoseError as error:
            raise TokenError(f"the token does not count: {error.error or type(error).__name__}") from None
        except (ValueError, TypeError, RecursionError, UnicodeError) as error:  # of what is no token at all
            raise TokenError(f"the token cannot be read: {type(error).__name__}") from None
        alias, name = claims.get(rules.alias_claim), claims["sub"]
        for what, value in ((rules.alias_claim, alias), ("sub", name)):
            if not isinstance(value, str) or not 0 < len(value) <= MAX_CLAIM or not value.isprintable():
                raise TokenError(f"the claim {what!r} is no text of 1 to {MAX_CLAIM} characters")
        if not claims["exp"] < MAX_TIME:
            raise TokenError("the claim 'exp' is no time that will come")
        ident, jti = "", claims.get("jti")
        issued = jti if isinstance(jti, str) else ""
        if claims.get(rules.once_claim) is True:
            ident = hashlib.sha256((issued or token).encode(errors="backslashreplace")).hexdigest()
        guest = Guest(str(name), str(alias), float(claims["exp"]) + rules.leeway, ident, issued)
        if guest.is_cut_off(rules):
            raise TokenError("the token, or its bearer, is cut off")
        return guest


def _public(key: dict[str, str | list[str]], name: str) -> dict[str, str | list[str]]:
    if key.get("kty") not in {"RSA", "EC", "OKP"}:
        raise TokenError(f"{name} holds a key that is not public: only RSA, EC and OKP keys verify tokens here")
    if "d" in key:
        raise TokenError(f"{name} holds a private key: keep that with the issuer, and give the public part")
    return key
