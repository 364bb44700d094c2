"""A description as a room reads it: what each m-line is for, which codec it gets, where its packets go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from b2bua.sdp import Description, Direction, Media, MediaEndpoint, Profile, Transport, attribute_values, endpoints
from mixer.session.codecs import (
    Abilities,
    Bounds,
    Codec,
    choose_audio,
    choose_fecc,
    choose_video,
    codecs,
    events,
    retransmission,
)
from mixer.session.errors import SessionError
from mixer.session.keys import Key, choose, keys

Purpose = Literal["audio", "video", "content", "fecc"]
"""The last is far-end camera control (RFC 4573)."""

PICTURES: frozenset[Purpose] = frozenset({"video", "content"})

_PROFILE = Profile(sdes=True, dtls=False)
"""SRTP ends here, so keys in the description are read; DTLS is another leg's work."""

_BANDWIDTH = re.compile(r"b=(AS|TIAS|CT):([0-9]{1,9})")
_FEEDBACK = re.compile(r"a=rtcp-fb:(\*|[0-9]{1,3}) +(.{2,40})")
_FEEDBACKS = {
    "nack": "nack",
    "nack pli": "pli",
    "ccm fir": "fir",
    "ccm tmmbr": "tmmbr",
    "goog-remb": "remb",
    "transport-cc": "transport-cc",
}
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
"""The header extension that numbers the packets of a transport, for feedback on when each came."""
_NUMBERED = re.compile(rf"a=extmap:([1-9]|1[0-4])(?:/sendrecv)? +{re.escape(TRANSPORT_CC)} *")
_FLOOR_ID = re.compile(r"a=floorid:([0-9]{1,5})(?: +(?:mstrm|m-stream):(.{1,100}))?")


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of RTP that is used.

    `address` None: it waits for packets, or stands on hold. `rtcp_port` None: no RTCP goes out. `sends` and `receives`
    are ours. `bounds` is the most that we send. `feedback` are the kinds that both sides know: nack, pli, fir, remb,
    tmmbr, transport-cc, the last with the number of its header extension. `theirs` and `ours` are keys, both None in
    the clear.
    """

    index: int
    purpose: Purpose
    codec: Codec
    events: Codec | None
    rtx: Codec | None
    address: str | None
    port: int
    rtcp_address: str | None
    rtcp_port: int | None
    mux: bool
    sends: bool
    receives: bool
    bounds: Bounds
    feedback: frozenset[str]
    theirs: Key | None
    label: str = ""
    transport_cc: int = 0

    @property
    def encrypted(self) -> bool:
        """Whether its packets are."""
        return self.theirs is not None


@dataclass(frozen=True, slots=True)
class FloorLine:
    """The m-line of BFCP: `role` is theirs to be (`c` client of our server), ids as they wrote them, 0 for none."""

    index: int
    tcp: bool
    address: str | None
    port: int
    setup: str
    conference: int
    user: int
    floor: int
    version: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What is used of a description."""

    streams: tuple[Stream, ...]
    floor: FloorLine | None = None

    def stream(self, purpose: Purpose) -> Stream | None:
        """Give the stream of a purpose."""
        return next((stream for stream in self.streams if stream.purpose == purpose), None)

    @property
    def encrypted(self) -> bool:
        """Whether every stream is."""
        return all(stream.encrypted for stream in self.streams)


def read(description: Description, abilities: Abilities, known: tuple[Stream, ...] = ()) -> Reading:
    """Read an offer, or the answer to ours.

    `known` are the streams so far: an m-line keeps its purpose through a session. Raises SessionError where no audio
    or video can be used, SdpError for what cannot be read.
    """
    found: dict[Purpose, Stream] = {}
    floor: FloorLine | None = None
    kept: dict[int, Purpose] = {stream.index: stream.purpose for stream in known}
    session = _bandwidth(description.lines)
    for place, media in zip(endpoints(description, _PROFILE), description.media, strict=True):
        if not place.active:
            continue
        if place.transport is Transport.RTP and (
            place.kind == "audio" or (place.kind in {"video", "application"} and abilities.video)
        ):
            purpose = kept.get(place.index) or _purpose(media, place, found)
            if purpose is not None and purpose not in found:
                stream = _stream(media, place, purpose, abilities, session)
                if stream is not None:
                    found[purpose] = stream
        elif floor is None and place.transport in {Transport.BFCP_UDP, Transport.BFCP_TCP} and not place.secure:
            floor = _floor(media, place)
    if "audio" not in found and "video" not in found:
        raise SessionError("no audio or video of the description has a codec and a transport that this room speaks")
    fecc = found.get("fecc")
    if fecc is not None and not fecc.encrypted and all(one.encrypted for one in found.values() if one is not fecc):
        del found["fecc"]  # cameras are not moved in the clear where all else is encrypted
    return Reading(tuple(sorted(found.values(), key=lambda stream: stream.index)), floor)


def _purpose(media: Media, place: MediaEndpoint, found: dict[Purpose, Stream]) -> Purpose | None:
    if place.kind == "audio":
        return "audio"
    if place.kind == "application":
        return "fecc"
    content = attribute_values(media.lines).get("content", "")  # RFC 4796
    if {"slides", "alt"} & {part.strip() for part in content.split(",")}:
        return "content"
    return None if "video" in found else "video"


def _stream(
    media: Media, place: MediaEndpoint, purpose: Purpose, abilities: Abilities, session: int | None
) -> Stream | None:
    offered = list(codecs(media))
    if purpose in PICTURES:
        codec = choose_video(offered, abilities)
    else:
        codec = choose_audio(offered) if purpose == "audio" else choose_fecc(offered)
    key = choose(keys(media.lines))
    if codec is None or (place.secure and key is None):
        return None
    kbps = _bandwidth(media.lines)
    mux = place.mux and key is not None  # in the clear RTP and RTCP keep sockets of their own
    rtcp = place.rtcp(mux=mux)
    direction: Direction = place.direction
    known = _feedback(media, codec)
    numbered = _transport_cc(media) if "transport-cc" in known else 0
    if not numbered:
        known -= {"transport-cc"}
    video = purpose in PICTURES
    return Stream(
        place.index,
        purpose,
        codec,
        events(offered, codec) if purpose == "audio" else None,
        retransmission(offered, codec) if video and "nack" in known else None,
        place.address,
        place.port,
        None if rtcp is None else rtcp[0],
        None if rtcp is None else rtcp[1],
        mux,
        direction.receives,
        direction.sends,
        codec.bounds(abilities.bounds, kbps if kbps is not None else session) if video else Bounds(0, 0, 0, 64),
        known,
        key,
        attribute_values(media.lines).get("label", ""),
        numbered,
    )


def _bandwidth(lines: tuple[str, ...]) -> int | None:
    """Give kbit/s of the first b= line that names them (RFC 8866 section 5.8, RFC 3890)."""
    for line in lines:
        if match := _BANDWIDTH.fullmatch(line):
            return int(match[2]) // (1000 if match[1] == "TIAS" else 1)
    return None


def _feedback(media: Media, codec: Codec) -> frozenset[str]:
    """Give the feedback (RFC 4585, RFC 5104) that a codec has and we know."""
    found = set()
    for line in media.lines:
        match = _FEEDBACK.fullmatch(line)
        if match and match[1] in {"*", str(codec.payload)} and match[2].strip() in _FEEDBACKS:
            found.add(_FEEDBACKS[match[2].strip()])
    return frozenset(found)


def _transport_cc(media: Media) -> int:
    """Give the number of the header extension of transport-wide sequence numbers (RFC 8285), 0 where there is none."""
    return next((int(match[1]) for line in media.lines if (match := _NUMBERED.fullmatch(line))), 0)


def _floor(media: Media, place: MediaEndpoint) -> FloorLine | None:
    """Read the m-line of a floor (RFC 8856); None where they want to be the only server, which we are."""
    own = attribute_values(media.lines)
    roles = own.get("floorctrl", "c").split()
    if not {"c-only", "c", "c-s"} & set(roles):
        return None
    floor = next((match for line in media.lines if (match := _FLOOR_ID.fullmatch(line))), None)
    numbers = [_id(own.get(name, "")) for name in ("confid", "userid")]
    tcp = place.transport is Transport.BFCP_TCP
    return FloorLine(
        place.index,
        tcp,
        place.address,
        place.port,
        place.setup or ("actpass" if tcp else ""),
        numbers[0],
        numbers[1],
        int(floor[1]) if floor else 0,
    )


def _id(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0
