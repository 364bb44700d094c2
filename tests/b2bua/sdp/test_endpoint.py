import pytest

from b2bua.sdp import (
    AddressNotUsableError,
    Direction,
    Keying,
    MalformedSdpError,
    MediaEndpoint,
    NotAcceptableError,
    NoUsableStreamError,
    Profile,
    Refusal,
    Transport,
    address,
    endpoints,
    parse,
    require_answered,
    require_usable,
)

THEIRS = address("192.0.2.1")
DTLS = "a=fingerprint:sha-1 " + ":".join(["AB"] * 20)


def read(
    *lines: str, session: tuple[str, ...] = ("c=IN IP4 192.0.2.1",), profile: Profile | None = None
) -> MediaEndpoint:
    body = "\r\n".join(["v=0", *session, *lines]).encode()
    return endpoints(parse(body), profile or Profile())[0]


@pytest.mark.parametrize(
    ("proto", "transport", "secure"),
    [
        ("RTP/AVP", Transport.RTP, False),
        ("RTP/AVPF", Transport.RTP, False),
        ("RTP/SAVP", Transport.RTP, True),
        ("RTP/SAVPF", Transport.RTP, True),
        ("UDP/TLS/RTP/SAVP", Transport.RTP, True),
        ("UDP/TLS/RTP/SAVPF", Transport.RTP, True),
        ("UDP/BFCP", Transport.BFCP_UDP, False),
        ("UDP/TLS/BFCP", Transport.BFCP_UDP, True),
        ("TCP/BFCP", Transport.BFCP_TCP, False),
        ("TCP/TLS/BFCP", Transport.BFCP_TCP, True),
    ],
)
def test_each_known_proto_is_carried(proto: str, transport: Transport, secure: bool) -> None:
    stream = read(f"m=application 5000 {proto} 0", DTLS)
    assert (stream.transport, stream.secure) == (transport, secure)
    assert stream.active
    assert (stream.address, stream.port) == (THEIRS, 5000)


@pytest.mark.parametrize("proto", ["udptl", "UDP/DTLS/SCTP", "TCP/MSRP", "TCP/RTP/AVP", "rtp/avp"])
def test_an_unknown_proto_is_refused_and_asks_for_nothing(proto: str) -> None:
    stream = read(f"m=message 5000 {proto} *", session=("c=IN IP4 name.example",))
    assert stream.refusal is Refusal.PROTO
    assert not stream.active
    assert stream.address is None


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("m=video 5000/2 RTP/AVP 96", Refusal.PORTS),
        ("m=video 5000 RTP/AVP 128", Refusal.FORMATS),
        ("m=video 5000 RTP/AVP 96 x", Refusal.FORMATS),
        ("m=video 5000 RTP/SAVP 96", Refusal.KEYS),
    ],
)
def test_what_cannot_be_carried_is_refused_with_its_reason(line: str, refusal: Refusal) -> None:
    assert read(line).refusal is refusal


def test_port_zero_is_disabled_and_its_connection_is_not_read() -> None:
    stream = read("m=audio 0 RTP/AVP 0", "c=IN IP4 name.example", session=())
    assert stream.disabled
    assert not stream.active
    assert stream.rtcp(mux=False) is None


def test_a_stream_without_any_connection_line_is_not_acceptable() -> None:
    with pytest.raises(NotAcceptableError, match="c= line"):
        read("m=audio 5000 RTP/AVP 0", session=())


def test_the_connection_of_the_media_wins_and_sets_the_family() -> None:
    stream = read("m=audio 5000 RTP/AVP 0", "c=IN IP6 2001:db8::1")
    assert stream.address == address("2001:db8::1")
    assert stream.family == 6


def test_a_host_name_in_use_is_not_acceptable() -> None:
    with pytest.raises(AddressNotUsableError, match="never resolved"):
        read("m=audio 5000 RTP/AVP 0", "c=IN IP4 media.example.org")


@pytest.mark.parametrize(
    ("lines", "rtcp"),
    [
        ((), (THEIRS, 5001)),
        (("a=rtcp:6000",), (THEIRS, 6000)),
        (("a=rtcp:6000 ",), (THEIRS, 6000)),
        (("a=rtcp:6000 IN IP4 192.0.2.9",), (address("192.0.2.9"), 6000)),
        (("a=rtcp:6000 IN IP6 2001:db8::9",), (address("2001:db8::9"), 6000)),
        (("a=rtcp:9 IN IP4 0.0.0.0",), (None, 9)),
    ],
)
def test_rtcp_goes_where_it_is_said_or_to_the_next_port(lines: tuple[str, ...], rtcp: object) -> None:
    stream = read("m=audio 5000 RTP/AVP 0", *lines)
    assert stream.rtcp(mux=False) == rtcp
    assert stream.rtcp(mux=True) == (THEIRS, 5000)


def test_the_last_port_has_no_next_one() -> None:
    assert read("m=audio 65535 RTP/AVP 0").rtcp(mux=False) is None


@pytest.mark.parametrize("value", ["0", "65536", "x", "", "6000 IN IP4"])
def test_a_broken_rtcp_line_is_malformed(value: str) -> None:
    with pytest.raises(MalformedSdpError):
        read("m=audio 5000 RTP/AVP 0", f"a=rtcp:{value}")


def test_bfcp_has_no_rtcp_and_says_who_connects() -> None:
    stream = read("m=application 9 TCP/BFCP *", "a=setup:active", "a=rtcp-mux")
    assert stream.rtcp(mux=False) is None
    assert stream.setup == "active"
    assert not stream.mux


def test_mux_is_wanted_where_it_is_written() -> None:
    assert read("m=audio 5000 RTP/AVP 0", "a=rtcp-mux").mux
    assert not read("m=audio 5000 RTP/AVP 0", session=("c=IN IP4 192.0.2.1", "a=rtcp-mux")).mux


@pytest.mark.parametrize(
    ("session", "media", "expected"),
    [
        ((), (), Direction.SENDRECV),
        (("a=sendonly",), (), Direction.SENDONLY),
        (("a=sendonly",), ("a=recvonly",), Direction.RECVONLY),
        ((), ("a=inactive",), Direction.INACTIVE),
    ],
)
def test_direction_is_inherited(session: tuple[str, ...], media: tuple[str, ...], expected: Direction) -> None:
    stream = read("m=audio 5000 RTP/AVP 0", *media, session=("c=IN IP4 192.0.2.1", *session))
    assert stream.direction is expected
    assert stream.held is (expected in {Direction.SENDONLY, Direction.INACTIVE})


@pytest.mark.parametrize("connection", ["IN IP4 0.0.0.0", "IN IP6 ::", "IN IP6 unknown.invalid"])
def test_the_old_hold_is_understood(connection: str) -> None:
    stream = read("m=audio 5000 RTP/AVP 0", f"c={connection}")
    assert stream.held
    assert stream.direction is Direction.SENDONLY
    assert stream.address is None
    assert stream.active


@pytest.mark.parametrize("session", [("a=ice-ufrag:abcd",), ()])
def test_an_unspecified_address_with_ice_is_no_hold(session: tuple[str, ...]) -> None:
    media = () if session else ("a=ice-ufrag:abcd",)
    stream = read("m=audio 9 RTP/AVP 0", "c=IN IP4 0.0.0.0", *media, session=session)
    assert not stream.held
    assert stream.address is None


@pytest.mark.parametrize(
    ("profile", "lines", "keying"),
    [
        (Profile(sdes=True), ("a=crypto:1 A inline:B",), Keying.SDES),
        (Profile(sdes=False), ("a=crypto:1 A inline:B",), Keying.NONE),
        (Profile(dtls=True), (DTLS,), Keying.DTLS),
        (Profile(dtls=False), (DTLS,), Keying.NONE),
        (Profile(sdes=True, dtls=False), (DTLS, "a=crypto:1 A inline:B"), Keying.SDES),
        (Profile(sdes=True), (), Keying.NONE),
    ],
)
def test_keys_count_only_where_they_may_pass(profile: Profile, lines: tuple[str, ...], keying: Keying) -> None:
    plain = read("m=audio 5000 RTP/AVP 0", *lines, profile=profile)
    assert plain.keying is keying
    assert plain.active
    secure = read("m=audio 5000 RTP/SAVP 0", *lines, profile=profile)
    assert secure.active is (keying is not Keying.NONE)


def test_a_fingerprint_of_the_session_counts_for_each_stream() -> None:
    stream = read("m=audio 5000 UDP/TLS/RTP/SAVPF 0", session=("c=IN IP4 192.0.2.1", DTLS, "a=setup:actpass"))
    assert stream.keying is Keying.DTLS
    assert stream.setup == "actpass"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), "no audio, video or text"),
        (("m=audio 0 RTP/AVP 0",), "no audio, video or text"),
        (("m=audio 0 udptl t38",), "no audio, video or text"),
        (("m=application 5000 UDP/BFCP *",), "no audio, video or text"),
        (("m=application 5000 RTP/AVP 100",), "no audio, video or text"),
        (("m=audio 5000 RTP/SAVP 0",), "keys may not pass"),
        (("m=image 5000 udptl t38", "m=audio 5000/2 RTP/AVP 0"), "range of ports; this gateway does not relay"),
    ],
)
def test_an_offer_without_a_usable_stream_says_why(lines: tuple[str, ...], reason: str) -> None:
    streams = endpoints(parse("\n".join(["v=0", "c=IN IP4 192.0.2.1", *lines]).encode()))
    with pytest.raises(NoUsableStreamError, match=reason) as caught:
        require_usable(streams)
    assert caught.value.status == 488


@pytest.mark.parametrize("kind", ["audio", "video", "text"])
def test_one_stream_of_people_is_enough(kind: str) -> None:
    require_usable((read(f"m={kind} 5000 RTP/AVP 96"),))


REQUIRED = Profile(sdes=True, required=True)


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        (("m=audio 5000 RTP/AVP 0",), Refusal.PLAIN),
        (("m=application 5000 RTP/AVP 100",), Refusal.PLAIN),
        (("m=audio 5000 RTP/SAVP 0",), Refusal.KEYS),
        (("m=audio 5000 RTP/AVP 0", "a=crypto:1 A inline:B"), None),
        (("m=audio 5000 RTP/SAVP 0", "a=crypto:1 A inline:B"), None),
        (("m=audio 5000 UDP/TLS/RTP/SAVPF 0", DTLS), None),
        (("m=application 5000 UDP/BFCP *",), None),
    ],
)
def test_where_encryption_is_required_media_needs_keys(lines: tuple[str, ...], refusal: Refusal | None) -> None:
    assert read(*lines, profile=REQUIRED).refusal is refusal


def test_an_answer_whose_media_may_not_be_carried_is_no_session() -> None:
    answer = parse(b"v=0\nc=IN IP4 192.0.2.1\nm=audio 5000 RTP/AVP 0\nm=application 5002 UDP/BFCP *")
    require_answered(endpoints(answer))
    with pytest.raises(NoUsableStreamError, match="not encrypted"):
        require_answered(endpoints(answer, REQUIRED))
    refused = parse(b"v=0\nc=IN IP4 192.0.2.1\nm=audio 0 RTP/AVP 0")
    require_answered(endpoints(refused, REQUIRED))  # the answer's own choice
