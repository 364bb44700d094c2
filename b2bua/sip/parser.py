"""Octets to messages: the head is split once, values stay text until they are asked for (RFC 3261 7, 25).

Invariant: any octets give a Request, a Response or a ParseError, nothing else.
"""

from __future__ import annotations

import re

from b2bua.sip.errors import HeaderError, ParseError, TooLarge
from b2bua.sip.grammar import TOKEN, WHITESPACE, parse_number
from b2bua.sip.headers import KEYS, header_key
from b2bua.sip.limits import MAX_HEAD, MAX_LINES, MAX_MESSAGE
from b2bua.sip.message import Request, Response

# RFC 3261 7.3.1: a line that starts with a blank continues the one before
_FOLD = re.compile(r"\r\n[ \t]++")

END_OF_HEAD = b"\r\n\r\n"


def parse(data: bytes) -> Request | Response:
    """Read one message from a datagram; octets after Content-Length are ignored (18.3).

    Raises ParseError, whose `request` can be answered if it was read that far.
    """
    if data[:1] in {b"\r", b"\n"}:
        data = data.lstrip(b"\r\n")  # 7.5: empty lines before the start line are ignored
    head, end, body = data.partition(END_OF_HEAD)
    message = parse_head(head)
    if not end and not data.endswith(b"\r\n"):
        raise _broken("the message ends inside its headers", message)
    length = content_length(message)
    if length is None:
        message.body = body
    elif length > len(body):
        raise _broken(f"Content-Length says {length} octets, {len(body)} are there", message)
    else:
        message.body = body[:length] if length < len(body) else body
    return message


def parse_head(head: bytes) -> Request | Response:
    """Read start line and headers, `head` without the empty line after them. The body of the result is empty.

    Raises ParseError.
    """
    if len(head) > MAX_HEAD:
        raise TooLarge(f"the headers are over {MAX_HEAD} octets")
    try:
        text = head.decode()
    except UnicodeDecodeError:
        text = head.decode("latin-1")  # RFC 3261 says UTF-8; old devices write names in Latin-1
    if "\r\n " in text or "\r\n\t" in text:
        text = _FOLD.sub(" ", text)
    text = text.removesuffix("\r\n")
    lines = text.split("\r\n")
    start = lines.pop(0)
    if len(lines) > MAX_LINES:
        raise TooLarge(f"there are over {MAX_LINES} header lines")
    if text.count("\n") != len(lines) or text.count("\r") != len(lines):
        # Not answered: the answer would repeat the line ends, and another reader would see other headers
        raise ParseError("a carriage return or line feed stands alone")
    index, problem = _index(lines)
    message = _start_line(start, lines, index)
    if problem:
        raise _broken(problem, message)
    return message


def _index(lines: list[str]) -> tuple[dict[str, list[str]], str]:
    """Give the values by key, and the first problem met."""
    index: dict[str, list[str]] = {}
    problem = ""
    for line in lines:
        name, colon, value = line.partition(":")
        key = KEYS.get(name)
        if key is None or not colon:
            try:
                key = header_key(name)
            except HeaderError:
                key = ""
            if not key or not colon:
                problem = problem or f"the line {line[:60]!r} is no header"
                continue
        values = index.get(key)
        if values is None:
            index[key] = [value.strip(WHITESPACE)]
        else:
            values.append(value.strip(WHITESPACE))
    return index, problem


def _start_line(start: str, lines: list[str], index: dict[str, list[str]]) -> Request | Response:
    """Read `Method SP Request-URI SP SIP-Version` or `SIP-Version SP Status-Code SP Reason-Phrase` (7.1, 7.2)."""
    first, _, rest = start.partition(" ")
    if first == "SIP/2.0":
        status, _, reason = rest.partition(" ")
        if not (len(status) == 3 and status.isascii() and status.isdigit() and "100" <= status <= "699"):
            raise ParseError(f"{start[:60]!r} is no status line")
        return Response(int(status), reason, lines, index, b"")
    uri, _, version = rest.rpartition(" ")
    if not first or not TOKEN.issuperset(first) or not version.upper().startswith("SIP/"):
        if first and TOKEN.issuperset(first) and " SIP/2.0" in start:
            # A request line with blanks after its version: answered 400 rather than dropped
            raise _broken("the request line ends in blanks", Request(first, uri, "SIP/2.0", lines, index, b""))
        raise ParseError(f"{start[:60]!r} is no request line")
    request = Request(first, uri, version, lines, index, b"")
    if not uri or " " in uri or "\t" in uri:
        raise _broken(f"{start[:60]!r} is not a method, one URI and a version between single blanks", request)
    return request


def content_length(message: Request | Response) -> int | None:
    """Give Content-Length, None if absent. Raises ParseError if malformed, or given twice and different."""
    values = message.index.get("content-length")
    if values is None:
        return None
    try:
        length = parse_number(values[0], MAX_MESSAGE)
    except HeaderError as error:
        raise _broken(f"Content-Length: {error.sentence}", message) from error
    if len(values) > 1 and any(value != values[0] for value in values):
        raise _broken("two Content-Length headers disagree", message)
    return length


def _broken(sentence: str, message: Request | Response) -> ParseError:
    error = ParseError(sentence)
    if isinstance(message, Request):
        error.request = message
    return error
