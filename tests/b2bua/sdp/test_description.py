import pytest

from b2bua.sdp import Description, MalformedSdpError, Media, SdpTooLargeError, attribute_values, parse, serialise
from b2bua.sdp.description import first
from b2bua.sdp.limits import MAX_BODY, MAX_LINE, MAX_LINES, MAX_MEDIA

BODY = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nx=kept\r\nt=0 0\r\n"
    b"m=audio 5000/2 RTP/AVP 0 8\r\ny=kept too\r\na=ptime:20\r\n"
)


def test_lines_are_kept_in_order_and_the_m_line_is_read() -> None:
    description = parse(BODY)
    assert description.lines == ("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "x=kept", "t=0 0")
    assert description.media == (Media("audio", 5000, 2, "RTP/AVP", ("0", "8"), ("y=kept too", "a=ptime:20")),)


def test_serialising_gives_the_same_bytes() -> None:
    assert serialise(parse(BODY)) == BODY


@pytest.mark.parametrize("body", [BODY.replace(b"\r\n", b"\n"), BODY.rstrip(), BODY + b"\r\n\r\n"])
def test_bare_line_feeds_and_missing_or_extra_ends_are_tolerated(body: bytes) -> None:
    assert parse(body) == parse(BODY)


def test_several_spaces_in_an_m_line_count_as_one() -> None:
    assert parse(b"v=0\nm=audio  5000  RTP/AVP  0  8 \n").media[0].head == "m=audio 5000 RTP/AVP 0 8"


def test_a_description_without_media_is_a_description() -> None:
    assert parse(b"v=0\r\n") == Description(("v=0",), ())


def test_bytes_that_are_no_utf8_survive() -> None:
    body = b"v=0\r\ns=Gr\xf8n\r\n"
    assert serialise(parse(body)) == body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"o=- 1 1 IN IP4 192.0.2.1\r\n",
        b"v=1\r\n",
        b"v=0\r\n\r\ns=-\r\n",
        b"v=0\r\ns\r\n",
        b"v=0\r\n =-\r\n",
        b"v=0\r\nA=x\r\n",
        b"v=0\rs=-\r",
        b"v=0\r\ns=a\rb\r\n",
        b"v=0\r\ns=a\0b\r\n",
        b"v=0\r\nm=audio\r\n",
        b"v=0\r\nm=audio 65536 RTP/AVP 0\r\n",
        b"v=0\r\nm=audio -1 RTP/AVP 0\r\n",
        b"v=0\r\nm=audio 5000 RTP/AVP\r\n",
        b"v=0\r\nm=10.0.0.1 5000 RTP/AVP 0\r\n",
        b"v=0\r\nm=audio 5000 UDP/10.0.0.1 0\r\n",
        b"v=0\r\nm=audio 5000 RTP/AVP 0,8\r\n",
    ],
)
def test_what_is_no_description_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedSdpError) as caught:
        parse(body)
    assert caught.value.status == 400


def test_each_bound_holds_exactly() -> None:
    line = b"a=" + b"x" * (MAX_LINE - 2) + b"\r\n"
    assert len(parse(b"v=0\r\n" + line).lines) == 2
    assert len(parse(b"v=0\r\n" + b"a=x\r\n" * (MAX_LINES - 1)).lines) == MAX_LINES
    assert len(parse(b"v=0\r\n" + b"m=audio 1 RTP/AVP 0\r\n" * MAX_MEDIA).media) == MAX_MEDIA


@pytest.mark.parametrize(
    "body",
    [
        b"v=0\r\n" + b"s=" + b"x" * MAX_BODY,
        b"v=0\r\n" + b"a=x" + b"x" * (MAX_LINE - 2) + b"\r\n",
        b"v=0\r\n" + b"a=x\r\n" * MAX_LINES,
        b"v=0\r\n" + b"m=audio 1 RTP/AVP 0\r\n" * (MAX_MEDIA + 1),
    ],
)
def test_what_is_over_a_bound_is_refused(body: bytes) -> None:
    with pytest.raises(SdpTooLargeError) as caught:
        parse(body)
    assert caught.value.status == 413


def test_no_key_is_in_a_representation_or_a_sentence() -> None:
    description = parse(b"v=0\na=key-mgmt:SECRET\nm=audio 1 RTP/SAVP 0\na=crypto:1 X inline:SECRET\n")
    assert "SECRET" not in repr(description)
    with pytest.raises(MalformedSdpError) as caught:
        parse(b"v=0\nm=audio 1 RTP/SAVP 0\na=crypto:1 X\n inline:SECRET\n")
    assert "SECRET" not in str(caught.value)
    assert "line 4" in str(caught.value)


def test_the_first_of_several_values_counts() -> None:
    lines = ("a=mid:1", "a=mid:2", "a=sendrecv", "c=IN IP4 192.0.2.1", "c=IN IP4 192.0.2.2")
    assert attribute_values(lines) == {"mid": "1", "sendrecv": ""}
    assert first(lines, "c") == "IN IP4 192.0.2.1"
    assert first(lines, "o") is None
