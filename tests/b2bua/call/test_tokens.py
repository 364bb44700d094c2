"""Bearer tokens: which count, and how often."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from msgspec import structs

from b2bua import sip
from b2bua.call import tokens
from b2bua.call.tokens import Guest, Spent, TokenError, bearer, challenge
from b2bua.call.verifier import MAX_TOKEN, Verifier
from vdx.access import TokenRules

RULES = TokenRules("https://login.example.org", "edge1", "/etc/vdx/keys.json", "https://login.example.org/oauth2")
KEY = ECKey.generate_key("P-256", {"kid": "now"})
OTHER = ECKey.generate_key("P-256", {"kid": "now"})
NOW = 1_800_000_000.0
CLAIMS: dict[str, Any] = {
    "iss": RULES.issuer,
    "aud": [RULES.audience, "other"],
    "sub": "anna",
    "exp": int(NOW) + 600,
    "nbf": int(NOW) - 5,
    "vdx_alias": "room-7",
}


def public(*keys: ECKey | RSAKey | OKPKey) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


MANY = Verifier(
    RULES, {"keys": [KEY.as_dict(private=False), ECKey.generate_key("P-256", {"kid": "x"}).as_dict(private=False)]}
)


def verifier() -> Verifier:
    return Verifier(RULES, public(KEY))


def token(key: Any = KEY, algorithm: str = "ES256", header: dict[str, Any] | None = None, **claims: Any) -> str:
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": "now", **(header or {})}, said, key, algorithms=[algorithm])


def test_a_token_names_its_bearer_and_the_alias() -> None:
    assert verifier().verify(token(), NOW) == Guest("anna", "room-7", NOW + 600 + RULES.leeway)


@pytest.mark.parametrize("revoked", ["anna", "id-7"])
def test_a_token_that_is_cut_off_does_not_count(revoked: str) -> None:
    made = Verifier(structs.replace(RULES, revoked=(revoked,)), public(KEY))
    with pytest.raises(TokenError, match="cut off"):
        made.verify(token(jti="id-7"), NOW)
    other = made.verify(token(sub="bo", jti="id-8"), NOW)
    assert (other.issued, other.is_cut_off(made.rules)) == ("id-8", False)
    assert verifier().verify(token(jti="id-7"), NOW).is_cut_off(made.rules)
    assert other.is_cut_off(None)  # nobody's tokens are believed any more


def test_clocks_may_differ_by_the_leeway() -> None:
    made = verifier()
    assert made.verify(token(exp=int(NOW) - RULES.leeway + 1), NOW)
    assert made.verify(token(nbf=int(NOW) + RULES.leeway), NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "edge2"},
        {"aud": None},
        {"exp": int(NOW) - 31},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": 10**400},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"nbf": int(NOW) + 31},
        {"sub": None},
        {"sub": ""},
        {"vdx_alias": None},
        {"vdx_alias": ["a"]},
        {"vdx_alias": "x" * 129},
        {"vdx_alias": "a\r\nb"},
    ],
)
def test_claims_that_do_not_count(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenError):
        verifier().verify(token(**claims), NOW)


def test_signatures_that_do_not_count() -> None:
    made = verifier()
    shared = OctKey.import_key("x" * 40)
    head, body, signature = token().split(".")
    for bad in (
        token(OTHER),
        token(OTHER, header={"kid": "then"}),
        token(shared, "HS256"),
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{token(vdx_alias='room-8').split('.')[1]}.{signature}",
        "eyJhbGciOiJub25lIn0.e30.",
        "",
        "x" * (MAX_TOKEN + 1),
    ):
        with pytest.raises(TokenError):
            made.verify(bad, NOW)


@given(st.one_of(st.text(max_size=100), st.binary(max_size=100).map(lambda data: data.decode("latin-1"))))
def test_any_text_is_no_token(text: str) -> None:
    with pytest.raises(TokenError):
        verifier().verify(text, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "enc", "zip"])


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@given(
    JSON | st.dictionaries(FIELDS, JSON | st.sampled_from(["ES256", "none", "HS256", "now"])),
    JSON,
    st.text(max_size=90),
)
def test_no_header_of_a_stranger_is_a_fault(header: object, payload: object, signature: str) -> None:
    for text in (f"{part(header)}.{part(payload)}.{signature}", f"{part(header)}.{part(payload)}.{part(signature)}"):
        with pytest.raises(TokenError):
            MANY.verify(text, NOW)


@given(st.dictionaries(st.sampled_from([*CLAIMS, "jti", "vdx_once"]), JSON))
def test_no_claim_of_the_issuer_is_a_fault(claims: dict[str, Any]) -> None:
    try:
        guest = verifier().verify(token(**claims), NOW)
    except TokenError:
        return
    assert guest.alias
    assert guest.name


def test_a_token_says_which_of_several_keys_it_is_signed_with() -> None:
    old, new = ECKey.generate_key("P-256", {"kid": "old"}), RSAKey.generate_key(2048, {"kid": "new"})
    made = Verifier(RULES, public(old, new))
    for key, algorithm, kid in ((old, "ES256", "old"), (new, "RS256", "new")):
        said = jwt.encode({"alg": algorithm, "kid": kid}, CLAIMS, key, algorithms=[algorithm])
        assert made.verify(said, NOW).name == "anna"
    with pytest.raises(TokenError, match="invalid_key_id"):
        made.verify(jwt.encode({"alg": "ES256"}, CLAIMS, old), NOW)


def test_one_key_needs_no_name() -> None:
    assert verifier().verify(jwt.encode({"alg": "ES256"}, CLAIMS, KEY), NOW).name == "anna"


def test_edwards_curves() -> None:
    key = OKPKey.generate_key("Ed25519")
    made = Verifier(RULES, public(key))
    assert made.verify(jwt.encode({"alg": "Ed25519"}, CLAIMS, key, algorithms=["Ed25519"]), NOW).name == "anna"


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"keys": []},
        {"keys": [KEY.as_dict(private=True)]},
        {"keys": [OctKey.import_key("x" * 40).as_dict()]},
        {"keys": [{"kty": "EC"}]},
        {"keys": "no"},
        {"keys": [1]},
    ],
)
def test_sets_that_are_none(keys: dict[str, Any]) -> None:
    with pytest.raises(TokenError) as error:
        Verifier(RULES, keys)
    assert str(KEY.as_dict(private=True)["d"]) not in str(error.value)


def test_a_token_that_is_good_once() -> None:
    made, spent = verifier(), Spent()
    guest = made.verify(token(vdx_once=True, jti="1"), NOW)
    assert not spent.is_spent(guest)
    spent.spend(guest, NOW)
    assert spent.is_spent(guest)
    assert not spent.is_spent(made.verify(token(vdx_once=True, jti="2"), NOW))
    assert not spent.is_spent(made.verify(token(vdx_once=True), NOW))
    lasting = made.verify(token(jti="1"), NOW)
    spent.spend(lasting, NOW)
    assert not spent.is_spent(lasting)


def test_ids_of_spent_tokens_are_forgotten_when_they_expire_and_never_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_SPENT", 2)
    spent = Spent()
    first, second, third = (Guest("a", "b", NOW + until, f"id{until}") for until in (10, 20, 30))
    spent.spend(first, NOW)
    spent.spend(second, NOW)
    assert spent.is_spent(third)  # refused for want of room
    spent.spend(third, NOW + 15)
    assert len(spent) == 2
    assert spent.is_spent(second)


def test_a_token_in_a_request_and_the_question_for_one() -> None:
    read = sip.parse(
        b"INVITE sip:x@y SIP/2.0\r\nAuthorization: Digest realm=x\r\nAuthorization: bearer  a.b.c\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    assert isinstance(read, sip.Request)
    assert bearer(read) == "a.b.c"
    value = 'Bearer realm="edge", authz_server="https://login.example.org/oauth2"'
    assert challenge(RULES, "edge", refused=False) == ("WWW-Authenticate", value)
    assert challenge(RULES, "edge", refused=True)[1] == value + ', error="invalid_token"'
