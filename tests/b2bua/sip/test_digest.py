"""Digest against the examples of the RFCs, and against whatever a peer may write."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.sip import digest
from b2bua.sip.digest import ALGORITHMS, Challenge, Credentials, Secret, parse_challenge, parse_credentials
from b2bua.sip.errors import HeaderError, InjectionError

# RFC 7616 3.9.1
MUFASA = Credentials(
    username="Mufasa",
    realm="http-auth@example.org",
    nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    uri="/dir/index.html",
    response="",
    qop="auth",
    cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    count="00000001",
    opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
)
PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=20)
NAMES = PLAIN.filter(lambda text: text != "" and "%0" not in text)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616(algorithm: str, expected: str) -> None:
    hashed = digest.a1(algorithm, MUFASA.username, MUFASA.realm, "Circle of Life")
    asked = replace(MUFASA, algorithm=algorithm)
    assert digest.response(asked, hashed, "GET", b"") == expected


def test_the_example_of_rfc_2617_and_its_legacy_form() -> None:
    challenge = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", qop=("auth",))
    secret = Secret("Circle Of Life")
    made = digest.answer(challenge, secret, "Mufasa", "GET", "/dir/index.html", b"", "0a4f113b", 1)
    assert made.response == "6629fae49393a05397450978507c4ef1"
    legacy = digest.answer(Challenge(challenge.realm, challenge.nonce), secret, "Mufasa", "GET", "/x", b"", "c", 1)
    outer = f"{hashlib.md5(b'Mufasa:testrealm@host.com:Circle Of Life').hexdigest()}:{challenge.nonce}:"  # noqa: S324
    expected = hashlib.md5(outer.encode() + hashlib.md5(b"GET:/x").hexdigest().encode()).hexdigest()  # noqa: S324
    assert (legacy.response, legacy.qop, legacy.count, legacy.cnonce) == (expected, "", "", "")


def test_a_session_algorithm_hashes_both_nonces_into_a1() -> None:
    challenge = Challenge("r", "n", "SHA-256-SESS", ("auth",))
    made = digest.answer(challenge, Secret("p"), "u", "REGISTER", "sip:r", b"", "c", 1)

    def h(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    assert made.response == h(f"{h(h('u:r:p') + ':n:c')}:n:00000001:c:auth:{h('REGISTER:sip:r')}")
    assert "algorithm=SHA-256-sess" in str(made)


def test_auth_int_covers_the_body() -> None:
    challenge = Challenge("r", "n", "SHA-512-256", ("auth-int",))
    secret = Secret("p")
    made = digest.answer(challenge, secret, "u", "INVITE", "sip:x", b"v=0", "c", 7)
    hashed = secret.a1("SHA-512-256", "u", "r")
    assert (made.qop, made.count) == ("auth-int", "00000007")
    assert digest.proves(made, hashed, "INVITE", b"v=0")
    assert not digest.proves(made, hashed, "INVITE", b"v=1")


@given(
    st.sampled_from(ALGORITHMS),
    st.sampled_from(["", "-SESS"]),
    st.sampled_from([(), ("auth",), ("auth-int",), ("auth-int", "auth")]),
    NAMES,
    NAMES,
    NAMES,
    st.integers(1, 0xFFFFFFFF),
)
def test_what_is_written_is_read_and_proves(
    algorithm: str, session: str, qop: tuple[str, ...], user: str, realm: str, password: str, count: int
) -> None:
    asked = parse_challenge(str(Challenge(realm, "nonce", algorithm + session, qop, opaque="o", stale=True)))
    assert asked == Challenge(realm, "nonce", algorithm + session, qop, "o", stale=True)
    secret = Secret(password)
    made = digest.answer(asked, secret, user, "REGISTER", "sip:edge", b"body", "cnonce", count)
    if session and not qop:
        return  # without a qop no cnonce is sent, so this pair proves nothing (RFC 7616 3.4)
    read = parse_credentials(str(made))
    assert read == made
    assert digest.proves(read, secret.a1(algorithm, user, realm), "REGISTER", b"body")
    assert not digest.proves(read, Secret(password + "x").a1(algorithm, user, realm), "REGISTER", b"body")


def test_a_hash_in_place_of_the_password_proves_too() -> None:
    hashed = Secret(hashed={"MD5": digest.a1("MD5", "u", "r", "p")})
    made = digest.answer(Challenge("r", "n", "MD5", ("auth",)), hashed, "u", "INVITE", "sip:x", b"", "c", 1)
    assert digest.proves(made, Secret("p").a1("MD5", "u", "r"), "INVITE", b"")
    assert hashed.a1("SHA-256", "u", "r") == ""
    assert "p" not in repr(Secret("p")).removeprefix("Secret(")


def test_the_strongest_challenge_that_can_be_answered_is_chosen() -> None:
    md5, sha256, sha512 = (Challenge("r", "n", name, ("auth",)) for name in ("MD5", "SHA-256", "SHA-512-256"))
    assert digest.choose([md5, sha256, sha512], Secret("p"), "u") is sha512
    assert digest.choose([md5, sha256], Secret(hashed={"MD5": "0" * 32}), "u") is md5
    assert digest.choose([Challenge("r", "n", "AKAv1-MD5")], Secret("p"), "u") is None
    assert digest.choose([Challenge("r", "n", "MD5", ("auth-conf",))], Secret("p"), "u") is None
    assert digest.choose([], Secret("p"), "u") is None


@pytest.mark.parametrize(
    "value",
    [
        'Digest username="u", realm="r", nonce="n", uri="sip:x"',  # no response
        'Digest username="", realm="r", nonce="n", uri="sip:x", response="0"',
        'Digest username="u", username="v", realm="r", nonce="n", uri="sip:x", response="0"',
        'Digest username="u", realm="r", nonce="n", uri="sip:x", response="0", qop=auth, nc=1, cnonce="c"',
        'Digest username="u", realm="r", nonce="n", uri="sip:x", response="0", qop=auth, nc=0000000g, cnonce="c"',
        'Digest username="u", realm="r", nonce="n", uri="sip:x", response="0", qop=auth, nc=00000001',
        'Digest username="u, realm="r"',
        "Digest username=a b",
        "Digest username",
        "Basic dXNlcjpwYXNz",
        "Digest",
        "",
        "Digest " + "x" * 5000,
    ],
)
def test_broken_credentials(value: str) -> None:
    with pytest.raises(HeaderError):
        parse_credentials(value)


def test_odd_but_legal_credentials() -> None:
    read = parse_credentials(
        'dIgEsT  ReAlM = "a\\"b" ,username=u,nonce="n",,uri="sip:x,y",response="AB", algorithm="sha-256",'
        'qop="auth",nc=0000000A,cnonce=c,newparam=1'
    )
    assert (read.realm, read.uri, read.response, read.algorithm, read.qop, read.count) == (
        *('a"b', "sip:x,y", "ab", "SHA-256"),
        *("auth", "0000000A"),
    )


@given(st.text(max_size=300))
def test_any_text_is_credentials_or_an_error_of_ours(text: str) -> None:
    for value in (text, f"Digest {text}", f'Digest username="u", {text}'):
        for read in (parse_credentials, parse_challenge):
            try:
                read(value)
            except HeaderError:
                continue


def test_what_would_end_its_line_is_not_written() -> None:
    with pytest.raises(InjectionError):
        str(Challenge("r\r\nVia: x", "n"))
    with pytest.raises(InjectionError):
        str(digest.answer(Challenge("r", "n"), Secret("p"), "u\n", "INVITE", "sip:x", b"", "c", 1))


def test_a_response_that_is_no_ascii_is_wrong_and_no_fault() -> None:
    read = parse_credentials('Digest username="ü", realm="r", nonce="n", uri="sip:x", response="ä"')
    assert not digest.proves(read, Secret("p").a1("MD5", "ü", "r"), "INVITE", b"")
