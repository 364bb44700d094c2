"""Reading takes effort that grows with length and not faster: lines of our code run, counted instead of timed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from b2bua import sdp, sip
from tests.fuzz.protocols import sip_message, traced_message

SHORT, LONG = 400, 1_600
GROWTH = LONG // SHORT
SLACK = 1.5
"""For what is done once whatever the length; twice as steep as a line would be 4 here."""

HEAD = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"
HOSTILE: dict[str, Callable[[int], str]] = {
    "parameters of Via": lambda n: f"{HEAD}Via: SIP/2.0/UDP h{';a=b' * n}\r\n",
    "commas in a Contact": lambda n: f"{HEAD}Contact: <sip:a@b>{',<sip:a@b>' * n}\r\n",
    "quotation marks": lambda n: f'{HEAD}From: "{chr(92) * 2 * n}\r\nTo: {chr(34) * n}<sip:a@b>\r\n',
    "brackets": lambda n: f"{HEAD}To: {'<' * n}sip:a@b{'>' * n}\r\n",
    "semicolons in From": lambda n: f"{HEAD}From: <sip:a@b>{';' * n}\r\n",
    "folded lines": lambda n: f"{HEAD}Subject: x{chr(13)}{chr(10)}  " + "\r\n ".join("y" * n) + "\r\n",
    "blanks": lambda n: f"{HEAD}Subject:{' ' * n}x\r\n",
    "a long URI": lambda n: f"{HEAD.replace('sip:a@b', 'sip:a@b' + ';p=%41' * n)}",
    "colons of an address": lambda n: f"{HEAD}Contact: <sip:[{':' * n}]>\r\n",
    "stars that look like PINs": lambda n: f"{HEAD}To: <sip:{'**' * n}@b>\r\n",
    "credentials": lambda n: f"{HEAD}{'Authorization: Digest x' + chr(13) + chr(10)}{'Authorization: ' * n}\r\n",
}
LINES = ("a=x", "m=audio 9 RTP/AVP 0", "a=crypto:1 X inline:Y", "b=AS:1", "a=rtpmap:96 a/1", "a=group:BUNDLE 0")


def effort(action: Callable[[bytes], object], data: bytes) -> int:
    """Count the lines of Python that run."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action(data)
    finally:
        sys.settrace(before)
    return count


def grows(action: Callable[[bytes], object], short: bytes, long: bytes) -> None:
    few, many = effort(action, short), effort(action, long)
    assert few > 0
    assert many <= few * GROWTH * SLACK + 200, (few, many)


@pytest.mark.parametrize("action", [sip_message, traced_message])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_longer_message_takes_longer_in_proportion(name: str, action: Callable[[bytes], object]) -> None:
    short, long = (f"{HOSTILE[name](size)}Content-Length: 0\r\n\r\n".encode() for size in (SHORT, LONG))
    grows(action, short, long)


@pytest.mark.parametrize("line", LINES)
def test_a_longer_description_takes_longer_in_proportion(line: str) -> None:
    def read(data: bytes) -> None:
        with contextlib.suppress(sdp.SdpError):
            description = sdp.parse(data)
            sdp.endpoints(description, sdp.DEFAULT)

    short, long = (f"v=0\r\nc=IN IP4 192.0.2.1\r\n{f'{line}{chr(10)}' * size}".encode() for size in (SHORT, LONG))
    grows(read, short, long)


@pytest.mark.parametrize("piece", [b"\r\n", b"\r", b"x", b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n"])
def test_a_stream_in_single_octets_takes_longer_in_proportion(piece: bytes) -> None:
    def feed(data: bytes) -> None:
        framer = sip.StreamFramer()
        with contextlib.suppress(sip.SipError):
            for octet in data:
                framer.feed(bytes([octet]))

    grows(feed, piece * (SHORT // len(piece) + 1), piece * (LONG // len(piece) + GROWTH))
