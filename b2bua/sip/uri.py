"""SIP and SIPS URIs (RFC 3261 19.1)."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from b2bua.sip.errors import HeaderError, UriError
from b2bua.sip.grammar import parse_params
from b2bua.sip.limits import MAX_URI, URI_CACHE

DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}

# hostname = *( domainlabel "." ) toplabel [ "." ]; underscores because installations have them
_HOST = frozenset(string.ascii_letters + string.digits + "-._")
# IPv6reference = "[" IPv6address "]"; only the characters are checked: RFC 5118 4.10 asks to be lenient
_IPV6 = frozenset(string.hexdigits + ":.")
# Refused is what would end a URI or a line.
_BAD = re.compile(r'[\x00-\x20<>"\x7f]')
# user: unreserved, escaped and user-unreserved; an "@" that is not escaped would leave in doubt where the host begins
_BAD_USER = re.compile(r'[\x00-\x20<>"@\x7f]')
# absoluteURI: scheme ":" ...
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:")


class Uri(NamedTuple):
    """A `sip:` or `sips:` URI: the host without brackets, parameters with lower-case names, `headers` as written."""

    scheme: str
    user: str
    host: str
    port: int | None
    params: Mapping[str, str]
    headers: str = ""

    @property
    def transport(self) -> str:
        """Name the transport that the URI asks for, in lower case; "udp" (sip) or "tls" (sips) if it names none."""
        return self.params.get("transport", "tls" if self.scheme == "sips" else "udp").lower()

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        params = "".join(f";{name}={value}" if value else f";{name}" for name, value in self.params.items())
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{user}{host_port(self.host, self.port)}{params}{headers}"


def bracket(host: str) -> str:
    """Put the brackets of RFC 3986 around an IPv6 address; leave anything else as it is."""
    return f"[{host}]" if ":" in host and host[0] != "[" else host


def host_port(host: str, port: int | None) -> str:
    """Write `host[:port]`."""
    return bracket(host) if port is None else f"{bracket(host)}:{port}"


def split_host_port(text: str) -> tuple[str, int | None]:
    """Read `host [":" port]`; an IPv6 address stands in brackets and comes back without them.

    Raises HeaderError.
    """
    if text.startswith("["):
        host, closing, rest = text[1:].partition("]")
        if not closing or not host or not _IPV6.issuperset(host):
            raise HeaderError(f"{text[:60]!r} is not an IPv6 address in brackets")
        if not rest:
            return host, None
        blank, colon, port = rest.partition(":")
        if blank.strip() or not colon:
            raise HeaderError(f"{text[:60]!r} has something after its bracket that is not a port")
    else:
        host, colon, port = text.partition(":")
        host = host.rstrip()
        if not host or not _HOST.issuperset(host):
            raise HeaderError(f"{text[:60]!r} is not a host")
        if not colon:
            return host, None
    port = port.strip()
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65_536):
        raise HeaderError(f"{text[:60]!r} has no port from 1 to 65535")
    return host, int(port)


@lru_cache(maxsize=URI_CACHE)
def parse_uri(text: str) -> Uri:
    """Read a SIP or SIPS URI.

    Raises UriError: 400 for one outside the grammar, 416 for another scheme.
    """
    if len(text) > MAX_URI:
        raise UriError(f"a URI of {len(text)} characters is over the limit of {MAX_URI}", 414)
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if scheme not in {"sip", "sips"}:
        if colon and rest and _SCHEME.match(text) and not _BAD.search(text):
            raise UriError(f"the scheme {scheme[:20]!r} is not spoken here", 416)
        raise UriError(f"{text[:60]!r} is not a URI")
    user, at, rest = rest.rpartition("@") if "@" in rest else ("", "", rest)
    if at and (not user or _BAD_USER.search(user)):
        raise UriError(f"{text[:60]!r} has no proper user part")
    rest, _, headers = rest.partition("?")
    where, semicolon, params = rest.partition(";")
    try:
        host, port = split_host_port(where)
        parsed = parse_params(params) if semicolon else {}
    except HeaderError as error:
        raise UriError(f"in the URI {text[:60]!r}: {error.sentence}") from error
    if _BAD.search(rest) or _BAD.search(headers):
        raise UriError(f"{text[:60]!r} holds blanks or brackets")
    return Uri(scheme, user, host, port, parsed, headers)


def user_of(text: str) -> str:
    """Give the user part of a SIP or SIPS URI, "" if there is none or it is no such URI."""
    try:
        return parse_uri(text).user
    except UriError:
        return ""
