"""What an identity provider says of somebody, checked (OpenID Connect Core 3.1.3.7) and read as one of our people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.domain.model import Caller
from hub.domain.words import Role
from hub.errors import ForbiddenError
from hub.people.sessions import NOBODY, Known
from hub.settings import IdentityProvider
from hub.tokens.bearer import word, words

LEEWAY_SECONDS = 60
"""How far the provider's clock may differ from ours."""

LOGOUT = "http://schemas.openid.net/event/backchannel-logout"

LOGOUT_SECONDS = 180
"""Age of a logout token: providers give them two minutes, and clocks differ."""

ADMIN_ROLES = frozenset({Role.ADMIN, Role.PROVISIONER, Role.PROVISIONER_USER})
"""Roles that reach beyond one's own meetings: a second factor is demanded for each."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has logged in; `second_factor`: not by a password alone."""

    caller: Caller
    second_factor: bool
    known: Known = NOBODY

    @property
    def lacks_factor(self) -> bool:
        """Tell whether a second factor is still to be shown."""
        return not self.second_factor and not ADMIN_ROLES.isdisjoint(self.caller.roles)


def check(claims: Mapping[str, Any], issuer: str, client: str, nonce: str, now: float) -> None:
    """Check that a signed ID token is the provider's, for us, for this login and for now; raises `ForbiddenError`."""
    audience = words(claims.get("aud"))
    ends, issued = claims.get("exp"), claims.get("iat")
    faults = {
        "it is of another issuer": claims.get("iss") != issuer,
        "it is for somebody else": client not in audience,
        "it was given to somebody else": len(audience) > 1 and claims.get("azp") != client,
        "it is of another login": claims.get("nonce") != nonce,
        "it does not say when it ends": not isinstance(ends, int | float) or not isinstance(issued, int | float),
    }
    fault = next((text for text, found in faults.items() if found), None)
    if fault is None and isinstance(ends, int | float) and isinstance(issued, int | float):
        late = now >= ends + LEEWAY_SECONDS or issued > now + LEEWAY_SECONDS
        fault = "it is not valid now: are the clocks right?" if late else None
    if fault is not None:
        raise ForbiddenError(f"the answer of the identity provider cannot be used: {fault}")


def identity(claims: Mapping[str, Any], provider: IdentityProvider) -> Identity:
    """Read who has logged in; raises `ForbiddenError` for somebody without role or mail address."""
    email = word(claims.get(provider.email_claim))
    if email is None or claims.get("email_verified") is False:
        raise ForbiddenError(f"the identity provider gives no mail address (claim {provider.email_claim})")
    organisation = provider.organisation
    if provider.organisation_claim is not None:
        organisation = word(claims.get(provider.organisation_claim)) or ""
    given = words(claims.get(provider.role_claim))
    if provider.roles:
        roles = frozenset(provider.roles[each] for each in given if each in provider.roles)
    else:
        roles = frozenset(Role(each) for each in given if each in set(Role))
    if not roles:
        raise ForbiddenError("you have no role here: ask the administrator of your organisation for one")
    factor = claims.get("acr") in provider.second_factor_acr or not set(words(claims.get("amr"))).isdisjoint(
        provider.second_factor_amr
    )
    known = Known(word(claims.get("sub")), word(claims.get("sid")))
    return Identity(Caller(organisation, email.lower(), roles), factor, known)


def ended(claims: Mapping[str, Any], issuer: str, client: str, now: float) -> Known:
    """Read whose session has ended from a signed logout token (Back-Channel Logout 1.0, 2.4 and 2.6).

    Raises `ForbiddenError` for one that is not the provider's, not for us, not of now, or an ID token.
    """
    issued, ends, said = claims.get("iat"), claims.get("exp"), claims.get("events")
    known = Known(word(claims.get("sub")), word(claims.get("sid")))
    faults = {
        "it is of another issuer": claims.get("iss") != issuer,
        "it is for somebody else": client not in words(claims.get("aud")),
        "it is no logout": not isinstance(said, dict) or LOGOUT not in said or "nonce" in claims,
        "it names nobody": known == NOBODY,
        "it is not of now": not isinstance(issued, int | float)
        or abs(now - issued) > LOGOUT_SECONDS
        or (isinstance(ends, int | float) and now >= ends + LEEWAY_SECONDS),
    }
    if fault := next((text for text, found in faults.items() if found), None):
        raise ForbiddenError(f"the logout token cannot be used: {fault}")
    return known
