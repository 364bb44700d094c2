"""What is packed is read back as it was."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.trace.packing import pack, unpack

OK = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.10:5060;rport;branch=z9hG4bKa1\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:c@d>;tag=2\r\nCall-ID: e\r\nCSeq: 1 INVITE\r\nContact: <sip:c@d>\r\nContent-Length: 0\r\n\r\n"
)


@given(st.binary(max_size=4096))
def test_octets_come_back(data: bytes) -> None:
    assert unpack(pack(data)) == data


def test_what_messages_mostly_say_takes_little_room() -> None:
    assert len(pack(OK)) < len(OK) / 2
    assert len(pack(OK)) < len(zlib.compress(OK, 9)) - 50


def test_what_was_cut_off_is_no_message() -> None:
    assert unpack(pack(OK)[:20]) != OK


@pytest.mark.parametrize("size", [0, 1, 512 * 1024])
def test_any_size_is_packed(size: int) -> None:
    assert unpack(pack(b"x" * size)) == b"x" * size
