"""Keys pass where the policy of both peers and the transports of both legs let them, and nowhere else."""

from __future__ import annotations

import msgspec
import pytest

from b2bua import sip
from b2bua.call.encryption import profiles
from b2bua.call.media import Party
from b2bua.call.plan import Plan
from tests.b2bua.call.test_calls import ALICE, BOB, Line, answer, bodies
from vdx.control import PeerMedia, SipPeer

CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)


def party(media: PeerMedia, transport: str, *attributes: str) -> Party:
    peer = SipPeer("hospital", "sdn", (), 4, pass_sdp_attributes=attributes, media=media)
    return Party(peer, ALICE, transport)


@pytest.mark.parametrize(
    ("a", "b", "sdes"),
    [("tls", "tls", True), ("tls", "wss", True), ("tls", "tcp", False), ("udp", "udp", False), ("wss", "udp", False)],
)
def test_keys_in_the_signalling_need_private_legs(a: str, b: str, sdes: bool) -> None:
    found = profiles({"a": party(PeerMedia(), a), "b": party(PeerMedia(), b)})
    assert found["a"].sdes is found["b"].sdes is sdes
    assert found["a"].dtls


@pytest.mark.parametrize(
    ("a", "b", "keys", "required"),
    [
        ("preferred", "preferred", True, False),
        ("required", "preferred", True, True),
        ("preferred", "off", False, False),
        ("required", "off", False, True),
    ],
)
def test_the_stricter_word_counts(a: str, b: str, keys: bool, required: bool) -> None:
    sides = {"a": party(PeerMedia(a), "tls"), "b": party(PeerMedia(b), "tls")}  # type: ignore[arg-type]
    for profile in profiles(sides).values():  # type: ignore[arg-type]
        assert (profile.sdes, profile.dtls, profile.required) == (keys, keys, required)


@pytest.mark.parametrize(("a", "b", "limit"), [(None, None, None), (768, None, 768), (None, 2048, 2048), (768, 64, 64)])
def test_the_smaller_bandwidth_counts_both_ways(a: int | None, b: int | None, limit: int | None) -> None:
    found = profiles({"a": party(PeerMedia(bandwidth=a), "udp"), "b": party(PeerMedia(bandwidth=b), "udp")})
    assert found["a"].bandwidth == found["b"].bandwidth == limit


def test_what_passes_beside_is_the_receivers_word() -> None:
    found = profiles({"a": party(PeerMedia(), "udp", "x-one"), "b": party(PeerMedia(), "udp")})
    assert found["a"].extra_attributes == {"x-one"}
    assert found["b"].extra_attributes == set()


def line(transport: str, hospital: PeerMedia, clinic: PeerMedia) -> Line:
    """Give a line between peers of these policies."""
    line = Line(transport)
    old = line.gateway.plan.signalling
    peers = tuple(
        msgspec.structs.replace(peer, media=media) for peer, media in zip(old.peers, (hospital, clinic), strict=True)
    )
    line.gateway.plan = Plan("v2", msgspec.structs.replace(old, peers=peers))
    return line


def describe(host: str, port: int, proto: str, *keys: str) -> bytes:
    rows = ["v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    rows += [f"m=audio {port} {proto} 0", *keys, f"m=video {port + 2} {proto} 97", *keys]
    return ("\r\n".join(rows) + "\r\n").encode()


def heads(body: bytes) -> list[str]:
    return [row for row in body.decode().splitlines() if row[0] == "m"]


def status(line: Line) -> int:
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    return failed.status


REQUIRED, PREFERRED, OFF = PeerMedia("required"), PeerMedia("preferred"), PeerMedia("off")


def test_sdes_crosses_between_tls_legs() -> None:
    tls = line("tls", PREFERRED, REQUIRED)
    tls.dial(describe(ALICE, 6000, "RTP/SAVP", CRYPTO))
    answer(tls.bob, tls.world, describe(BOB, 7000, "RTP/SAVP", CRYPTO.replace("AAEC", "BBBB")))
    assert CRYPTO.encode() in bodies(tls.world, BOB)[-1]
    assert b"inline:BBBB" in bodies(tls.world, ALICE)[-1]
    assert all("RTP/SAVP " in head for host in (ALICE, BOB) for head in heads(bodies(tls.world, host)[-1]))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sdes_over_an_open_leg_is_refused_and_never_seen(transport: str) -> None:
    opened = line(transport, PREFERRED, PREFERRED)
    opened.dial(describe(ALICE, 6000, "RTP/SAVP", CRYPTO))
    assert status(opened) == 488
    assert not bodies(opened.world, BOB)
    (record,) = opened.world.records
    assert "its keys may not pass between these peers" in record.why
    opened.idle()


def test_best_effort_over_an_open_leg_loses_its_keys() -> None:
    opened = line("udp", PREFERRED, PREFERRED)
    opened.dial(describe(ALICE, 6000, "RTP/AVP", CRYPTO))
    assert b"crypto" not in bodies(opened.world, BOB)[-1]
    answer(opened.bob, opened.world, describe(BOB, 7000, "RTP/AVP", CRYPTO))  # keys that nobody asked for
    assert b"crypto" not in bodies(opened.world, ALICE)[-1]


@pytest.mark.parametrize("proto", ["RTP/AVP", "RTP/SAVP"])
def test_best_effort_is_made_binding_where_one_side_requires_it(proto: str) -> None:
    tls = line("tls", PREFERRED, REQUIRED)
    tls.dial(describe(ALICE, 6000, "RTP/AVP", CRYPTO))
    assert [head.split()[2] for head in heads(bodies(tls.world, BOB)[-1])] == ["RTP/SAVP", "RTP/SAVP"]
    answer(tls.bob, tls.world, describe(BOB, 7000, proto, CRYPTO))
    assert [head.split()[2] for head in heads(bodies(tls.world, ALICE)[-1])] == ["RTP/AVP", "RTP/AVP"]
    assert CRYPTO.encode() in bodies(tls.world, ALICE)[-1]


def test_what_is_not_encrypted_is_refused_where_one_side_requires_it() -> None:
    tls = line("tls", PREFERRED, REQUIRED)
    tls.dial(describe(ALICE, 6000, "RTP/AVP"))
    assert status(tls) == 488
    (record,) = tls.world.records
    assert "not encrypted, as one of the peers requires" in record.why
    sent = [data for _, to, data in tls.world.wire if to[0] == ALICE and b" 488 " in data]
    assert sent
    assert not any(b"encrypt" in data for data in sent)  # why is for the operator, not for whoever calls
    tls.idle()


def test_an_answer_in_the_clear_ends_a_call_that_must_be_encrypted() -> None:
    tls = line("tls", REQUIRED, PREFERRED)
    tls.dial(describe(ALICE, 6000, "RTP/AVP", CRYPTO))
    answer(tls.bob, tls.world, describe(BOB, 7000, "RTP/AVP"))
    assert status(tls) == 488
    assert tls.bob.saw(sip.ByeReceived)
    (record,) = tls.world.records
    assert "the answer has no usable stream" in record.why
    tls.idle()


def test_fingerprints_pass_over_any_transport_and_satisfy_who_requires_encryption() -> None:
    opened = line("udp", REQUIRED, REQUIRED)
    opened.dial(describe(ALICE, 6000, "UDP/TLS/RTP/SAVPF", FINGERPRINT, "a=setup:actpass", "a=tls-id:abc"))
    answer(opened.bob, opened.world, describe(BOB, 7000, "UDP/TLS/RTP/SAVPF", FINGERPRINT, "a=setup:active"))
    assert b"a=setup:actpass\r\na=tls-id:abc" in bodies(opened.world, BOB)[-1]
    assert FINGERPRINT.encode() + b"\r\na=setup:active" in bodies(opened.world, ALICE)[-1]


def test_where_encryption_is_off_keys_are_taken_away() -> None:
    tls = line("tls", PREFERRED, OFF)
    tls.dial(describe(ALICE, 6000, "RTP/AVP", CRYPTO, FINGERPRINT))
    assert b"crypto" not in bodies(tls.world, BOB)[-1]
    assert b"fingerprint" not in bodies(tls.world, BOB)[-1]


def test_bandwidth_is_held_to_the_smaller_limit() -> None:
    narrow = line("udp", PeerMedia(bandwidth=2048), PeerMedia(bandwidth=768))
    narrow.dial(describe(ALICE, 6000, "RTP/AVP", "b=TIAS:4000000"))
    answer(narrow.bob, narrow.world, describe(BOB, 7000, "RTP/AVP", "b=TIAS:64000"))
    assert bodies(narrow.world, BOB)[-1].count(b"b=TIAS:768000") == 2
    assert bodies(narrow.world, ALICE)[-1].count(b"b=TIAS:64000") == 2
    assert all(body.count(b"b=AS:768\r\nt=0 0") == 1 for host in (ALICE, BOB) for body in bodies(narrow.world, host))
