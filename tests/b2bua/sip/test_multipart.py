"""A session among several bodies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.sip.multipart import MAX_PARTS, session_in

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
PLACE = b"Content-Type: application/pidf+xml\r\nContent-ID: <here>\r\n\r\n<presence/>"
SESSION = b"Content-Type: application/sdp\r\n\r\n" + SDP
MIXED = 'multipart/mixed; boundary="edge of 1"'


def mixed(*parts: bytes, end: bytes = b"\r\n--edge of 1--\r\n") -> bytes:
    return b"".join(b"\r\n--edge of 1\r\n" + part for part in parts)[2:] + end


@pytest.mark.parametrize(
    "body",
    [
        mixed(SESSION),
        mixed(SESSION, PLACE),
        mixed(PLACE, SESSION),
        mixed(PLACE, SESSION.replace(b"Content-Type: application/sdp", b"content-type:Application/SDP; charset=utf-8")),
        mixed(SESSION, PLACE.replace(b"\r\n\r\n", b"\r\nContent-Disposition: render; handling=optional\r\n\r\n")),
        mixed(SESSION[:-2]),
        mixed(SESSION, SESSION.replace(b"192.0.2.1", b"192.0.2.9")),
        b"what old readers show" + b"\r\n" + mixed(SESSION) + b"and what they show after it",
    ],
)
def test_the_first_session_counts(body: bytes) -> None:
    assert session_in(body, MIXED) == SDP


def test_a_boundary_may_stand_without_quotes() -> None:
    assert session_in(mixed(SESSION).replace(b"edge of 1", b"b1"), "multipart/mixed;boundary=b1") == SDP


@pytest.mark.parametrize(
    "body",
    [
        b"",
        SDP,
        mixed(PLACE),
        mixed(SESSION, end=b""),
        mixed(SESSION, PLACE.replace(b"\r\n\r\n", b"\r\nContent-Disposition: signal; handling=required\r\n\r\n")),
        mixed(SESSION.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1)),
        mixed(b"\r\n" + SDP),
        mixed(*[PLACE] * MAX_PARTS, SESSION),
    ],
)
def test_there_is_no_session(body: bytes) -> None:
    assert session_in(body, MIXED) == b""


@pytest.mark.parametrize(
    "content_type", ["multipart/mixed", "multipart/mixed; boundary=", "multipart/mixed;;boundary=x"]
)
def test_without_a_boundary_there_is_no_session(content_type: str) -> None:
    assert session_in(mixed(SESSION), content_type) == b""


@given(st.lists(st.sampled_from([b"\r\n--b", b"--b--", b"--", b"\r\n", SESSION, PLACE, b"\r\n\r\n", b"\xff", b":"])))
def test_whatever_comes_the_answer_is_part_of_it(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    assert session_in(body, "multipart/mixed;boundary=b").removesuffix(b"\r\n") in body
