"""The grammar of REFER and Replaces, and that nothing but a SipError comes of any text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.sip import HeaderError, Request, Response, SipError
from b2bua.sip.refer import (
    MAX_URI_HEADERS,
    ReferTo,
    Replaces,
    parse_refer_to,
    parse_replaces,
    replaces_of,
    sipfrag,
    wants_no_subscription,
)
from b2bua.sip.reliable import parse_rack
from b2bua.sip.session_timer import agreed, min_se, session_expires

TEXTS = st.text(max_size=80) | st.text(alphabet='<>sip:@a;=%"0Dreplacs,?&-tgfrom', max_size=80)


READERS: list[tuple[Callable[..., object], str]] = [
    (parse_refer_to, "refer_to"),
    (replaces_of, "replaces"),
    (session_expires, "session_expires"),
    (min_se, "min_se"),
    (wants_no_subscription, "refer_sub"),
]


READERS_OF_ANSWERS: list[tuple[Callable[[Response], object], str]] = [(agreed, "session_expires")]


def index(headers: dict[str, str | list[str]]) -> dict[str, list[str]]:
    return {
        name.replace("_", "-"): [value] if isinstance(value, str) else list(value) for name, value in headers.items()
    }


def request(**headers: str | list[str]) -> Request:
    return Request("REFER", "sip:us", "SIP/2.0", [], index(headers), b"")


def response(**headers: str | list[str]) -> Response:
    return Response(200, "OK", [], index(headers), b"")


def test_replaces() -> None:
    assert parse_replaces("98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff") == Replaces(
        "98732@sip.example.com", "ff87ff", "r33th4x0r"
    )
    assert parse_replaces("12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only").early_only
    assert replaces_of(request()) is None
    assert replaces_of(request(replaces="a;to-tag=b;from-tag=c")) == Replaces("a", "b", "c")


@pytest.mark.parametrize(
    "text",
    ["", "a", "a;to-tag=b", "a;from-tag=b", ";to-tag=a;from-tag=b", "a;to-tag=;from-tag=b", "a,b;to-tag=a;from-tag=b"],
)
def test_broken_replaces(text: str) -> None:
    with pytest.raises(HeaderError):
        parse_replaces(text)


def test_two_replaces_are_one_too_many() -> None:
    with pytest.raises(HeaderError):
        replaces_of(request(replaces=["a;to-tag=b;from-tag=c", "d;to-tag=e;from-tag=f"]))


def test_refer_to() -> None:
    """RFC 3515 2.1, RFC 3891 8."""
    text = "<sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994>"
    found = parse_refer_to(request(refer_to=text))
    assert isinstance(found, ReferTo)
    assert str(found.uri) == "sip:dave@denver.example.org"
    assert found.replaces == Replaces("12345@192.168.118.3", "12345", "5FFE-3994")
    number = parse_refer_to(request(refer_to="<tel:+47-22-33>"))
    assert (number.uri.user, number.replaces) == ("+472233", None)
    plain = parse_refer_to(request(refer_to='"Carol" <sip:carol@example.org;method=INVITE;transport=tcp>'))
    assert str(plain.uri) == "sip:carol@example.org;transport=tcp"
    assert plain.replaces is None


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["<sip:a@b>", "<sip:c@d>"],
        ["<sip:a@b>, <sip:c@d>"],
        ["<sip:a@b;method=BYE>"],
        ["<sip:a@b?Replaces=x>"],
        ["<sip:a@b?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc&replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>"],
        ["<sip:a@b?" + "&".join(["x=y"] * (MAX_URI_HEADERS + 1)) + ">"],
        ["<mailto:a@b>"],
        ["<tel:>"],
        ["<tel:+47?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>"],
    ],
)
def test_broken_refer_to(values: list[str]) -> None:
    with pytest.raises(SipError):
        parse_refer_to(request(refer_to=values))


@pytest.mark.parametrize(
    ("sub", "supported", "expected"),
    [
        ("false", "norefersub", True),
        ("FALSE;x", "timer, norefersub", True),
        ("false", "timer", False),
        ("true", "norefersub", False),
    ],
)
def test_no_subscription(sub: str, supported: str, expected: bool) -> None:
    assert wants_no_subscription(request(refer_sub=sub, supported=supported)) is expected


def test_sipfrag() -> None:
    assert sipfrag(180) == b"SIP/2.0 180 Ringing\r\n"
    assert sipfrag(499) == b"SIP/2.0 499 Bad Request\r\n"  # RFC 3261 8.1.3.2: it counts as 400


@given(TEXTS)
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (parse_rack, parse_replaces):
        try:
            read(text)
        except SipError:
            continue
    for parse, name in READERS:
        try:
            parse(request(**{name: text}))
        except SipError:
            continue
    for parse_answer, name in READERS_OF_ANSWERS:
        try:
            parse_answer(response(**{name: text}))
        except SipError:
            continue
