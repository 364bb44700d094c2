"""What an identity provider says counts only when it is his, for us, for this login, for now, and says who it is."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.words import Role
from hub.errors import ForbiddenError
from hub.people import claims, guard
from hub.settings import IdentityProvider

ISSUER = "https://login.north.example"
NOW = 1_000_000.0
CLAIMS = {"iss": ISSUER, "aud": "hub", "iat": NOW, "exp": NOW + 60, "nonce": "once"}
PERSON = {"email": "Anna@North.example", "userrole": ["meeting-planner", "other"], "org": "ward"}
PROVIDER = IdentityProvider(
    name="north", title="North", organisation="north", issuer=ISSUER, client="hub", organisation_claim="org"
)


def check(**changes: Any) -> None:
    said = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    claims.check(said, ISSUER, "hub", "once", NOW)


@pytest.mark.parametrize(
    "changes",
    [{}, {"aud": ["hub"]}, {"aud": ["other", "hub"], "azp": "hub"}, {"exp": NOW - 59}, {"iat": NOW + 59}],
)
def test_tokens_that_count(changes: dict[str, Any]) -> None:
    check(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "somebody-else"},
        {"aud": None},
        {"aud": ["hub", "other"]},
        {"aud": ["hub", "other"], "azp": "other"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": NOW - 60},
        {"exp": None},
        {"exp": "never"},
        {"iat": NOW + 61},
        {"iat": None},
    ],
)
def test_tokens_that_do_not(changes: dict[str, Any]) -> None:
    with pytest.raises(ForbiddenError, match="the answer of the identity provider cannot be used"):
        check(**changes)


def identity(provider: IdentityProvider = PROVIDER, **changes: Any) -> claims.Identity:
    return claims.identity({name: value for name, value in (PERSON | changes).items() if value is not None}, provider)


def test_who_it_is() -> None:
    caller = identity().caller
    assert (caller.organisation, caller.email, caller.roles) == (
        "ward",
        "anna@north.example",
        frozenset({Role.PLANNER}),
    )
    everybody = PROVIDER.model_copy(update={"organisation_claim": None})
    assert identity(everybody, org="elsewhere").caller.organisation == "north"
    named = PROVIDER.model_copy(update={"roles": {"vdx-booker": Role.USER}})
    assert identity(named, userrole="vdx-booker").caller.roles == {Role.USER}
    with pytest.raises(ForbiddenError, match="no role"):
        identity(named)  # our own names mean nothing there


@pytest.mark.parametrize(
    "changes",
    [
        {"email": None},
        {"email": ["a", "b"]},
        {"email_verified": False},
        {"userrole": []},
        {"userrole": ["root"]},
        {"userrole": {"meeting-admin": True}},
    ],
)
def test_who_is_nobody(changes: dict[str, Any]) -> None:
    with pytest.raises(ForbiddenError):
        identity(**changes)


@pytest.mark.parametrize("role", ["meeting-admin", "meeting-provisioner", "meeting-provisioner-user"])
def test_roles_that_need_a_second_factor(role: str) -> None:
    provider = PROVIDER.model_copy(update={"second_factor_acr": ("gold",)})
    assert identity(provider, userrole=[role]).lacks_factor
    assert identity(provider, userrole=[role], acr="silver", amr=["pwd"]).lacks_factor
    assert not identity(provider, userrole=[role], acr="gold").lacks_factor
    assert not identity(provider, userrole=[role], amr=["pwd", "otp"]).lacks_factor
    assert not identity(provider).lacks_factor  # a planner needs none


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/meetings?day=2", "/meetings?day=2"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/a\nb", "/"),
        ("", "/"),
        ("/" + "a" * 500, "/"),
    ],
)
def test_nobody_is_sent_elsewhere(given: str, kept: str) -> None:
    assert guard.local(given) == kept
