"""An offer of our own: to an INVITE without one, to somebody whom the room calls."""

from __future__ import annotations

from collections.abc import Mapping

from mixer.session.codecs import Abilities, Codec, our_parameters
from mixer.session.keys import Key
from mixer.session.read import Purpose
from mixer.session.write import MAIN_LABEL, SLIDES_LABEL, FloorPlace, Place, codec_lines

AUDIO = (
    Codec("opus", 111, 48_000, 2),
    Codec("g722", 9, 8_000),
    Codec("pcma", 8, 8_000),
    Codec("pcmu", 0, 8_000),
    Codec("telephone-event", 101, 8_000),
)


def _h264(payload: int, profile: str, mode: int) -> Codec:
    parameters = {
        "profile-level-id": f"{profile}1f",
        "packetization-mode": str(mode),
        "level-asymmetry-allowed": "1",
    }
    return Codec("h264", payload, 90_000, 1, parameters)


VIDEO = (_h264(99, "42e0", 1), _h264(98, "42e0", 0), _h264(97, "640c", 1), Codec("vp8", 96, 90_000))
H265 = Codec("h265", 95, 90_000)

_PICTURES: tuple[tuple[Purpose, str, str], ...] = (("video", MAIN_LABEL, "main"), ("content", SLIDES_LABEL, "slides"))


def propose(
    places: Mapping[Purpose, Place], keys: Mapping[Purpose, tuple[Key, ...]], abilities: Abilities, floor: FloorPlace
) -> list[str]:
    """Write the m-lines of an offer, for `Writer.lines`.

    Keys make encryption best effort (RFC 8643): plain RTP stays possible, for the room to refuse where it must.
    """
    rows = _offer("audio", "audio", AUDIO, places["audio"], keys, abilities)
    if abilities.video:
        video = (*VIDEO, H265) if abilities.h265 else VIDEO
        for purpose, label, content in _PICTURES:
            if purpose in places:
                rows += _offer("video", purpose, video, places[purpose], keys, abilities)
                rows += [f"a=label:{label}", f"a=content:{content}"]
        if "content" in places:
            rows += [
                f"m=application {floor.port} UDP/BFCP *",
                "a=floorctrl:s-only",
                f"a=confid:{floor.conference}",
                f"a=userid:{floor.user}",
                f"a=floorid:{floor.floor} mstrm:{SLIDES_LABEL}",
                "a=bfcpver:2",
            ]
    return rows


def _offer(
    kind: str,
    purpose: Purpose,
    codecs: tuple[Codec, ...],
    place: Place,
    keys: Mapping[Purpose, tuple[Key, ...]],
    abilities: Abilities,
) -> list[str]:
    rows = [f"m={kind} {place.port} RTP/AVP {' '.join(str(codec.payload) for codec in codecs)}"]
    if kind == "video":
        rows.append(f"b=TIAS:{abilities.bounds.kbps * 1000}")
    for codec in codecs:
        rows += codec_lines(codec, our_parameters(codec, abilities))
    if kind == "video":
        rows += [f"a=rtcp-fb:* {value}" for value in ("nack", "nack pli", "ccm fir", "ccm tmmbr")]
    if place.rtcp_port != place.port + 1:
        rows.append(f"a=rtcp:{place.rtcp_port}")
    rows += [key.line for key in keys.get(purpose, ())]
    rows.append("a=sendrecv")
    return rows
