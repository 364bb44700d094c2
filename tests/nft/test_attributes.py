from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nft import attributes as nl
from nft.errors import WireError

LISTS = st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=300)), max_size=8)


def test_an_attribute_is_length_type_payload_padding() -> None:
    assert nl.attribute(3, b"abcde") == b"\x09\0\x03\0abcde\0\0\0"
    assert nl.nested(3, b"") == b"\x04\0\x03\x80"
    assert nl.name("ok4") == b"ok4\0"


def test_a_message_is_a_header_and_its_payload() -> None:
    assert nl.message(0x0A0C, 5, 7, b"abcd") == b"\x14\0\0\0\x0c\x0a\x05\0\x07\0\0\0\0\0\0\0abcd"


@given(LISTS)
def test_attributes_are_read_back(listed: list[tuple[int, bytes]]) -> None:
    assert list(nl.attributes(b"".join(nl.attribute(*one) for one in listed))) == listed


@given(LISTS)
def test_messages_are_read_back(listed: list[tuple[int, bytes]]) -> None:
    data = b"".join(nl.message(kind, 1, i, body + bytes(-len(body) % 4)) for i, (kind, body) in enumerate(listed))
    assert [(kind, sequence) for kind, _, sequence, _ in nl.messages(data)] == [
        (kind, i) for i, (kind, _) in enumerate(listed)
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (nl.attributes, nl.messages):
        try:
            list(read(data))
        except WireError:
            continue


@pytest.mark.parametrize("data", [b"\x03\0\0\0", b"\x09\0\0\0abcd"])
def test_a_wrong_length_is_an_error(data: bytes) -> None:
    with pytest.raises(WireError):
        nl.mapping(data)


def test_an_attribute_has_an_end() -> None:
    nl.attribute(1, bytes(0xFFFF - 4))
    with pytest.raises(WireError):
        nl.attribute(1, bytes(0xFFFF - 3))
