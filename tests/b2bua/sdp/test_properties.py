"""What holds for every input: an error or a result, nothing lost on the way round, no address on the other side."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from b2bua.sdp import Description, OurMedia, Profile, SdpError, Writer, address, endpoints, parse, serialise
from b2bua.sdp.attributes import DTLS, PASSING, SDES, WITHHELD

OURS = address("203.0.113.10")
INSIDE = ("10.11.12.13", "2001:db8:bad::7", "2001:db8:bad:1:2:3:4:5", "::ffff:10.11.12.13", "fe80::1")

# Long inputs come from choosing among lines that nearly mean something, not from random bytes alone.
_fragments = st.sampled_from(
    [
        *b"""v=0|o=- 1 1 IN IP4 192.0.2.1|s=-|c=IN IP4 192.0.2.1|c=IN IP6 2001:db8::1|c=IN IP4 0.0.0.0
        |c=IN IP4 host.example|c=IN IP4 224.0.0.1/127|c=IN IP6 ::ffff:192.0.2.1|c=|t=0 0|b=AS:64|b=AS:
        |m=audio 5000 RTP/AVP 0|m=audio 0 RTP/AVP 0|m=audio 70000 RTP/AVP 0|m=audio 5000/2 RTP/AVP 0
        |m=audio 65535 RTP/AVP 0|m=video 5002 RTP/SAVP 96|m=video 5002 RTP/AVP x|m=application 5 UDP/BFCP *
        |m=application 9 TCP/BFCP *|m=|m=audio|a=rtcp:5001|a=rtcp:0|a=rtcp:x|a=rtcp:9 IN IP4 x|a=sendonly
        |a=setup:active|a=crypto:1 X inline:Y|a=fingerprint:sha-1 00|a=ssrc:1 cname:x|a=|a=group:BUNDLE 0
        |a=group:LS 0|a=mid:0|a=rtcp-mux|a=ice-ufrag:x|a=label:\xff\xfe|x=1||\x00|a=label:\xc3\xa6
        """.replace(b"\n        ", b"").split(b"|"),
        b"a=label:\r",
    ]
)
_separators = st.sampled_from([b"\r\n", b"\n"])
_bodies = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda end, rows: end.join([b"v=0", *rows]), _separators, st.lists(_fragments, max_size=25)),
    st.lists(st.one_of(_fragments, st.binary(max_size=30)), max_size=25).map(b"\r\n".join),
)
_profiles = st.builds(
    Profile,
    extra_attributes=st.frozensets(st.sampled_from(["x-own", "candidate", "rtcp", "crypto", "tool"])),
    sdes=st.booleans(),
    dtls=st.booleans(),
    required=st.booleans(),
    bandwidth=st.none() | st.integers(1, 10_000),
)


def _result_or_error(action: Callable[[], object]) -> object:
    try:
        return action()
    except SdpError as error:
        return error


def _check_sentence(error: SdpError) -> None:
    assert error.status in {400, 413, 488, 502}
    assert str(error).isascii()
    assert str(error).isprintable()


def _ours(description: Description) -> list[OurMedia | None]:
    return [OurMedia(OURS, 30000 + 4 * number, 30003 + 4 * number) for number in range(len(description.media))]


@given(_bodies, _profiles)
def test_any_bytes_give_a_written_description_or_an_error(body: bytes, profile: Profile) -> None:
    description = _result_or_error(lambda: parse(body))
    if not isinstance(description, Description):
        assert isinstance(description, SdpError)
        _check_sentence(description)
        return
    written = _result_or_error(lambda: Writer(1, OURS).write(description, _ours(description), profile=profile))
    if isinstance(written, SdpError):
        _check_sentence(written)
    else:
        assert isinstance(written, bytes)
        assert len(parse(written).media) == len(description.media)
    assert [media.port for media in parse(Writer(1, OURS).refuse(description)).media] == [0] * len(description.media)


@given(_bodies)
def test_a_description_survives_being_written_as_it_is(body: bytes) -> None:
    description = _result_or_error(lambda: parse(body))
    if isinstance(description, Description):
        assert parse(serialise(description)) == description


@given(_bodies, _profiles)
def test_what_was_written_reads_as_what_was_meant(body: bytes, profile: Profile) -> None:
    description = _result_or_error(lambda: parse(body))
    if not isinstance(description, Description):
        return
    streams = _result_or_error(lambda: endpoints(description, profile))
    if not isinstance(streams, tuple):
        return
    again = endpoints(parse(Writer(1, OURS).write(description, _ours(description), profile=profile)), profile)
    for before, after in zip(streams, again, strict=True):
        assert before.active == after.active
        if after.active:
            assert after.address == OURS
            assert (before.mux, before.keying, before.setup) == (after.mux, after.keying, after.setup)
            if after.transport == "rtp":
                assert before.direction is after.direction
                assert after.port == 30000 + 4 * after.index
                assert after.rtcp(mux=False) == (OURS, 30003 + 4 * after.index)


_around = st.sampled_from(
    ["", " ", "x", "1", "1 ", ":", "[", "]", "/24", "=", ";", "@", "a=", "cname:", "sha-256 ", "LS "]
)
_value = st.builds("{}{}{}".format, _around, st.sampled_from(INSIDE), _around)
_attribute = st.builds(
    "a={}:{}".format, st.sampled_from(sorted(PASSING | DTLS | SDES | WITHHELD | {"x-own", "unknown"})), _value
)
_other = st.builds("{}={}".format, st.sampled_from("ouepirzkbxt"), _value)
_lines = st.lists(st.one_of(_attribute, _other), max_size=6)
_heads = st.sampled_from(
    [
        "m=audio 5000 RTP/AVP 0",
        "m=video 5002 RTP/AVPF 96",
        "m=video 5002 RTP/AVP 10.11.12.13",
        "m=application 5004 UDP/BFCP 10.11.12.13",
        "m=application 9 TCP/BFCP *",
        "m=application 0 RTP/AVP 10.11.12.13",
        "m=image 5006 udptl 10.11.12.13",
    ]
)


@given(_lines, st.lists(st.tuples(_heads, _lines), max_size=4), _profiles, st.booleans())
def test_no_address_of_one_side_is_seen_on_the_other(
    session: list[str], media: list[tuple[str, list[str]]], profile: Profile, as_answer: bool
) -> None:
    rows = ["v=0", *session, "c=IN IP4 10.11.12.13"]
    for head, lines in media:
        usable = [line for line in lines if not line.startswith("a=rtcp:")]  # malformed ones end the call
        rows += [head, "c=IN IP6 2001:db8:bad::7", "a=rtcp:6000 IN IP4 10.11.12.13", *usable]
    description = parse("\n".join(rows).encode())
    answer_to = description if as_answer else None
    written = Writer(1, OURS).write(description, _ours(description), answer_to=answer_to, profile=profile).decode()
    for inside in INSIDE:
        assert inside not in written
