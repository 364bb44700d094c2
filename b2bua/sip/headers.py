"""Typed header values, each read only when somebody asks for it (RFC 3261 20)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from b2bua.sip.errors import HeaderError
from b2bua.sip.grammar import QUOTED, TOKEN, WHITESPACE, is_token, parse_number, parse_params, split_list, unquote
from b2bua.sip.limits import MAX_CSEQ, NAME_ADDR_CACHE, NAME_ADDR_CACHED
from b2bua.sip.uri import host_port, split_host_port

# RFC 3261 7.3.3, 20 and the IANA registry: compact forms
COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}

_KNOWN = (
    *("Accept", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events", "Authorization"),
    *("Call-ID", "Call-Info", "Contact", "Content-Disposition", "Content-Encoding", "Content-Language"),
    *("Content-Length", "Content-Type", "CSeq", "Date", "Error-Info", "Event", "Expires", "From", "In-Reply-To"),
    *("Max-Forwards", "MIME-Version", "Min-Expires", "Min-SE", "Organization", "P-Asserted-Identity", "Path"),
    *("Priority", "Privacy", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "RAck", "Reason"),
    *("Record-Route", "Refer-To", "Referred-By", "Replaces", "Reply-To", "Require", "Retry-After", "Route", "RSeq"),
    *("Server", "Service-Route", "Session-Expires", "Subject", "Subscription-State", "Supported", "Timestamp", "To"),
    *("Unsupported", "User-Agent", "Via", "Warning", "WWW-Authenticate"),
)

KEYS: dict[str, str] = {
    **{name: name.lower() for name in _KNOWN},
    **{name.lower(): name.lower() for name in _KNOWN},
    **COMPACT,
    **{short.upper(): name for short, name in COMPACT.items()},
}
"""Header names as they are mostly written, to the one key each is found under."""

# Via: sent-protocol with LWS around its slashes; the common spellings take the short way
_PROTOCOL = re.compile(r"SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*([^ \t/;]+)[ \t]+", re.IGNORECASE)
_COMMON_PROTOCOLS = {f"SIP/2.0/{name}": name.lower() for name in ("UDP", "TCP", "TLS", "WS", "WSS")}

# display-name = *(token LWS) / quoted-string. Other text is let through; these would change what is read after it.
_BAD_DISPLAY = re.compile(r'[",;<>@:]')
_BAD_ADDRESS = re.compile(r'[\x00-\x20<>"\x7f]')


def header_key(name: str) -> str:
    """Give the key of a header name in any case, compact or with blanks before its colon.

    Raises HeaderError if it is not a token.
    """
    lowered = name.strip(WHITESPACE).lower()
    if lowered in KEYS:
        return KEYS[lowered]
    if not is_token(lowered):
        raise HeaderError(f"{name[:40]!r} is not a header name")
    return lowered


class Via(NamedTuple):
    """One Via value (20.42): transport in lower case, host without brackets."""

    transport: str
    host: str
    port: int | None
    params: Mapping[str, str]

    @property
    def branch(self) -> str:
        """The branch, "" if there is none (RFC 2543)."""
        return self.params.get("branch", "")

    @property
    def sent_by(self) -> str:
        """Host and port as one string for comparisons, lower case, the port only if written."""
        return host_port(self.host.lower(), self.port)


def parse_via(text: str) -> Via:
    """Read one Via value. Raises HeaderError."""
    protocol, _, rest = text.partition(" ")
    transport = _COMMON_PROTOCOLS.get(protocol)
    if transport is None:
        match = _PROTOCOL.match(text)
        if match is None or not is_token(match[1]):
            raise HeaderError(f"{text[:60]!r} is not a Via")
        transport = match[1].lower()
        rest = text[match.end() :]
    where, semicolon, params = rest.partition(";")
    host, port = split_host_port(where.strip(WHITESPACE))
    return Via(transport, host, port, parse_params(params) if semicolon else {})


class NameAddr(NamedTuple):
    """From, To, Contact, Route...: display name (unquoted), URI as written, header parameters."""

    display: str
    uri: str
    params: Mapping[str, str]

    @property
    def tag(self) -> str:
        """The tag, "" if there is none."""
        return self.params.get("tag", "")


def _display_end(text: str) -> tuple[str, int]:
    """Give the display name and where the "<" after it stands."""
    if text[0] == '"':
        match = QUOTED.match(text)
        end = match.end() if match else len(text)
        left = text.find("<", end)
        if match is None or left < 0 or text[end:left].strip(WHITESPACE):
            raise HeaderError(f"{text[:60]!r} has unbalanced quotes or no address after its name")
        return unquote(match[0]), left
    left = text.find("<")
    display = text[:left].strip(WHITESPACE)
    if _BAD_DISPLAY.search(display):
        raise HeaderError(f"the name in {text[:60]!r} has to stand in quotes")
    return display, left


def parse_name_addr(text: str) -> NameAddr:
    """Read a name-addr or addr-spec with header parameters (20.10, 20.20, 20.34, 20.39). Raises HeaderError."""
    return _read_name_addr(text) if len(text) > NAME_ADDR_CACHED else _cached_name_addr(text)


def _read_name_addr(text: str) -> NameAddr:
    if "<" in text:
        display, left = _display_end(text)
        right = text.find(">", left)
        if right < 0:
            raise HeaderError(f"{text[:60]!r} lacks a closing bracket")
        uri = text[left + 1 : right]
        tail = text[right + 1 :].strip(WHITESPACE)
        if tail and tail[0] != ";":
            raise HeaderError(f"{text[:60]!r} has text after its address")
        params = parse_params(tail[1:]) if tail else {}
    else:
        # Without brackets every parameter is the header's, and the URI may have no comma, "?" or ";" (20)
        display = ""
        uri, semicolon, tail = text.partition(";")
        uri = uri.strip(WHITESPACE)
        if "?" in uri or "," in uri:
            raise HeaderError(f"the address {text[:60]!r} has to stand in brackets")
        params = parse_params(tail) if semicolon else {}
    scheme, colon, rest = uri.partition(":")
    if not colon or not rest or not TOKEN.issuperset(scheme) or _BAD_ADDRESS.search(uri):
        raise HeaderError(f"{text[:60]!r} has no proper URI")
    return NameAddr(display, uri, params)


_cached_name_addr = lru_cache(maxsize=NAME_ADDR_CACHE)(_read_name_addr)


# Methods in their usual spelling, which need no second look
_METHODS = frozenset(("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK", "REGISTER", "NOTIFY"))


class CSeq(NamedTuple):
    """A CSeq (20.16)."""

    number: int
    method: str


def parse_cseq(text: str) -> CSeq:
    """Read a CSeq. Raises HeaderError, also for numbers from 2**31 (8.1.1.5)."""
    number, _, method = text.partition(" ")
    if method not in _METHODS:
        number, _, method = text.replace("\t", " ").partition(" ")
        method = method.strip(WHITESPACE)
        if not is_token(method):
            raise HeaderError(f"{text[:40]!r} is not a CSeq")
    return CSeq(parse_number(number, MAX_CSEQ), method)


@lru_cache(maxsize=256)
def methods(allow: str) -> frozenset[str]:
    """Read an Allow (20.5); thousands of legs share the few there are."""
    return frozenset(part.strip() for part in allow.split(","))


def tokens(values: list[str]) -> tuple[str, ...]:
    """Read a comma-separated header of tokens over all its lines (Require, Allow...), empty places left out."""
    return tuple(part for value in values for part in map(str.strip, split_list(value)) if part)
