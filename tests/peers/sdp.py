"""SDP as peers write and read it: plain text, on purpose without the code under test (RFC 8866, RFC 8856)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One m-line: what stands behind ``m=`` and its attributes. Port 0 refuses it."""

    medium: str
    port: int
    proto: str = "RTP/AVP"
    formats: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


def audio(port: int, *more: str) -> Line:
    """Write G.711, and Opus as room systems offer it; `more` are attributes such as a direction."""
    return Line(
        "audio",
        port,
        formats=("96", "8", "0"),
        attributes=("rtpmap:96 opus/48000/2", "rtpmap:8 PCMA/8000", "rtpmap:0 PCMU/8000", *more),
    )


def video(port: int, *more: str) -> Line:
    """Write H.264 with its feedback messages; add ``content:slides`` for a presentation (RFC 4796)."""
    return Line(
        "video",
        port,
        formats=("97",),
        attributes=(
            "rtpmap:97 H264/90000",
            "fmtp:97 profile-level-id=42801f;packetization-mode=1",
            "rtcp-fb:* nack pli",
            *more,
        ),
    )


def bfcp(port: int, *more: str) -> Line:
    """Write floor control over UDP (RFC 8856)."""
    attributes = ("floorctrl:c-s", "setup:actpass", "confid:1", "userid:1", "floorid:1 mstrm:3", *more)
    return Line("application", port, "UDP/BFCP", ("*",), attributes)


def write(address: str, lines: Sequence[Line], *, version: int = 1, more: Sequence[str] = ()) -> str:
    """Write a description with one connection address for all lines; `more` are session-level attributes."""
    kind = "IP6" if ":" in address else "IP4"
    head = ["v=0", f"o=peer 4711 {version} IN {kind} {address}", "s=-", f"c=IN {kind} {address}", "t=0 0"]
    body = [f"a={one}" for one in more]
    for line in lines:
        body.append(f"m={line.medium} {line.port} {line.proto} {' '.join(line.formats)}")
        body += [f"a={one}" for one in line.attributes]
    return "".join(f"{one}\r\n" for one in head + body)


@dataclass(frozen=True, slots=True)
class Stream:
    """One m-line as read: where its sender wants media, and RTCP (the next port, or as ``a=rtcp`` says, RFC 3605)."""

    medium: str
    address: str
    port: int
    rtcp_port: int
    proto: str
    formats: tuple[str, ...]
    attributes: tuple[str, ...]

    @property
    def direction(self) -> str:
        """Return the direction, sendrecv where none is written."""
        known = ("sendrecv", "sendonly", "recvonly", "inactive")
        return next((one for one in self.attributes if one in known), "sendrecv")


def read(text: str) -> list[Stream]:
    """Read the streams of a description in order; raises ValueError where a line or an address is missing."""
    session, *media = re.split(r"(?m)^(?=m=)", text.replace("\r\n", "\n"))
    if not session.startswith("v=0\n"):
        raise ValueError(f"not an SDP: {text[:80]!r}")
    return [_stream(one, session) for one in media]


def addresses(text: str) -> set[str]:
    """Return every address that stands in o= and c= lines."""
    return set(re.findall(r"(?m)^[oc]=.*IN IP[46] (\S+)", text))


def _stream(media: str, session: str) -> Stream:
    line = re.match(r"m=(\S+) (\d+) (\S+) (.+)", media)
    connection = re.search(r"(?m)^c=IN IP[46] (\S+)", media) or re.search(r"(?m)^c=IN IP[46] (\S+)", session)
    if line is None or connection is None:
        raise ValueError(f"not a stream: {media!r}")
    attributes = tuple(re.findall(r"(?m)^a=(.+)$", session) + re.findall(r"(?m)^a=(.+)$", media))
    port = int(line[2])
    rtcp = next((int(one.split(":")[1].split()[0]) for one in attributes if one.startswith("rtcp:")), port + 1)
    return Stream(line[1], connection[1], port, rtcp, line[3], tuple(line[4].split()), attributes)
