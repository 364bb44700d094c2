"""Octets to messages: any octets give a message or a SipError."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from b2bua.sip import Endpoint, Flow, ParseError, Request, Response, SipError, TooLarge, parse
from b2bua.sip.limits import MAX_HEAD, MAX_LINES
from b2bua.sip.validate import check_contact, check_shape
from tests.b2bua.sip.wire import CountingIds

ROOT = Path(os.environ.get("VDX_CONFORMANCE", Path(__file__).parents[4] / "shared" / "conformance"))
FLOW = Flow("udp", ("192.0.2.250", 5060), ("203.0.113.9", 5060), "sdn", 1, ("192.0.2.250", 5060))

OPTIONS = (
    b"OPTIONS sip:room@192.0.2.250 SIP/2.0\r\nv: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKa\r\n"
    b"From: Ann <sip:ann@example.org>;tag=1\r\nt: <sip:room@example.org>\r\nCall-ID: c1\r\n"
    b"CSeq: 7 OPTIONS\r\nMax-Forwards: 70\r\nX-Odd: one,\r\n  two\r\nl: 4\r\n\r\nbodyrest"
)


def everything(data: bytes) -> None:
    """Parse and read every typed value; only SipErrors may come out."""
    try:
        message = parse(data)
    except SipError:
        return
    for read in (
        lambda: message.via,
        lambda: message.from_,
        lambda: message.to,
        lambda: message.cseq,
        lambda: message.contacts,
        lambda: message.record_routes,
        lambda: message.max_forwards,
        lambda: message.tokens("require"),
        lambda: message.session,
        lambda: message.headers,
    ):
        try:
            read()
        except SipError:
            continue
    if isinstance(message, Request):
        try:
            check_shape(message)
            check_contact(message)
        except SipError:
            return


def vectors() -> list[bytes]:
    found = [path.read_bytes() for path in sorted(ROOT.glob("rfc*/*.dat"))]
    assert found, f"the conformance vectors are missing: set VDX_CONFORMANCE, {ROOT} has none"
    return found


def test_a_request() -> None:
    message = parse(OPTIONS)
    assert isinstance(message, Request)
    assert (message.method, message.uri, message.version) == ("OPTIONS", "sip:room@192.0.2.250", "SIP/2.0")
    assert message.via.host == "203.0.113.9"
    assert message.via.branch == "z9hG4bKa"
    assert (message.from_.display, message.from_.uri, message.from_.tag) == ("Ann", "sip:ann@example.org", "1")
    assert message.to.uri == "sip:room@example.org"
    assert message.cseq == (7, "OPTIONS")
    assert message.get("x-odd") == "one, two"
    assert message.tokens("X-ODD") == ("one", "two")
    assert message.body == b"body"  # the rest of a datagram is ignored
    assert message.headers[0] == ("v", "SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKa")


def test_a_response() -> None:
    message = parse(b"SIP/2.0 183 In  Progress \r\nTo: <sip:a@b>;tag=x\r\n\r\n")
    assert isinstance(message, Response)
    assert (message.status, message.reason, message.to.tag) == (183, "In  Progress ", "x")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"INVITE\r\n\r\n",
        b"INVITE sip:a@b\r\n\r\n",
        b"SIP/2.0 99 Low\r\n\r\n",
        b"SIP/2.0 700 High\r\n\r\n",
        b"SIP/2.0 2OO OK\r\n\r\n",
        "SIP/2.0 \u0661\u0660\u0660 Digits\r\n\r\n".encode(),
        b"BYE sip:a@b SIP/2.0\r\nVia",
        b"BYE sip:a@b SIP/2.0\r\nno colon here\r\n\r\n",
        b"BYE sip:a@b SIP/2.0\r\nbad name: x\r\n\r\n",
        b"BYE sip:a@b SIP/2.0\r\nA: x\nB: y\r\n\r\n",
        b"BYE sip:a@b SIP/2.0\r\nA: x\rB: y\r\n\r\n",
        b"BYE sip:a@b SIP/2.0\r\nContent-Length: +4\r\n\r\nbody",
        b"BYE sip:a@b SIP/2.0\r\nContent-Length: 5\r\n\r\nbody",
        b"BYE sip:a@b SIP/2.0\r\nContent-Length: 1\r\nl: 2\r\n\r\nbody",
    ],
)
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse(data)


def test_a_broken_request_can_still_be_answered() -> None:
    with pytest.raises(ParseError) as broken:
        parse(OPTIONS.replace(b"l: 4", b"l: 400"))
    assert broken.value.request is not None
    assert broken.value.request.call_id == "c1"


def test_sizes_are_bounded() -> None:
    with pytest.raises(TooLarge):
        parse(b"BYE sip:a@b SIP/2.0\r\n" + b"A: x\r\n" * (MAX_LINES + 1) + b"\r\n")
    with pytest.raises(TooLarge):
        parse(b"BYE sip:a@b SIP/2.0\r\nA: " + b"x" * MAX_HEAD + b"\r\n\r\n")


def test_names_in_latin_1_are_read() -> None:
    message = parse(b"BYE sip:a@b SIP/2.0\r\nFrom: J\xf6rg <sip:j@b>;tag=1\r\n\r\n")
    assert message.from_.display == "J\u00f6rg"


@given(st.binary(max_size=400))
@example(b"BYE sip:a@b SIP/2.0\r\nVia: \r\nContact: \r\nFrom: \r\nTo: <\r\nCSeq: \r\nMax-Forwards: \r\n\r\n")
def test_any_octets(data: bytes) -> None:
    everything(data)


def deformed() -> st.SearchStrategy[bytes]:
    """Give known messages with pieces cut out, doubled or overwritten."""
    pieces = st.binary(max_size=6) | st.sampled_from(
        [b"\r\n", b"\r\n ", b";", b",", b"<", b">", b'"', b"\\", b"[", b"]", b"::", b"%0d", b"\0", b"=", b"@", b"/"]
    )
    cuts = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), pieces), max_size=6)

    def deform(pair: tuple[bytes, list[tuple[float, int, bytes]]]) -> bytes:
        data, changes = pair
        for place, length, piece in changes:
            at = int(place * len(data))
            data = data[:at] + piece + data[at + length :]
        return data

    return st.tuples(st.sampled_from([*vectors(), OPTIONS]), cuts).map(deform)


@given(deformed())
def test_any_deformed_message(data: bytes) -> None:
    everything(data)


@given(st.lists(deformed(), max_size=3))
@example([b"BYE  sip:a@b  SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a\nb>\r\n\r\n"])
def test_an_endpoint_swallows_anything(messages: list[bytes]) -> None:
    endpoint = Endpoint(CountingIds("x"))
    for data in messages:
        endpoint.receive(data, FLOW, 0.0)
    endpoint.events()
    for answer in endpoint.to_send():
        parse(answer.data)
    endpoint.on_timer(1000.0)
