"""No secret is kept: each is crossed out with its own length, whatever its spelling, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.trace.redact import redacted

SECRET = b"s3cr3t+/=key"
LINES = [
    b'Authorization: Digest username="room", response="s3cr3t+/=key"',
    b'authorization:Digest response="s3cr3t+/=key", opaque="s3cr3t+/=key"',
    b'PROXY-AUTHORIZATION : Digest realm="a",\r\n response="s3cr3t+/=key"',
    b"Authorization: Bearer s3cr3t+/=key",
    b"Authorization: s3cr3t+/=key",
    b'Authentication-Info: nextnonce="s3cr3t+/=key"',
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:s3cr3t+/=key|2^20|1:4",
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 INLINE:s3cr3t+/=key;inline:s3cr3t+/=key",
    b"k=base64:s3cr3t+/=key",
    b"a=key-mgmt:mikey s3cr3t+/=key",
    b"a=ice-pwd:s3cr3t+/=key",
    b"To: <sip:room**s3cr3t+/=key@example.org>",
    b"To: <sip:room%2A%2as3cr3t+/=key@example.org>;tag=1",
]


@pytest.mark.parametrize("line", LINES)
def test_a_secret_is_crossed_out(line: bytes) -> None:
    if line[1:2] == b"=":  # of a description
        message = b"INVITE sip:a@b SIP/2.0\r\nSubject: seen\r\n\r\nv=0\r\n" + line + b"\r\nb=AS:64\r\n"
    else:
        message = b"INVITE sip:a@b SIP/2.0\r\nVia: x\r\n" + line + b"\r\nSubject: seen\r\n\r\n"
    clean = redacted(message)
    assert SECRET not in clean
    assert len(clean) == len(message)
    assert clean.count(b"\r\n") == message.count(b"\r\n")
    assert b"Subject: seen" in clean


def test_a_pin_in_the_request_line_is_crossed_out() -> None:
    assert redacted(b"INVITE sip:room**4711@b SIP/2.0\r\n\r\n") == b"INVITE sip:room**xxxx@b SIP/2.0\r\n\r\n"


@pytest.mark.parametrize(
    ("kind", "body", "clean"),
    [
        (b"application/dtmf-relay", b"Signal=7\r\nDuration=160\r\n", b"Signal=x\r\nDuration=160\r\n"),
        (b"application/dtmf-relay", b"Signal= #\r\nDuration= 160", b"Signal= x\r\nDuration= 160"),
        (b"Application/DTMF", b"7", b"x"),
    ],
)
def test_a_pressed_key_is_crossed_out(kind: bytes, body: bytes, clean: bytes) -> None:
    head = b"INFO sip:a@b SIP/2.0\r\nCSeq: 1 INFO\r\nContent-Type: " + kind + b"\r\n\r\n"
    assert redacted(head + body) == head + clean


def test_what_is_no_secret_stays_as_it_is() -> None:
    message = (
        b'SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n"\r\n\r\n'
        b"v=0\r\na=fingerprint:sha-256 AA:BB\r\na=rtpmap:96 opus/48000/2\r\n"
    )
    assert redacted(message) is message


@given(st.lists(st.sampled_from(LINES) | st.binary(max_size=40), max_size=8))
def test_the_length_and_the_lines_never_change(lines: list[bytes]) -> None:
    message = b"\r\n".join(lines)
    clean = redacted(message)
    assert len(clean) == len(message)
    assert [at for at, byte in enumerate(clean) if byte in b"\r\n"] == [
        at for at, byte in enumerate(message) if byte in b"\r\n"
    ]
