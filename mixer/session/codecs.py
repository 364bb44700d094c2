"""The codecs of a room: which of those offered is taken, and what a decoder at the other end bears."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from b2bua.sdp import Media

_RTPMAP = re.compile(r"a=rtpmap:([0-9]{1,3}) +([A-Za-z0-9-]{1,32})/([0-9]{1,6})(?:/([0-9]))? *")
_FMTP = re.compile(r"a=fmtp:([0-9]{1,3}) +(.{1,500})")
_LEVEL = re.compile(r"[0-9A-Fa-f]{6}")

# [payload type] -> (name, clock), of those that need no a=rtpmap (RFC 3551 section 6)
_STATIC = {0: ("pcmu", 8000), 8: ("pcma", 8000), 9: ("g722", 8000)}


class Quality(StrEnum):
    """How large a room's pictures are, under the names of the video API."""

    SD = "sd"
    HD = "hd"
    FULLHD = "fullhd"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a room does: the largest picture, frames and kbit/s of it, and whether H.265 is decoded and encoded."""

    quality: Quality = Quality.HD
    h265: bool = False
    video: bool = True
    fps: int = 25

    @property
    def bounds(self) -> Bounds:
        """The most a room sends and wants."""
        width, height, kbps = _QUALITIES[self.quality]
        return Bounds(width, height, self.fps, kbps)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The largest picture in pixels, frames a second, and kbit/s of video, that may be sent."""

    width: int
    height: int
    fps: int
    kbps: int

    def within(self, blocks: int, blocks_per_second: int, kbps: int | None) -> Bounds:
        """Cut it to macroblocks of a frame, macroblocks a second, and kbit/s (ITU-T H.264 A.3.1)."""
        rate = self.kbps if kbps is None else max(LEAST_KBPS, min(self.kbps, kbps))
        for width, height in _SIZES:
            need = -(-width // 16) * -(-height // 16)
            if width <= self.width and need <= blocks:
                return Bounds(width, height, max(5, min(self.fps, blocks_per_second // need)), rate)
        width, height = _SIZES[-1]
        return Bounds(width, height, 15, rate)


LEAST_KBPS = 64
"""kbit/s that are sent at least, whatever a b= line says: less is no moving picture at all."""

_SIZES = ((1920, 1080), (1280, 720), (848, 480), (640, 360), (432, 240), (320, 180))
# [quality] -> width, height, kbit/s
_QUALITIES = {
    Quality.SD: (640, 360, 700),
    Quality.HD: (1280, 720, 1_500),
    Quality.FULLHD: (1920, 1080, 3_000),
}
_LEVELS = {Quality.SD: "1e", Quality.HD: "1f", Quality.FULLHD: "28"}
"""The H.264 level (`profile-level-id`) that we decode: 3.0, 3.1, 4.0."""

# [level_idc] -> (macroblocks a second, macroblocks a frame), ITU-T H.264 table A-1
_H264_LEVELS = {
    10: (1_485, 99),
    11: (3_000, 396),
    12: (6_000, 396),
    13: (11_880, 396),
    20: (11_880, 396),
    21: (19_800, 792),
    22: (20_250, 1_620),
    30: (40_500, 1_620),
    31: (108_000, 3_600),
    32: (216_000, 5_120),
    40: (245_760, 8_192),
    41: (245_760, 8_192),
    42: (522_240, 8_704),
}


@dataclass(frozen=True, slots=True)
class Codec:
    """One format of an m-line: `name` in lower case, `parameters` of its a=fmtp by name, both as the peer wrote them.

    `payload` is the payload type both ways: the answer repeats the numbers of its offer.
    """

    name: str
    payload: int
    clock: int
    channels: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""

    @property
    def mode(self) -> int:
        """The packetization mode of H.264 (RFC 6184 section 8.1)."""
        return 1 if self.parameters.get("packetization-mode") == "1" else 0

    @property
    def profile(self) -> str:
        """The profile of H.264: "baseline", "main" or "high"; one not stated is baseline."""
        stated = self.parameters.get("profile-level-id", "42e00a")
        if not _LEVEL.fullmatch(stated):
            return "baseline"
        return {0x42: "baseline", 0x4D: "main", 0x58: "extended", 0x64: "high"}.get(int(stated[:2], 16), "other")

    def bounds(self, ours: Bounds, kbps: int | None) -> Bounds:
        """Cut what we would send to what the peer says that it decodes."""
        if self.name == "h264":
            stated = self.parameters.get("profile-level-id", "")
            level = int(stated[4:], 16) if _LEVEL.fullmatch(stated) else 10
            per_second, blocks = _H264_LEVELS.get(level, _H264_LEVELS[42] if level > 42 else _H264_LEVELS[10])
            return ours.within(
                max(blocks, _number(self.parameters.get("max-fs"))),
                max(per_second, _number(self.parameters.get("max-mbps"))),
                kbps,
            )
        blocks = _number(self.parameters.get("max-fs")) or _H264_LEVELS[42][1]
        frames = _number(self.parameters.get("max-fr")) or 60
        return ours.within(blocks, blocks * frames, kbps)

    @property
    def rtpmap(self) -> str:
        """Write the value of a=rtpmap."""
        spelled = _SPELLED.get(self.name, self.name)
        return f"{self.payload} {spelled}/{self.clock}" + (f"/{self.channels}" if self.channels > 1 else "")


_SPELLED = {
    "opus": "opus",
    "g722": "G722",
    "pcma": "PCMA",
    "pcmu": "PCMU",
    "h264": "H264",
    "h265": "H265",
    "vp8": "VP8",
    "h224": "H224",
}


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0


def codecs(media: Media) -> Iterator[Codec]:
    """Give the formats of an m-line of RTP that can be read, in its order."""
    maps: dict[int, tuple[str, int, int]] = {number: (name, clock, 1) for number, (name, clock) in _STATIC.items()}
    parameters: dict[int, str] = {}
    for line in media.lines:
        if match := _RTPMAP.fullmatch(line):
            maps[int(match[1])] = (match[2].lower(), int(match[3]), int(match[4] or 1))
        elif match := _FMTP.fullmatch(line):
            parameters.setdefault(int(match[1]), match[2].strip())
    for text in dict.fromkeys(media.formats):
        payload = _number(text) if text.isdigit() else -1
        if payload in maps and payload < 128:
            name, clock, channels = maps[payload]
            raw = parameters.get(payload, "")
            yield Codec(name, payload, clock, channels, _parameters(raw), raw)


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.strip().partition("=")
        if equals and name:
            found.setdefault(name.lower(), value.strip())
    return found


def choose_audio(offered: list[Codec]) -> Codec | None:
    """Give the audio codec that is spoken: the best of ours that they have."""
    for name, clock in (("opus", 48000), ("g722", 8000), ("pcma", 8000), ("pcmu", 8000)):
        for codec in offered:
            if codec.name == name and codec.clock == clock:
                return codec
    return None


def choose_video(offered: list[Codec], abilities: Abilities) -> Codec | None:
    """Give the video codec: H.264 before VP8, and of H.264 what shares its bitstream with the most others."""
    wanted = [codec for codec in offered if codec.clock == 90_000]
    ranked = sorted(
        (rank, place) for place, codec in enumerate(wanted) if (rank := _rank(codec, abilities)) is not None
    )
    return wanted[ranked[0][1]] if ranked else None


def choose_fecc(offered: list[Codec]) -> Codec | None:
    """Give far-end camera control, H.224 (RFC 4573)."""
    return next((codec for codec in offered if (codec.name, codec.clock) == ("h224", 4800)), None)


def _rank(codec: Codec, abilities: Abilities) -> int | None:
    if codec.name == "h264":
        profiles = {"baseline": 0, "main": 2, "high": 1}
        if codec.profile not in profiles or codec.parameters.get("packetization-mode", "0") not in {"0", "1"}:
            return None
        return profiles[codec.profile] + (0 if codec.mode else 3)
    if codec.name == "vp8":
        return 10
    return 20 if codec.name == "h265" and abilities.h265 else None


def events(offered: list[Codec], audio: Codec) -> Codec | None:
    """Give the telephone-event (RFC 4733) that goes with an audio codec: of its clock, else any."""
    found = [codec for codec in offered if codec.name == "telephone-event"]
    return next((codec for codec in found if codec.clock == audio.clock), found[0] if found else None)


def retransmission(offered: list[Codec], video: Codec) -> Codec | None:
    """Give the retransmission format (RFC 4588) of a video codec."""
    wanted = str(video.payload)
    return next((codec for codec in offered if codec.name == "rtx" and codec.parameters.get("apt") == wanted), None)


def our_parameters(codec: Codec, abilities: Abilities) -> str:
    """Write a=fmtp of what we receive; "" for none."""
    if codec.name == "opus":
        return "useinbandfec=1;stereo=0;sprop-stereo=0"
    if codec.name == "telephone-event":
        return "0-15"
    if codec.name == "rtx":
        return f"apt={codec.parameters['apt']}"
    if codec.name != "h264":
        return ""
    stated = codec.parameters.get("profile-level-id", "42e00a")
    stated = stated.lower() if _LEVEL.fullmatch(stated) else "42e00a"
    ours = _LEVELS[abilities.quality]
    asymmetric = codec.parameters.get("level-asymmetry-allowed") == "1"
    level = ours if asymmetric else min(ours, stated[4:])  # RFC 6184 section 8.2.2: else both ways the lower one
    parts = [f"profile-level-id={stated[:4]}{level}"]
    if "packetization-mode" in codec.parameters:
        parts.append(f"packetization-mode={codec.mode}")
    if asymmetric:
        parts.append("level-asymmetry-allowed=1")
    return ";".join(parts)
