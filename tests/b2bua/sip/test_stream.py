"""Messages out of a byte stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.sip import ParseError, SipError, StreamFramer, TooLarge
from b2bua.sip.limits import MAX_HEAD, MAX_MESSAGE

ONE = b"BYE sip:a@b SIP/2.0\r\nl: 5\r\n\r\n12345"
TWO = b"SIP/2.0 200 OK\r\nContent-Length : 0\r\n\r\n"


@given(st.lists(st.sampled_from([ONE, TWO, b"\r\n\r\n"]), max_size=6), st.lists(st.integers(1, 40), min_size=1))
def test_any_segmentation_gives_the_same_messages(parts: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(parts) + ONE
    framer = StreamFramer()
    messages = []
    position = turn = 0
    while position < len(stream):
        size = sizes[turn % len(sizes)]
        messages += framer.feed(stream[position : position + size])
        position += size
        turn += 1
    assert messages == [part for part in parts if part != b"\r\n\r\n"] + [ONE]
    assert framer.pings == parts.count(b"\r\n\r\n")


@given(st.lists(st.binary(max_size=80), max_size=5))
def test_any_stream_gives_messages_or_a_sip_error(chunks: list[bytes]) -> None:
    framer = StreamFramer()
    try:
        for chunk in chunks:
            framer.feed(chunk)
    except SipError:
        return


def test_a_lone_line_end_before_a_message_is_skipped() -> None:
    assert StreamFramer().feed(b"\r\n" + ONE) == [ONE]


def test_a_broken_message_with_a_length_keeps_the_border() -> None:
    broken = b"BYE sip:a@b SIP/2.0\r\nno colon\r\nl: 2\r\n\r\nxx"
    assert StreamFramer().feed(broken + TWO) == [broken, TWO]


def test_a_body_over_the_limit() -> None:
    with pytest.raises((TooLarge, ParseError)):
        StreamFramer().feed(b"BYE sip:a@b SIP/2.0\r\nl: %d\r\n\r\n" % MAX_MESSAGE)
    with pytest.raises(ParseError):
        StreamFramer().feed(b"BYE sip:a@b SIP/2.0\r\nl: 99999999999999999999999\r\n\r\n")


def test_a_head_without_end() -> None:
    framer = StreamFramer()
    for _ in range(MAX_HEAD // 1024):
        assert not framer.feed(b"x" * 1024)
    with pytest.raises(TooLarge):
        framer.feed(b"x")


def test_a_message_without_length() -> None:
    with pytest.raises(ParseError, match="Content-Length"):
        StreamFramer().feed(b"BYE sip:a@b SIP/2.0\r\nVia: x\r\n\r\n")


def test_a_large_description_arrives_whole() -> None:
    body = b"a=x\r\n" * 12_000
    message = b"INVITE sip:a@b SIP/2.0\r\nl: %d\r\n\r\n" % len(body) + body
    framer = StreamFramer()
    got = [one for at in range(0, len(message), 1448) for one in framer.feed(message[at : at + 1448])]
    assert got == [message]


def test_an_answer_to_our_ping_is_no_ping() -> None:
    framer = StreamFramer()
    framer.await_pong()
    assert framer.feed(b"\r\n") == []
    assert (framer.pongs, framer.pings) == (1, 0)
    assert framer.feed(b"\r\n") == []  # half a ping of theirs
    assert framer.feed(b"\r\n") == []
    assert (framer.pongs, framer.pings) == (1, 1)


def test_a_ping_of_theirs_is_answered_while_we_wait_for_ours() -> None:
    framer = StreamFramer()
    framer.await_pong()
    assert framer.feed(b"\r\n\r\n\r\n") == []
    assert (framer.pongs, framer.pings) == (1, 1)
