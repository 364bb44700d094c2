"""tel URIs (RFC 3966), read as the SIP URIs that stand for the same numbers (RFC 3261 19.1.6).

    tel:+47-22-33-44-55                         sip:+4722334455@;user=phone
    tel:9123;phone-context=ward.example         sip:9123@ward.example;user=phone
    tel:9123;phone-context=+47                  sip:9123@+47;user=phone

The host is where the number holds: "" for a number of the whole world, and for a local one whose sender does not say
(a deviation from 5.1.5, for handsets that write `tel:112`); else the phone-context. Such a URI is read, never written.
"""

from __future__ import annotations

import re

from b2bua.sip.errors import HeaderError, UriError
from b2bua.sip.grammar import parse_params
from b2bua.sip.limits import MAX_URI
from b2bua.sip.uri import Uri, parse_uri, split_host_port

# global-number-digits = "+" *phonedigit DIGIT *phonedigit (3): digits and visual separators
_GLOBAL = re.compile(r"\+[()\-.]*[0-9][0-9()\-.]*")
# local-number-digits (3): hexadecimal digits, "*", "#" (some escape it) and visual separators, and not these alone
_LOCAL = re.compile(r"(?:[0-9A-Fa-f*#()\-.]|%23)+")
# 5.1.1: they only make numbers easy to read
_SEPARATORS = str.maketrans("", "", "-.()")
# In the user part of a SIP URI "#" is escaped (RFC 3261 25.1)
_ESCAPED = str.maketrans({"#": "%23"})


def parse_sip_or_tel(text: str) -> Uri:
    """Read a URI that somebody calls, or is called by.

    Raises UriError: 400 for one outside the grammar, 414, 416 for another scheme.
    """
    return parse_tel(text) if text[:4].lower() == "tel:" else parse_uri(text)


def parse_tel(text: str) -> Uri:
    """Read a tel URI; of its parameters only phone-context counts. Raises UriError 400 or 414."""
    if len(text) > MAX_URI:
        raise UriError(f"a URI of {len(text)} characters is over the limit of {MAX_URI}", 414)
    number, semicolon, rest = text[4:].partition(";")
    try:
        params = parse_params(rest) if semicolon else {}
    except HeaderError as error:
        raise UriError(f"in the URI {text[:60]!r}: {error.sentence}") from error
    digits = number.translate(_SEPARATORS).translate(_ESCAPED)
    if _GLOBAL.fullmatch(number):
        context = ""
    elif digits and _LOCAL.fullmatch(number):
        context = _context(params["phone-context"]) if "phone-context" in params else ""
    else:
        raise UriError(f"{text[:60]!r} is no telephone number")
    return Uri("sip", digits, context, None, {"user": "phone"})


def _context(text: str) -> str:
    """Read a phone-context (5.1.5): the first digits of numbers, or a domain."""
    if _GLOBAL.fullmatch(text):
        return text.translate(_SEPARATORS)
    try:
        host, port = split_host_port(text)
    except HeaderError as error:
        raise UriError(f"phone-context: {error.sentence}") from error
    if port is not None or ":" in host:
        raise UriError(f"the phone-context {text[:60]!r} is no domain")
    return host
