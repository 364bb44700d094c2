"""Secrets taken out of a message before anything keeps it.

Each is overwritten with as many `x`, so that Content-Length stays true and other programs can read what is left.
"""

from __future__ import annotations

import re

# RFC 3261 20.7, 20.28 (credentials, RFC 8898 bearer tokens) and 20.6: the scheme stays, the rest of the value goes,
# with the lines that continue it (7.3.1)
_CREDENTIALS = re.compile(
    rb"(?im)^(?:proxy-)?(?:authorization|authentication-info)[ \t]*:[ \t]*(?:(?:digest|bearer|basic)[ \t]+)?"
    rb"((?:[^\r\n]|\r\n[ \t])*)"
)

# Keys in SDP: RFC 4568 6.1 (a=crypto), RFC 8866 5.12 (k=), RFC 4567 (a=key-mgmt), RFC 8839 5.4 (a=ice-pwd)
_KEYS = re.compile(rb"(?im)(?:\binline:|^k=[a-z0-9]+:|^a=key-mgmt:[a-z0-9]+[ \t]+|^a=ice-pwd:)([^|\s]+)")

# A PIN that is dialled behind its room (`room**PIN`), in any URI of the head
_PIN = re.compile(rb"(?i)(?:\*|%2a){2}([^@;>?,\s\"<]+)")

# Keys pressed in a call (RFC 2976; `Signal=5` of application/dtmf-relay, a bare digit in application/dtmf): a PIN too
_PRESSED = re.compile(rb"(?im)^[ \t]*(?:signal[ \t]*=[ \t]*)?([0-9a-d*#]+)[ \t]*\r?$")

_END_OF_HEAD = b"\r\n\r\n"


def redacted(data: bytes) -> bytes:
    """Give a message with the same length and without credentials, keys and PINs.

    Few messages have any, and every message comes by here: words are looked for first, each where it may stand.
    """
    end = data.find(_END_OF_HEAD)
    head = data[:end].lower() if end >= 0 else data.lower()
    if b"auth" in head:
        data = _overwrite(_CREDENTIALS, data)
    if b"**" in head or b"%2a" in head:
        data = _overwrite(_PIN, data)
    body = data[end:].lower() if end >= 0 else head
    if len(body) > len(_END_OF_HEAD):
        if b"inline:" in body or b"\nk=" in body or b"key-mgmt" in body or b"ice-pwd" in body:
            data = _overwrite(_KEYS, data)
        if end >= 0 and b"application/dtmf" in head:
            start = end + len(_END_OF_HEAD)
            data = data[:start] + _overwrite(_PRESSED, data[start:])
    return data


def without(pin: bytes, data: bytes) -> bytes:
    """Give a message without a PIN, wherever in the head it stands as a number of its own."""
    head, end, body = data.partition(_END_OF_HEAD)
    return _overwrite(re.compile(rb"(?<![0-9])(" + re.escape(pin) + rb")(?![0-9])"), head) + end + body


def _overwrite(pattern: re.Pattern[bytes], data: bytes) -> bytes:
    return pattern.sub(_crossed_out, data)


def _crossed_out(found: re.Match[bytes]) -> bytes:
    """Cross the group out; the ends of lines inside it stay where they are."""
    whole = found.group()
    start, end = found.start(1) - found.start(), found.end(1) - found.start()
    return whole[:start] + _INK.sub(b"x", whole[start:end]) + whole[end:]


_INK = re.compile(rb"[^\r\n\t ]")
