"""Netstrings: what is framed comes back whole, however it is cut; anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.netstring import MAX_LENGTH, Decoder, NetstringError, encode


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 40), min_size=1))
def test_messages_come_back_whole_however_the_bytes_are_cut(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(encode(message) for message in messages)
    decoder = Decoder()
    seen: list[bytes] = []
    turn = 0
    while stream:
        size = cuts[turn % len(cuts)]
        turn += 1
        seen += decoder.receive(stream[:size])
        stream = stream[size:]
    assert seen == messages


@given(st.binary(max_size=200))
def test_any_bytes_give_messages_or_the_error(data: bytes) -> None:
    decoder = Decoder()
    try:
        for message in decoder.receive(data):
            assert encode(message) in data or message in data
    except NetstringError:
        pass


@pytest.mark.parametrize(
    "data",
    [b"x", b":,", b"-1:,", b"3:abcd", b"99999999:", b"12345678", f"{MAX_LENGTH + 1}:".encode()],
    ids=["letter", "no length", "negative", "no comma", "too many digits", "no colon", "too long"],
)
def test_what_is_no_netstring_is_refused(data: bytes) -> None:
    with pytest.raises(NetstringError):
        Decoder().receive(data)


def test_an_unfinished_message_is_waited_for() -> None:
    decoder = Decoder()
    assert decoder.receive(b"") == []
    assert decoder.receive(b"5") == []
    assert decoder.receive(b":hell") == []
    assert decoder.receive(b"o") == []
    assert decoder.receive(b",") == [b"hello"]
