"""Bearer tokens of guests: signed by an issuer the site names, each good for one alias (RFC 8898, RFC 7519).

Pure: keys are handed in, time is a parameter. Tokens themselves are kept nowhere; of one that is good once, its id is
remembered until it expires.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from b2bua.sip import Request
from b2bua.sip.digest import scheme_of
from vdx.access import TokenRules
from vdx.errors import VdxError

MAX_TOKEN = 8_192
"""Characters of a token: one with the claims of a health account and an RSA-4096 signature has about 2,000."""

MAX_KEYS = 32
"""Keys of one issuer: the present one, the next, and those of algorithms on their way out."""

MAX_SPENT = 50_000
"""Ids of tokens that were good once; over it new ones of that kind are refused rather than old ones believed again."""

MAX_CLAIM = 128
"""Characters of the alias and the name in a token: the dial plan has no longer ones."""


MAX_TIME = 1e11
"""Seconds since 1970, some 3,000 years: what is later, or no number at all, is a fault of the issuer."""


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


def _public(key: dict[str, str | list[str]], name: str) -> dict[str, str | list[str]]:
    if key.get("kty") not in {"RSA", "EC", "OKP"}:
        raise TokenError(f"{name} holds a key that is not public: only RSA, EC and OKP keys verify tokens here")
    if "d" in key:
        raise TokenError(f"{name} holds a private key: keep that with the issuer, and give the public part")
    return key
