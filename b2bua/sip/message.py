"""Requests and responses as they were received: lines kept, values typed when asked for (RFC 3261 7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from b2bua.sip.errors import HeaderError
from b2bua.sip.grammar import WHITESPACE, parse_number, split_list
from b2bua.sip.headers import KEYS, CSeq, NameAddr, Via, header_key, parse_cseq, parse_name_addr, parse_via, tokens
from b2bua.sip.limits import MAX_SECONDS
from b2bua.sip.multipart import session_in
from b2bua.sip.tel import parse_sip_or_tel
from b2bua.sip.uri import Uri

if TYPE_CHECKING:
    from b2bua.sip.flow import Flow

Fields = Sequence[tuple[str, str]]
"""Headers to send: names and values, in order."""


class Message:
    """What requests and responses share.

    `lines` are the header lines as received (unfolded), `index` the values by key (`headers.KEYS`: lower case, long
    form), `body` the octets after the empty line. Typed properties raise HeaderError the first time they are read if
    the value is outside its grammar or missing.
    """

    __slots__ = ("_cseq", "_from", "_to", "_via", "body", "flow", "index", "lines")

    flow: Flow
    """Where it came from; the endpoint fills it in."""

    def __init__(self, lines: list[str], index: dict[str, list[str]], body: bytes) -> None:
        self.lines = lines
        self.index = index
        self.body = body
        self._via: Via | None = None
        self._from: NameAddr | None = None
        self._to: NameAddr | None = None
        self._cseq: CSeq | None = None

    def get(self, name: str, default: str = "") -> str:
        """Give the first value of a header, in any spelling of its name."""
        values = self.index.get(KEYS.get(name) or header_key(name))
        return values[0] if values else default

    def all(self, name: str) -> list[str]:
        """Give every line's value of a header, in order; values in one line are not taken apart."""
        return self.index.get(KEYS.get(name) or header_key(name), [])

    def tokens(self, name: str) -> tuple[str, ...]:
        """Give the comma-separated tokens of a header over all its lines (Require, Supported, Allow)."""
        return tokens(self.all(name))

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All headers in order, names as written."""
        parts = (line.partition(":") for line in self.lines)
        return [(name.rstrip(WHITESPACE), value.strip(WHITESPACE)) for name, _, value in parts]

    def _one(self, key: str) -> str:
        try:
            return self.index[key][0]
        except KeyError:
            raise HeaderError(f"the header {key} is missing") from None

    @property
    def call_id(self) -> str:
        """Call-ID (20.8)."""
        return self._one("call-id")

    @property
    def via(self) -> Via:
        """The topmost Via (20.42)."""
        via = self._via
        if via is None:
            via = self._via = parse_via(split_list(self._one("via"))[0])
        return via

    @property
    def from_(self) -> NameAddr:
        """From (20.20)."""
        value = self._from
        if value is None:
            value = self._from = parse_name_addr(self._one("from"))
        return value

    @property
    def to(self) -> NameAddr:
        """To (20.39)."""
        value = self._to
        if value is None:
            value = self._to = parse_name_addr(self._one("to"))
        return value

    @property
    def cseq(self) -> CSeq:
        """CSeq (20.16)."""
        value = self._cseq
        if value is None:
            value = self._cseq = parse_cseq(self._one("cseq"))
        return value

    @property
    def contacts(self) -> list[NameAddr]:
        """Every Contact (20.10); a REGISTER's "*" is a HeaderError here, look at `get`."""
        return [parse_name_addr(part) for value in self.index.get("contact", ()) for part in split_list(value)]

    @property
    def record_routes(self) -> list[str]:
        """Every Record-Route value in order, as written (20.30): requests of the dialog go by them, so each is read."""
        routes = [part for value in self.index.get("record-route", ()) for part in split_list(value)]
        for route in routes:
            parse_name_addr(route)
        return routes

    @property
    def max_forwards(self) -> int | None:
        """Max-Forwards, 0 to 255, None if absent (20.22)."""
        values = self.index.get("max-forwards")
        return parse_number(values[0], 255) if values else None

    @property
    def retry_after(self) -> int | None:
        """Retry-After (20.33): its seconds, without comment and parameters; None where there are none to be read."""
        return _seconds(self.get("retry-after").partition(";")[0].partition("(")[0].strip(WHITESPACE))

    @property
    def expires(self) -> int | None:
        """Expires (20.19): seconds for which an INVITE is good; None where there are none to be read."""
        return _seconds(self.get("expires"))

    @property
    def content_type(self) -> str:
        """Media type of the body in lower case without parameters, "" if not given."""
        return self.get("content-type").partition(";")[0].strip(WHITESPACE).lower()

    @property
    def session(self) -> bytes:
        """The SDP (RFC 8866) that is the body, or a part of it (RFC 5621), else b""."""
        body = self.body
        if not body:
            return b""
        kind = self.content_type
        if kind == "application/sdp":
            return body
        return session_in(body, self.get("content-type")) if kind == "multipart/mixed" else b""

    @property
    def is_strange(self) -> bool:
        """Whether it has a body without SDP that its sender wants to be understood (20.11, handling)."""
        return bool(self.body) and not self.session and not _OPTIONAL.search(self.get("content-disposition"))


_OPTIONAL = re.compile(r";[ \t]*handling[ \t]*=[ \t]*optional[ \t]*(?:;|$)", re.IGNORECASE)


def _seconds(text: str) -> int | None:
    try:
        return parse_number(text, MAX_SECONDS)
    except HeaderError:
        return None


class Request(Message):
    """A request; `uri` is the Request-URI as written, `caller` a place for whoever finds out who sent it."""

    __slots__ = ("caller", "method", "uri", "version")

    def __init__(
        self, method: str, uri: str, version: str, lines: list[str], index: dict[str, list[str]], body: bytes
    ) -> None:
        super().__init__(lines, index, body)
        self.method = method
        self.uri = uri
        self.version = version
        self.caller: object = None

    @property
    def parsed_uri(self) -> Uri:
        """The Request-URI typed, a number as `tel` reads it. Raises UriError (400, 414, 416)."""
        return parse_sip_or_tel(self.uri)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.get('call-id')} {self.get('cseq')}>"


class Response(Message):
    """A response; `status` from 100 to 699."""

    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: str, lines: list[str], index: dict[str, list[str]], body: bytes) -> None:
        super().__init__(lines, index, body)
        self.status = status
        self.reason = reason

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.get('call-id')} {self.get('cseq')}>"
