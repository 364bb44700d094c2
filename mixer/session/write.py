"""Our description: an answer to theirs, or the session as it is, offered again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from b2bua.sdp import Description, Media, answerable
from b2bua.sdp import Direction as Way
from mixer.session.codecs import Abilities, Codec, our_parameters
from mixer.session.keys import Key
from mixer.session.read import PICTURES, TRANSPORT_CC, FloorLine, Purpose, Reading, Stream

MAIN_LABEL = "1"
"""The label (RFC 4574) of the camera's picture."""

SLIDES_LABEL = "3"
"""The label of content, which the floor names (RFC 8856 section 5.4)."""

_FEEDBACK = {
    "nack": "nack",
    "pli": "nack pli",
    "fir": "ccm fir",
    "tmmbr": "ccm tmmbr",
    "remb": "goog-remb",
    "transport-cc": "transport-cc",
}

_WAYS = {
    (True, True): Way.SENDRECV,
    (True, False): Way.SENDONLY,
    (False, True): Way.RECVONLY,
    (False, False): Way.INACTIVE,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one of our streams is received: `rtcp_port` is written only where it is not the port after."""

    port: int
    rtcp_port: int
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class FloorPlace:
    """Our floor control server as one participant sees it: `setup` is ours, over TCP only."""

    port: int
    conference: int
    user: int
    floor: int = 1
    setup: str = ""


class Writer:
    """Writes what one participant is sent, as one session with one origin; its version counts changes.

    `session_id` is a random number below 2**62, `address` ours.
    """

    def __init__(self, session_id: int, address: str) -> None:
        self._session_id = session_id
        self._address = address
        self._version = 0
        self._last: list[str] | None = None

    def answer(
        self,
        offer: Description,
        reading: Reading,
        places: Mapping[Purpose, Place],
        abilities: Abilities,
        floor: FloorPlace | None = None,
    ) -> bytes:
        """Answer every m-line in its order; those that are not used get port 0 (RFC 3264 section 6).

        Offered to the same participant again, the answer stands as a description of the session as it is.
        """
        streams = {stream.index: stream for stream in reading.streams}
        rows: list[str] = []
        for index, media in enumerate(offer.media):
            stream = streams.get(index)
            if stream is not None and stream.purpose in places:
                rows += _stream(media, stream, places[stream.purpose], abilities)
            elif reading.floor is not None and reading.floor.index == index and floor is not None:
                rows += _floor(media, reading.floor, floor)
            else:
                rows += [f"m={media.kind} 0 {media.proto} {' '.join(media.formats)}"]
            rows += [line for line in media.lines if line.startswith("a=mid:")]
        return self.lines(rows)

    def lines(self, rows: list[str]) -> bytes:
        """Write the session part before m-lines."""
        if self._last is not None and rows != self._last:
            self._version += 1
        self._last = rows
        family = 6 if ":" in self._address else 4
        head = [
            "v=0",
            f"o=- {self._session_id} {self._version} IN IP{family} {self._address}",
            "s=-",
            f"c=IN IP{family} {self._address}",
            "t=0 0",
        ]
        return ("\r\n".join([*head, *rows]) + "\r\n").encode()


def _stream(media: Media, stream: Stream, place: Place, abilities: Abilities) -> list[str]:
    video = stream.purpose in PICTURES
    extra = [codec for codec in (stream.events, stream.rtx) if codec is not None]
    rows = [f"m={media.kind} {place.port} {media.proto} {' '.join(str(c.payload) for c in (stream.codec, *extra))}"]
    if video:
        rows.append(f"b=TIAS:{abilities.bounds.kbps * 1000}")
    for codec in (stream.codec, *extra):
        rows += codec_lines(codec, our_parameters(codec, abilities))
    rows += [f"a=rtcp-fb:{stream.codec.payload} {_FEEDBACK[kind]}" for kind in sorted(stream.feedback)]
    if stream.transport_cc:
        rows.append(f"a=extmap:{stream.transport_cc} {TRANSPORT_CC}")
    if stream.mux:
        rows.append("a=rtcp-mux")
    elif place.rtcp_port != place.port + 1:
        rows.append(f"a=rtcp:{place.rtcp_port}")
    if place.key is not None:
        rows.append(place.key.line)
    if video:
        content = stream.purpose == "content"
        rows += [f"a=label:{SLIDES_LABEL if content else MAIN_LABEL}", f"a=content:{'slides' if content else 'main'}"]
    ways = _WAYS[stream.sends, stream.receives]
    rows.append(f"a={answerable(Way.SENDRECV, ways)}")
    return rows


def codec_lines(codec: Codec, parameters: str) -> list[str]:
    """Write a=rtpmap and a=fmtp of a format."""
    rows = [f"a=rtpmap:{codec.rtpmap}"]
    return [*rows, f"a=fmtp:{codec.payload} {parameters}"] if parameters else rows


def _floor(media: Media, theirs: FloorLine, ours: FloorPlace) -> list[str]:
    rows = [
        f"m={media.kind} {ours.port} {media.proto} *",
        "a=floorctrl:s-only",
        f"a=confid:{ours.conference}",
        f"a=userid:{ours.user}",
        f"a=floorid:{ours.floor} mstrm:{SLIDES_LABEL}",
        f"a=bfcpver:{1 if theirs.tcp else 2}",
    ]
    return [*rows, f"a=setup:{ours.setup}", "a=connection:new"] if theirs.tcp else rows
