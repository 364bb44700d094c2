"""A session description as its lines: what is not understood is kept, what is asked for is looked up.

parse(bytes) -> Description          bounded, tolerant of bare LF and of missing s= or t=
serialise(Description) -> bytes      CRLF; parse(serialise(x)) == x

Only v=0 and the m-lines are checked here. Nothing else of the session part decides about a call or passes to the
other leg unread, so there is no reason to refuse a call for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from b2bua.sdp.errors import MalformedSdpError, SdpTooLargeError, quoted
from b2bua.sdp.grammar import MEDIA_LINE
from b2bua.sdp.limits import MAX_BODY, MAX_LINE, MAX_LINES, MAX_MEDIA

if TYPE_CHECKING:
    from b2bua.sdp.endpoint import MediaEndpoint
    from b2bua.sdp.profile import Profile

# Text is UTF-8, but names of rooms arrive in Latin-1 from old systems; such bytes survive the way through.
ENCODING = ("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Media:
    """One m-line and the lines below it.

    `port_count` is the number after the slash, 1 where there is none. `lines` hold everything after the m-line, in
    order, without line ends; they may hold SRTP keys and are therefore not part of the representation.
    """

    kind: str
    port: int
    port_count: int
    proto: str
    formats: tuple[str, ...]
    lines: tuple[str, ...] = field(repr=False)

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
    rows = text.rstrip("\n").split("\n")
    _check(rows)
    starts = [number for number, row in enumerate(rows) if row[0] == "m"]
    if len(starts) > MAX_MEDIA:
        raise SdpTooLargeError(f"the description has {len(starts)} m-lines, at most {MAX_MEDIA} are carried")
    bounds = pairwise([*starts, len(rows)])
    media = tuple(_media(rows[start], rows[start + 1 : end]) for start, end in bounds)
    return Description(tuple(rows[: starts[0]] if starts else rows), media)


def serialise(description: Description) -> bytes:
    """Write a description as it was read, with CRLF line ends."""
    rows = list(description.lines)
    for media in description.media:
        rows.append(media.head)
        rows.extend(media.lines)
    return ("\r\n".join(rows) + "\r\n").encode(*ENCODING)


def _check(rows: list[str]) -> None:
    if rows[0].rstrip(" ") != "v=0":
        raise MalformedSdpError(f"a description begins with v=0, this one with {quoted(rows[0])}")
    if len(rows) > MAX_LINES:
        raise SdpTooLargeError(f"the description has {len(rows)} lines, at most {MAX_LINES} are read")
    for number, row in enumerate(rows, 1):
        if row[1:2] != "=" or not "a" <= row[0] <= "z":
            # not quoted: it may be the second half of a line with keys
            raise MalformedSdpError(f"line {number} of the description is not 'type=value'")
        if len(row) > MAX_LINE:
            raise SdpTooLargeError(f"line {number} has {len(row)} characters, at most {MAX_LINE} are read")


def _media(head: str, lines: list[str]) -> Media:
    match = MEDIA_LINE.fullmatch(head, 2)
    if match is None:
        raise MalformedSdpError(f"not an m-line: {quoted(head)}")
    kind, port, count, proto, formats = match.groups()
    number = int(port)
    if number > 65_535:
        raise MalformedSdpError(f"port {number} in {quoted(head)} is over 65535")
    return Media(kind, number, int(count) if count else 1, proto, tuple(formats.split()), tuple(lines))
