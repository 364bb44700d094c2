"""Our log-in at a peer: when a challenge is answered, and when it is not."""

from __future__ import annotations

import itertools

from b2bua import sip
from b2bua.sip.digest import Challenge, Secret, parse_credentials, proves
from b2bua.sip.login import MAX_REALMS, MAX_TRIES, Attempt, Login

SECRET = Secret("open sesame")


def login() -> Login:
    numbers = itertools.count(1)
    return Login("edge", SECRET, lambda: f"c{next(numbers)}")


def response(status: int, *fields: tuple[str, str]) -> sip.Response:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    read = sip.parse(f"SIP/2.0 {status} X\r\n{lines}Content-Length: 0\r\n\r\n".encode())
    assert isinstance(read, sip.Response)
    return read


def asks(nonce: str, *, realm: str = "trunk", stale: bool = False, status: int = 401) -> sip.Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    fields = [
        (name, str(Challenge(realm, nonce, algorithm, ("auth",), stale=stale)))
        for algorithm in ("MD5", "SHA-256", "SHA-512-256")
    ]
    return response(status, *fields)


def test_nothing_is_said_unasked() -> None:
    assert login().fields("INVITE", "sip:x") == []


def test_a_challenge_is_answered_once() -> None:
    made, attempt = login(), Attempt()
    assert made.challenged(asks("n1"), attempt)
    ((name, value),) = made.fields("INVITE", "sip:x@trunk", b"v=0")
    read = parse_credentials(value)
    assert name == "Authorization"
    assert (read.algorithm, read.nonce, read.count) == ("SHA-512-256", "n1", "00000001")
    assert proves(read, SECRET.a1("SHA-512-256", "edge", "trunk"), "INVITE", b"v=0")
    assert not made.challenged(asks("n2"), attempt)
    assert made.fields("INVITE", "sip:x@trunk") == []


def test_what_follows_is_answered_before_it_is_asked_and_counts_up() -> None:
    made = login()
    made.challenged(asks("n1"), Attempt())
    counts = [parse_credentials(made.fields("BYE", "sip:x")[0][1]).count for _ in range(3)]
    assert counts == ["00000001", "00000002", "00000003"]


def test_a_stale_nonce_is_answered_anew_and_no_third_time() -> None:
    made, attempt = login(), Attempt()
    assert made.challenged(asks("n1"), attempt)
    assert made.challenged(asks("n2", stale=True), attempt)
    assert parse_credentials(made.fields("INVITE", "sip:x")[0][1]).nonce == "n2"
    assert not made.challenged(asks("n3", stale=True), attempt)


def test_a_nonce_that_went_stale_between_requests_is_answered_anew() -> None:
    made = login()
    made.challenged(asks("n1"), Attempt())
    made.fields("INVITE", "sip:x")
    assert made.challenged(asks("n2", stale=True), Attempt())


def test_a_proxy_and_the_peer_behind_it_each_ask() -> None:
    made, attempt = login(), Attempt()
    assert made.challenged(asks("p1", realm="proxy", status=407), attempt)
    assert made.challenged(asks("n1"), attempt)
    assert [name for name, _ in made.fields("INVITE", "sip:x")] == ["Proxy-Authorization", "Authorization"]


def test_a_peer_that_asks_for_ever_is_given_up() -> None:
    made, attempt = login(), Attempt()
    times = 0
    while made.challenged(asks(f"n{times}", realm=f"realm {times % 3}", stale=True), attempt):
        times += 1
        assert times <= MAX_TRIES
    assert times == MAX_TRIES


def test_a_peer_of_many_realms_fills_no_memory() -> None:
    made = login()
    for number in range(20):
        made.challenged(asks("n", realm=f"realm {number}"), Attempt())
    assert len(made.fields("INVITE", "sip:x")) == MAX_REALMS


def test_what_cannot_be_answered_is_not() -> None:
    made = login()
    assert not made.challenged(response(401), Attempt())
    assert not made.challenged(response(401, ("WWW-Authenticate", 'Bearer realm="x"')), Attempt())
    assert not made.challenged(response(401, ("WWW-Authenticate", "Digest nonce")), Attempt())
    assert not made.challenged(response(403, ("WWW-Authenticate", 'Digest realm="x", nonce="n"')), Attempt())


def test_the_nonce_for_next_time_is_taken() -> None:
    made = login()
    made.challenged(asks("n1"), Attempt())
    made.fields("INVITE", "sip:x")
    made.welcomed(response(200, ("Authentication-Info", 'qop=auth, nextnonce="n2", nc=00000001')))
    read = parse_credentials(made.fields("BYE", "sip:x")[0][1])
    assert (read.nonce, read.count) == ("n2", "00000001")
    made.welcomed(response(200))
    made.welcomed(response(200, ("Authentication-Info", '"')))
    assert parse_credentials(made.fields("BYE", "sip:x")[0][1]).nonce == "n2"
