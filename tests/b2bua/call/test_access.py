"""Who may begin: every answer of the door, and what it costs to knock too often."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from b2bua import sip
from b2bua.call.plan import Plan
from b2bua.call.reputation import ANSWERS_AT_ONCE, DENIED_SECONDS
from b2bua.sip import digest
from b2bua.sip.digest import parse_challenge
from b2bua.sip.nonce import NONCE_SECONDS
from tests.b2bua.call.register import EDGE, NET, ROOM, STRANGER, House
from vdx.control import PeerTls, SipPeer
from vdx.pinhole import Ban


def bans(house: House) -> list[Ban]:
    return [request for request in house.gateway.requests() if isinstance(request, Ban)]


@pytest.mark.parametrize("transport", ["udp", "tls"])
def test_whoever_may_log_in_is_asked_who_he_is_and_nothing_is_kept(transport: str) -> None:
    house = House(transport)
    before = house.gateway.sizes
    (asked,) = house.send(house.flow(), "INVITE", uri=f"sip:bob@{NET}")
    schemes = [value.split()[0] for value in asked.all("www-authenticate")]
    assert (asked.status, schemes) == (401, ["Digest", "Digest", "Digest"] + ["Bearer"] * (transport == "tls"))
    assert house.gateway.sizes == before


def test_where_nobody_can_log_in_a_stranger_hears_403() -> None:
    house = House()
    flow = sip.Flow("udp", ("10.0.0.1", 5060), ("10.0.0.66", 5060), "sdn", 1, ("10.0.0.1", 5060))
    assert [answer.status for answer in house.send(flow, "INVITE")] == [403]


def test_a_room_system_calls_after_it_logged_in() -> None:
    house = House()
    house.log_in(house.flow(), "INVITE", user="room-1", uri=f"sip:alice@{NET}")
    assert house.gateway.counts["invites"] == 1
    assert [call.caller.peer for call in house.gateway.calls(house.world.now)] == ["rooms"]


def test_unknown_user_and_wrong_password_are_asked_again_alike() -> None:
    house = House()
    wrong = house.log_in(house.flow(), password="guess")  # noqa: S106
    unknown = house.log_in(house.flow(), user="nobody")
    assert wrong.status == unknown.status == 401
    shapes = [
        [
            value.split("nonce")[0] + value.split(",", 2)[2]
            for value in answer.all("www-authenticate")
            if "nonce" in value
        ]
        for answer in (wrong, unknown)
    ]
    assert shapes[0] == shapes[1]


def algorithms(answer: sip.Response) -> list[str]:
    return [parse_challenge(value).algorithm for value in answer.all("www-authenticate") if value.startswith("Digest")]


def test_a_device_that_gives_up_is_asked_for_md5_alone_when_it_comes_back() -> None:
    house = House()
    flow = house.flow()
    assert algorithms(house.send(flow, "REGISTER")[0]) == ["SHA-512-256", "SHA-256", "MD5"]
    house.world.now += 30
    assert algorithms(house.send(flow, "REGISTER", user="room-2")[0]) == ["SHA-512-256", "SHA-256", "MD5"]
    assert house.log_in(flow).status == 200
    house.world.now += 600
    (asked,) = house.send(flow, "REGISTER")
    assert algorithms(asked) == ["MD5"]
    assert len(asked.all("www-authenticate")) == 1


def test_an_old_nonce_is_answered_with_a_new_one() -> None:
    house = House()
    flow = house.flow()
    (asked,) = house.send(flow, "REGISTER")
    house.world.now += NONCE_SECONDS + 1
    challenge = parse_challenge(asked.all("www-authenticate")[0])
    secret = digest.Secret("secret one")
    proof = digest.answer(challenge, secret, "room-1", "REGISTER", f"sip:{NET}", b"", "c", 1)
    (again,) = house.send(flow, "REGISTER", f"Authorization: {proof}")
    assert [parse_challenge(value).stale for value in again.all("www-authenticate")[:3]] == [True] * 3
    assert house.gateway.counts["refused: credentials"] == 0


def test_a_replayed_answer_is_not_taken_again() -> None:
    house = House()
    flow = house.flow()
    house.log_in(flow)
    told = house.gateway.counts["registers"]
    assert told == 1
    (asked,) = house.send(flow, "REGISTER")
    challenge = parse_challenge(asked.all("www-authenticate")[0])
    proof = digest.answer(challenge, digest.Secret("secret one"), "room-1", "REGISTER", f"sip:{NET}", b"", "c", 1)
    assert house.send(flow, "REGISTER", f"Authorization: {proof}")[-1].status == 200
    assert house.send(flow, "REGISTER", f"Authorization: {proof}")[-1].status == 401


def test_a_brute_forcer_over_a_connection_is_banned_and_denied() -> None:
    house = House("tcp")
    flow = house.flow(STRANGER, 40_000)
    for _ in range(5):
        house.log_in(flow, password="guess")  # noqa: S106
    (ban,) = bans(house)
    assert (ban.address, ban.seconds) == (STRANGER, 600)
    assert house.send(flow, "REGISTER") == []
    assert house.gateway.counts["ignored: denied"] == 1
    house.world.now += DENIED_SECONDS
    assert house.send(flow, "REGISTER")[0].status == 401


def test_a_brute_forcer_over_udp_is_denied_but_never_banned() -> None:
    house = House("udp")
    flow = house.flow(STRANGER)
    for _ in range(5):
        house.log_in(flow, password="guess")  # noqa: S106
    assert house.send(flow, "REGISTER") == []
    for _ in range(100):
        house.send(flow, "REGISTER")
        house.world.now += 60
    assert bans(house) == []


def test_forged_datagrams_make_nobody_denied_and_cost_few_answers() -> None:
    house = House("udp")
    flow = house.flow(STRANGER)
    answers = [answer for _ in range(200) for answer in house.send(flow, "INVITE", "User-Agent: some phone")]
    assert len(answers) == ANSWERS_AT_ONCE
    guesses = 'Digest username="room-1", realm="edge", nonce="n", uri="sip:x", response="0", qop=auth, nc=00000001'
    for _ in range(200):
        house.send(flow, "REGISTER", f'Authorization: {guesses}, cnonce="c"')
    house.world.now += 60
    assert house.send(flow, "REGISTER")[0].status == 401
    assert bans(house) == []


@pytest.mark.parametrize(("transport", "count"), [("tcp", 1), ("udp", 0)])
def test_a_scanner_hears_nothing_and_over_a_connection_it_is_banned(transport: str, count: int) -> None:
    house = House(transport)
    assert house.send(house.flow(STRANGER), "OPTIONS", "User-Agent: friendly-scanner") == []
    assert len(bans(house)) == count


def test_own_peers_are_never_judged_whatever_they_do() -> None:
    house = House("tcp")
    flow = sip.Flow("tcp", EDGE, ("198.51.100.2", 40_000), "internet", 3, EDGE)
    for _ in range(50):
        house.send(flow, "OPTIONS", "User-Agent: friendly-scanner", 'Authorization: Digest username="x"')
    assert bans(house) == []
    assert house.send(flow, "OPTIONS")[0].status == 200


def test_users_of_a_peer_log_in_although_its_prefix_is_known_and_are_never_judged() -> None:
    house = House("tcp")
    signalling = house.gateway.plan.signalling
    wards = SipPeer("wards", "internet", (f"{ROOM}/32",), 4, access=signalling.peers[2].access)
    house.gateway.plan = Plan("v3", structs.replace(signalling, peers=(*signalling.peers, wards)))
    for _ in range(20):
        assert house.log_in(house.flow(), password="guess").status == 401  # noqa: S106
    assert bans(house) == []
    assert house.send(house.flow(), "INVITE", uri=f"sip:alice@{NET}")[0].status == 401


def test_a_known_certificate_is_heard_from_a_denied_source() -> None:
    house = House("tcp")
    signalling = house.gateway.plan.signalling
    region = SipPeer("region", "internet", (), 4, tls=PeerTls(names=("sip.region.example",)))
    house.gateway.plan = Plan("v3", structs.replace(signalling, peers=(*signalling.peers, region)))
    house.send(house.flow(STRANGER), "OPTIONS", "User-Agent: friendly-scanner")
    assert house.send(house.flow(STRANGER), "OPTIONS") == []
    known = replace(house.flow(STRANGER), identity=sip.Identity(frozenset({"sip.region.example"})))
    assert house.send(known, "OPTIONS")[0].status == 200


def test_strangers_over_a_connection_are_banned_in_a_zone_where_nobody_logs_in() -> None:
    house = House("tcp")
    flow = sip.Flow("tcp", ("10.0.0.1", 5060), ("10.0.0.66", 5060), "sdn", 1, ("10.0.0.1", 5060))
    for _ in range(10):
        house.send(flow, "INVITE")
    assert [ban.address for ban in bans(house)] == ["10.0.0.66"]


def test_a_ban_is_asked_for_where_the_site_wants_one() -> None:
    house = House("tcp", ban=0)
    house.send(house.flow(STRANGER), "OPTIONS", "User-Agent: friendly-scanner")
    assert bans(house) == []


def test_a_device_in_use_is_trusted_and_answered_without_a_limit() -> None:
    house = House("udp")
    flow = house.flow()
    house.log_in(flow)
    answers = [answer for _ in range(100) for answer in house.send(flow, "REGISTER")]
    assert len(answers) == 100


def test_a_certificate_needs_no_password() -> None:
    house = House("tcp")
    signalling = house.gateway.plan.signalling
    region = SipPeer("region", "internet", (), 4, tls=PeerTls(names=("sip.region.example",)))
    house.gateway.plan = Plan("v3", structs.replace(signalling, peers=(*signalling.peers, region)))
    known = sip.Flow(
        *("tls", EDGE, (STRANGER, 40_000), "internet", 4, EDGE),
        identity=sip.Identity(frozenset({"sip.region.example"})),
    )
    house.send(known, "INVITE", uri=f"sip:alice@{NET}")
    assert [call.caller.peer for call in house.gateway.calls(house.world.now)] == ["region"]


# Guests


def test_a_guest_calls_what_his_token_names() -> None:
    house = House("tls")
    flow = house.flow()
    bearer = f"Authorization: Bearer {house.token()}"
    house.send(flow, "INVITE", bearer, uri=f"sip:BOB@{NET}")
    assert [call.caller.peer for call in house.gateway.calls(house.world.now)] == ["guests"]
    assert [answer.status for answer in house.send(flow, "INVITE", bearer, uri=f"sip:alice@{NET}")] == [403]
    assert house.gateway.counts["refused: not what the token is for"] == 1


def test_a_token_that_others_could_read_is_not_looked_at() -> None:
    house = House("tcp")
    (asked,) = house.send(house.flow(), "INVITE", f"Authorization: Bearer {house.token()}", uri=f"sip:bob@{NET}")
    assert asked.status == 401
    assert not [value for value in asked.all("www-authenticate") if value.startswith("Bearer")]
    assert house.gateway.counts["refused: token"] == 0


def test_a_token_that_is_good_once() -> None:
    house = House("tls")
    bearer = f"Authorization: Bearer {house.token(vdx_once=True, jti='1')}"
    house.send(house.flow(), "INVITE", bearer, uri=f"sip:bob@{NET}")
    (again,) = house.send(house.flow(), "INVITE", bearer, uri=f"sip:bob@{NET}")
    assert again.status == 401
    assert 'error="invalid_token"' in again.all("www-authenticate")[-1]
    assert len(house.gateway.calls(house.world.now)) == 1


@pytest.mark.parametrize(("named", "left"), [("anna", []), ("j-7", []), ("bo", ["guests"])])
def test_the_call_of_a_token_ends_when_it_is_cut_off(named: str, left: list[str]) -> None:
    house = House("tls")
    bearer = f"Authorization: Bearer {house.token(jti='j-7')}"
    house.send(house.flow(), "INVITE", bearer, uri=f"sip:bob@{NET}")
    assert len(house.gateway.calls(house.world.now)) == 1
    house.revoke(named)
    assert [call.caller.peer for call in house.gateway.calls(house.world.now)] == left
    house.send(house.flow(ident=2), "INVITE", bearer, uri=f"sip:bob@{NET}")
    assert len(house.gateway.calls(house.world.now)) == 2 * len(left)  # nor may it call again


def test_bad_tokens_are_offences() -> None:
    house = House("tls")
    flow = house.flow(STRANGER)
    for _ in range(5):
        (answer,) = house.send(flow, "INVITE", f"Authorization: Bearer {house.token(aud='other')}")
        assert answer.status == 401
    assert [ban.address for ban in bans(house)] == [STRANGER]


def test_secrets_are_in_no_trace_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    house = House("tls")
    token = house.token(aud="other")
    house.send(house.flow(), "INVITE", f"Authorization: Bearer {token}")
    house.log_in(house.flow(ROOM), password="topsecret")  # noqa: S106
    assert token not in caplog.text
    assert "topsecret" not in caplog.text


GUESS = (
    b'Digest username="room-1", realm="edge", nonce="1.t.m", uri="sip:x", response="0", qop=auth, nc=00000001, '
    b'cnonce="c"'
)


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", b"Digest ", b'Digest username="', b"Bearer ", GUESS + b", x="]))
def test_whatever_is_shown_is_answered_or_ignored(shown: bytes, before: bytes) -> None:
    value = (before + shown).replace(b"\r", b"").replace(b"\n", b"")
    for transport in ("udp", "tls"):
        house = House(transport)
        flow = house.flow()
        lines = (
            b"REGISTER sip:203.0.113.10 SIP/2.0",
            b"Via: SIP/2.0/UDP 203.0.113.7;branch=z9hG4bKx",
            b"From: <sip:" + shown.hex().encode() + b"@x>;tag=1",
            b"To: <sip:room-1@x>",
            b"Call-ID: x",
            b"CSeq: 1 REGISTER",
            b"User-Agent: " + value,
            b"Authorization: " + value,
            b"Contact: <sip:room-1@203.0.113.7>",
            b"Content-Length: 0",
        )
        house.gateway.receive(b"\r\n".join((*lines, b"", b"")), flow, house.world.now)
        said = [sip.parse(out.data) for out in house.gateway.to_send()]
        assert {one.status for one in said if isinstance(one, sip.Response)} <= {400, 401}
        assert house.gateway.registrations.count() == 0
