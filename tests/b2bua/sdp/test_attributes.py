import pytest

from b2bua.sdp import DEFAULT, Profile
from b2bua.sdp.attributes import DTLS, PASSING, SDES, TCP, WITHHELD, passing_attributes

NONE: frozenset[str] = frozenset()
FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)


def passes(line: str, profile: Profile = DEFAULT, *, tcp: bool = False) -> bool:
    return passing_attributes([line], profile, tcp=tcp, withhold=NONE) == [line]


def test_no_name_both_passes_and_is_withheld() -> None:
    assert not PASSING & WITHHELD
    assert DTLS | TCP | SDES <= WITHHELD


@pytest.mark.parametrize("name", sorted(PASSING - {"ssrc", "group", "extmap"}))
def test_listed_attributes_pass(name: str) -> None:
    assert passes(f"a={name}:96 value")


@pytest.mark.parametrize("name", sorted(WITHHELD))
def test_withheld_attributes_never_pass_by_a_profile(name: str) -> None:
    assert not passes(f"a={name}:x", Profile(frozenset({name}), dtls=False))


def test_unknown_attributes_pass_where_the_profile_names_them() -> None:
    assert not passes("a=x-own:1")
    assert passes("a=x-own:1", Profile(frozenset({"x-own"})))
    assert passes("a=x-own", Profile(frozenset({"x-own"})))


def test_order_is_kept_and_only_attributes_pass() -> None:
    lines = ["i=name", "a=ptime:20", "k=clear:x", "a=tool:y", "a=rtpmap:0 PCMU/8000", "b=AS:1"]
    assert passing_attributes(lines, DEFAULT, withhold=NONE) == ["a=ptime:20", "a=rtpmap:0 PCMU/8000"]


@pytest.mark.parametrize("line", ["a=setup:active", "a=connection:new", "a=tls-id:abc", FINGERPRINT])
def test_dtls_passes_by_policy(line: str) -> None:
    assert passes(line)
    assert not passes(line, Profile(dtls=False))


def test_who_connects_passes_for_tcp_whatever_the_policy() -> None:
    assert passes("a=setup:active", Profile(dtls=False), tcp=True)
    assert passes("a=connection:new", Profile(dtls=False), tcp=True)
    assert not passes(FINGERPRINT, Profile(dtls=False), tcp=True)


def test_keys_pass_by_policy() -> None:
    line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd|2^31|1:4"
    assert not passes(line)
    assert passes(line, Profile(sdes=True))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a=ssrc:1 msid:a b", True),
        ("a=ssrc:1 fmtp:96 x=1", True),
        ("a=ssrc:1 cname:abc", False),
        ("a=ssrc:1  cname:abc", False),
        ("a=ssrc:1\tcname:abc", False),
        ("a=ssrc:1 own:abc", False),
        ("a=ssrc", False),
        ("a=group:LS 0 1", True),
        ("a=group:BUNDLE 0 1", False),
        ("a=group:ANAT 0 1", False),
        ("a=group:LSX 0", False),
        ("a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid", True),
        ("a=extmap:4/recvonly urn:ietf:params:rtp-hdrext:toffset", True),
        ("a=extmap:1 urn:ietf:params:rtp-hdrext:encrypt urn:ietf:params:rtp-hdrext:ssrc-audio-level", True),
        ("a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", True),
        ("a=extmap:5 http://protocols.cisco.com/timestamp#100us", True),
        ("a=extmap:9 urn:3gpp:video-orientation", True),
        ("a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:cname", False),
        ("a=extmap:4 https://codec17.ward.hospital.example/ext", False),
        ("a=extmap:4", False),
    ],
)
def test_some_pass_by_value(line: str, expected: bool) -> None:
    assert passes(line) is expected


@pytest.mark.parametrize(
    "line", ["a=label:192.0.2.1", "a=fmtp:96 x=2001:db8::1", "a=fingerprint:sha-1 ::1", "a=mid:fe80::"]
)
def test_an_address_in_a_value_keeps_its_line_back(line: str) -> None:
    kept = "a=ptime:20"
    assert passing_attributes([line, kept, FINGERPRINT], DEFAULT, withhold=NONE) == [kept, FINGERPRINT]


def test_names_are_withheld_for_one_description() -> None:
    lines = ["a=rtcp-mux", "a=rtcp-rsize"]
    assert passing_attributes(lines, DEFAULT, withhold=frozenset({"rtcp-mux"})) == ["a=rtcp-rsize"]
