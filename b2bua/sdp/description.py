"""A session description as its lines: what is not understood is kept, what is asked for is looked up.

parse(bytes) -> Description          bounded, tolerant of bare LF and of missing s= or t=
serialise(Description) -> bytes      CRLF; parse(serialise(x)) == x

Only v=0 and the m-lines are checked here. Nothing else of the session part decides about a call or passes to the
other leg unread, so there is no reason to refuse a call for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from b2bua.sdp.errors import MalformedSdpError, SdpTooLargeError, quoted
from b2bua.sdp.grammar import MEDIA_LINE
from b2bua.sdp.limits import MAX_BODY, MAX_LINE, MAX_LINES, MAX_MEDIA, REMEMBERED, REMEMBERED_LENGTH

if TYPE_CHECKING:
    from b2bua.sdp.endpoint import MediaEndpoint
    from b2bua.sdp.profile import Profile

# Text is UTF-8, but names of rooms arrive in Latin-1 from old systems; such bytes survive the way through.
ENCODING = ("utf-8", "surrogateescape")

_END = "\n"

# What is another one in each call, or a secret: keys, candidates, names of sources
_OWN = ("a=crypto", "a=fingerprint", "a=key-mgmt", "a=ice-", "a=candidate", "a=ssrc", "a=msid", "k=", "c=")


@dataclass(frozen=True, slots=True)
class Media:
    """One m-line and the lines below it.

    `port_count` is the number after the slash, 1 where there is none. `lines` hold everything after the m-line, in
    order, without line ends; they may hold SRTP keys and are therefore not part of the representation. `common` lines
    are those of many calls: what is found in them may be remembered.
    """

    kind: str
    port: int
    port_count: int
    proto: str
    formats: tuple[str, ...]
    lines: tuple[str, ...] = field(repr=False)
    common: bool = field(default=False, repr=False, compare=False)

    @property
    def head(self) -> str:
        """The m-line itself."""
        count = f"/{self.port_count}" if self.port_count != 1 else ""
        return f"m={self.kind} {self.port}{count} {self.proto} {' '.join(self.formats)}"


@dataclass(frozen=True, slots=True)
class Description:
    """A session part (its lines, v= first) and its media in the order of the m-lines.

    `known` is what `endpoints` has found in it already: the call layer and the writers of both legs ask for the same.
    """

    lines: tuple[str, ...] = field(repr=False)
    media: tuple[Media, ...]
    known: "dict[Profile, tuple[MediaEndpoint, ...]]" = field(
        default_factory=dict, init=False, repr=False, compare=False
    )


def attribute_values(lines: Iterable[str]) -> dict[str, str]:
    """Return the first value of each a= name; a property attribute has the value ''."""
    found: dict[str, str] = {}
    for line in lines:
        if line[0] == "a":
            name, _, value = line[2:].partition(":")
            if name not in found:
                found[name] = value
    return found


@lru_cache(maxsize=REMEMBERED)
def common_values(lines: tuple[str, ...]) -> Mapping[str, str]:
    """Return what `attribute_values` does, for common lines."""
    return MappingProxyType(attribute_values(lines))


def first(lines: Iterable[str], kind: str) -> str | None:
    """Return the value of the first line of a type (`c`, `o`), None where there is none."""
    for line in lines:
        if line[0] == kind:
            return line[2:]
    return None


def parse(body: bytes) -> Description:
    """Read a description (RFC 8866 section 5). Raises MalformedSdpError, SdpTooLargeError."""
    if len(body) > MAX_BODY:
        raise SdpTooLargeError(f"the description has {len(body)} bytes, at most {MAX_BODY} are read")
    text = body.decode(*ENCODING).replace("\r\n", "\n")
    if "\r" in text or "\0" in text:
        raise MalformedSdpError("a bare carriage return or a null character stands inside a line")
    text = text.rstrip("\n")
    if text.count("\n") >= MAX_LINES:
        raise SdpTooLargeError(f"the description has {text.count(_END) + 1} lines, at most {MAX_LINES} are read")
    head, *sections = text.split("\nm=")
    rows = tuple(head.split("\n"))
    if rows[0].rstrip(" ") != "v=0":
        raise MalformedSdpError(f"a description begins with v=0, this one with {quoted(rows[0])}")
    _check(rows, 1)
    if len(sections) > MAX_MEDIA:
        raise SdpTooLargeError(f"the description has {len(sections)} m-lines, at most {MAX_MEDIA} are carried")
    number = len(rows) + 1
    media = []
    for section in sections:
        media.append(_media(section, number))
        number += 1 + len(media[-1].lines)
    return Description(rows, tuple(media))


def serialise(description: Description) -> bytes:
    """Write a description as it was read, with CRLF line ends."""
    rows = list(description.lines)
    for media in description.media:
        rows.append(media.head)
        rows.extend(media.lines)
    return ("\r\n".join(rows) + "\r\n").encode(*ENCODING)


def _check(rows: Iterable[str], start: int) -> None:
    for number, row in enumerate(rows, start):
        if row[1:2] != "=" or not "a" <= row[0] <= "z":
            # not quoted: it may be the second half of a line with keys
            raise MalformedSdpError(f"line {number} of the description is not 'type=value'")
        if len(row) > MAX_LINE:
            raise SdpTooLargeError(f"line {number} has {len(row)} characters, at most {MAX_LINE} are read")


def _media(section: str, number: int) -> Media:
    """Read an m-line, without its "m=", and the lines below it; it is line `number` of the description."""
    head, _, rest = section.partition(_END)
    if len(head) + 2 > MAX_LINE:
        raise SdpTooLargeError(f"line {number} has {len(head) + 2} characters, at most {MAX_LINE} are read")
    match = MEDIA_LINE.fullmatch(head)
    if match is None:
        raise MalformedSdpError(f"not an m-line: {quoted('m=' + head)}")
    kind, port, count, proto, formats = match.groups()
    if int(port) > 65_535:
        raise MalformedSdpError(f"port {int(port)} in {quoted('m=' + head)} is over 65535")
    common = len(rest) <= REMEMBERED_LENGTH and not any(word in rest for word in _OWN)
    lines = _common_lines(rest, number + 1) if common else _lines(rest, number + 1)
    return Media(kind, int(port), int(count) if count else 1, proto, tuple(formats.split()), lines, common)


def _lines(text: str, number: int) -> tuple[str, ...]:
    rows = tuple(text.split(_END)) if text else ()
    _check(rows, number)
    return rows


_common_lines = lru_cache(maxsize=REMEMBERED)(_lines)
