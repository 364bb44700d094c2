"""Bodies of INFO: keys pressed, and key pictures asked for (RFC 5168). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

MEDIA_CONTROL = "application/media_control+xml"
DTMF_RELAY = "application/dtmf-relay"
DTMF = "application/dtmf"
ACCEPTED = (MEDIA_CONTROL, DTMF_RELAY, DTMF)

FAST_UPDATE = (
    b'<?xml version="1.0" encoding="utf-8"?>\r\n<media_control><vc_primitive><to_encoder>'
    b"<picture_fast_update/></to_encoder></vc_primitive></media_control>\r\n"
)
"""RFC 5168 section 7.1."""

# Only the one primitive that there is is looked for: an XML parser would read more of a stranger's text than is needed.
_FAST_UPDATE = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,20}:)?picture_fast_update\b")
_SIGNAL = re.compile(r"(?:^|[\r\n])Signal *= *([0-9A-Da-d*#])", re.IGNORECASE)

MAX_BODY = 2_000
"""Octets of a body that is read: the longest known has 300."""


@dataclass(frozen=True, slots=True)
class Digit:
    """A key was pressed."""

    digit: str


@dataclass(frozen=True, slots=True)
class FastUpdate:
    """A key picture is wanted."""


def read(content_type: str, body: bytes) -> Digit | FastUpdate | None:
    """Say what an INFO means; None for what is not understood."""
    if len(body) > MAX_BODY:
        return None
    if content_type == MEDIA_CONTROL and _FAST_UPDATE.search(body):
        return FastUpdate()
    text = body.decode("ascii", "replace")
    if content_type == DTMF_RELAY and (match := _SIGNAL.search(text)):
        return Digit(match[1].upper())
    if content_type == DTMF and len(text.strip()) == 1 and text.strip().upper() in "0123456789*#ABCD":
        return Digit(text.strip().upper())
    return None
