"""Users who log in: what a file may say, whom we ask, whom we believe."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua import sip
from b2bua.call.credentials import Answer, Authenticator, CredentialsError, Users, gather, read_secrets
from b2bua.sip import digest
from b2bua.sip.digest import Secret, parse_challenge
from b2bua.sip.nonce import NONCE_SECONDS, Nonces

ALL = ("SHA-512-256", "SHA-256", "MD5")
FLOW = sip.Flow("tcp", ("192.0.2.1", 5060), ("198.51.100.9", 40_000), "internet", 7, ("192.0.2.1", 5060))
URI = "sip:192.0.2.1"


def authenticator() -> Authenticator:
    numbers = itertools.count(1)
    return Authenticator("edge", Nonces(b"k" * 32, lambda: f"t{next(numbers)}"))


def users(**passwords: str) -> Users:
    return gather([("rooms", {name: Secret(password) for name, password in passwords.items()})], ALL)


def request(*authorizations: str, method: str = "REGISTER", uri: str = URI) -> sip.Request:
    lines = "".join(f"Authorization: {value}\r\n" for value in authorizations)
    read = sip.parse(f"{method} {uri} SIP/2.0\r\n{lines}Content-Length: 0\r\n\r\n".encode())
    assert isinstance(read, sip.Request)
    return read


def answered(
    made: Authenticator,
    known: Users,
    *,
    name: str = "room",
    password: str = "p",  # noqa: S107
    uri: str = URI,
) -> str:
    fields = made.challenges(known, FLOW, 0.0)
    challenge = digest.choose([parse_challenge(value) for _, value in fields], Secret(password), name)
    assert challenge
    return str(digest.answer(challenge, Secret(password), name, "REGISTER", uri, b"", "c", 1))


def test_every_algorithm_is_offered_strongest_first() -> None:
    fields = authenticator().challenges(users(room="p"), FLOW, 0.0)
    read = [parse_challenge(value) for _, value in fields]
    assert [one.algorithm for one in read] == [*ALL]
    assert {(one.realm, one.qop, one.stale) for one in read} == {("edge", ("auth",), False)}
    assert {name for name, _ in fields} == {"WWW-Authenticate"}


def test_an_old_device_is_asked_for_md5_alone_where_that_is_allowed() -> None:
    made = authenticator()
    asked = made.challenges(users(room="p"), FLOW, 0.0, old=True)
    assert [parse_challenge(value).algorithm for _, value in asked] == ["MD5"]
    strict = gather([("rooms", {"room": Secret("p")})], ("SHA-256",))
    assert [parse_challenge(value).algorithm for _, value in made.challenges(strict, FLOW, 0.0, old=True)] == [
        "SHA-256"
    ]


def test_a_right_answer_is_taken_once() -> None:
    made, known = authenticator(), users(room="p")
    value = answered(made, known)
    assert made.judge(request(value), known, FLOW, 1.0) == Answer(
        "good", "room", "rooms", proven=True, algorithm="SHA-512-256"
    )
    assert made.judge(request(value), known, FLOW, 1.0) == Answer("stale", proven=True, algorithm="SHA-512-256")


def test_an_unknown_user_and_a_wrong_password_look_the_same() -> None:
    made, known = authenticator(), users(room="p")
    wrong = made.judge(request(answered(made, known, password="q")), known, FLOW, 0.0)  # noqa: S106
    unknown = made.judge(request(answered(made, known, name="nobody")), known, FLOW, 0.0)
    assert wrong == unknown == Answer("wrong", proven=True, algorithm="SHA-512-256")


def test_the_decoys_own_password_opens_nothing() -> None:
    made, known = authenticator(), users(room="p")
    decoy = made._nobody.password
    assert made.judge(request(answered(made, known, name="x", password=decoy)), known, FLOW, 0.0).proof == "wrong"


def test_an_old_nonce_is_stale_and_a_forged_one_too_if_the_answer_is_right() -> None:
    made, known = authenticator(), users(room="p")
    value = answered(made, known)
    assert made.judge(request(value), known, FLOW, NONCE_SECONDS + 1) == Answer(
        "stale", proven=True, algorithm="SHA-512-256"
    )
    other = Authenticator("edge", Nonces(b"j" * 32, lambda: "t"))
    foreign = answered(other, known)
    assert made.judge(request(foreign), known, FLOW, 0.0) == Answer("stale", algorithm="SHA-512-256")
    guess = answered(other, known, password="q")  # noqa: S106
    assert made.judge(request(guess), known, FLOW, 0.0) == Answer("wrong", algorithm="SHA-512-256")


def test_a_nonce_of_another_source_is_not_good() -> None:
    made, known = authenticator(), users(room="p")
    value = answered(made, known)
    elsewhere = sip.Flow("tcp", FLOW.local, ("198.51.100.10", 4), FLOW.zone, 8, FLOW.sent_by)
    assert made.judge(request(value), known, elsewhere, 0.0).proof == "stale"


def test_another_realm_is_nobody_of_ours() -> None:
    made, known = authenticator(), users(room="p")
    other = Authenticator("elsewhere", Nonces(b"k" * 32, lambda: "t"))
    foreign = answered(other, known)
    assert made.judge(request(foreign), known, FLOW, 0.0) == Answer("none")
    assert made.judge(request(foreign, answered(made, known)), known, FLOW, 0.0).proof == "good"


@pytest.mark.parametrize(
    ("uri", "proof"),
    [
        (URI, "good"),
        ("sip:192.0.2.1:5060", "good"),
        ("SIP:192.0.2.1;transport=tcp", "good"),
        ("sip:198.51.100.1", "wrong"),
        ("sip:room@192.0.2.1", "wrong"),
        ("tel:+46", "wrong"),
    ],
)
def test_an_answer_is_for_the_request_it_came_with(uri: str, proof: str) -> None:
    made, known = authenticator(), users(room="p")
    assert made.judge(request(answered(made, known, uri=uri)), known, FLOW, 0.0).proof == proof


def test_without_qop_there_is_no_protection_against_replay() -> None:
    made, known = authenticator(), users(room="p")
    nonce = parse_challenge(made.challenges(known, FLOW, 0.0)[0][1]).nonce
    legacy = digest.answer(digest.Challenge("edge", nonce), Secret("p"), "room", "REGISTER", URI, b"", "", 1)
    assert made.judge(request(str(legacy)), known, FLOW, 0.0).proof == "wrong"


def test_no_answer_and_a_broken_one() -> None:
    made, known = authenticator(), users(room="p")
    assert made.judge(request(), known, FLOW, 0.0) == Answer("none")
    assert made.judge(request("Bearer abc"), known, FLOW, 0.0) == Answer("none")
    assert made.judge(request("Digest nonsense"), known, FLOW, 0.0) == Answer("wrong")
    odd = answered(made, known).replace("SHA-512-256", "SHA-1")
    assert made.judge(request(odd), known, FLOW, 0.0).proof == "wrong"


def test_a_file_of_secrets() -> None:
    hashed = digest.a1("SHA-256", "b", "edge", "x")
    found = read_secrets(f"# rooms\n\na password two words \nb SHA-256 {hashed.upper()}\nb MD5 {'0' * 32}\n", "rooms")
    assert found == {"a": Secret("two words"), "b": Secret(hashed={"SHA-256": hashed, "MD5": "0" * 32})}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a password", "rooms:1: a line has a user"),
        ("a password x\na password y", "rooms:2: 'a' has such a secret already"),
        ("a MD5 abc", "rooms:1: MD5 takes 32 hexadecimal digits"),
        (f"a MD5 {'g' * 32}", "rooms:1: MD5 takes 32 hexadecimal digits"),
        ("a SHA-1 abc", "rooms:1: 'SHA-1' is no kind of secret"),
        ('a" password x', "rooms:1: a user has no quotes"),
        (f"a MD5 {'0' * 32}\na password topsecret", "rooms:2: 'a' has such a secret already"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_tells_no_secret(text: str, message: str) -> None:
    with pytest.raises(CredentialsError) as error:
        read_secrets(text, "rooms")
    assert str(error.value).startswith(message)
    assert "topsecret" not in str(error.value)


@given(st.text(max_size=200))
def test_any_text_is_secrets_or_an_error(text: str) -> None:
    try:
        read_secrets(text, "x")
    except CredentialsError:
        return


def test_only_what_every_user_has_is_offered() -> None:
    hashed = {"h": Secret(hashed={"MD5": "0" * 32})}
    assert gather([("a", {"x": Secret("p")}), ("b", hashed)], ALL).algorithms == ("MD5",)
    assert gather([], ALL).algorithms == ALL
    with pytest.raises(CredentialsError, match="no algorithm of SHA-256 has a hash for every user of b"):
        gather([("b", hashed)], ("SHA-256",))
    with pytest.raises(CredentialsError, match="user 'h' belongs to peer 'a' and to 'b'"):
        gather([("a", hashed), ("b", hashed)], ALL)
