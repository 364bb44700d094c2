"""What the node agent tells a room worker.

`mixer.reports` is what the worker says back, `mixer.channel` the socket between them. A worker is started as
`python -m mixer.worker --control FD [--user NAME] [--confine]`, FD being its end of `mixer.channel.pair`; it says
`Ready` and waits, as long as need be, for `Start`. The agent keeps its own copy of each media socket: one that died is
replaced by another that gets the same sockets. A worker knows no SIP, no policy and no roles: it
decodes, mixes, composes and encodes what it is told, and says what it hears and counts.

State is told, not steps: `Scenes` and `Sound` say how things are from now on, and replace what was said before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from vdx.wire import Codec as WireCodec
from vdx.wire import Message

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=200)]
Path = Annotated[str, Meta(min_length=1, max_length=4096)]
Port = Annotated[int, Meta(ge=1, le=65535)]
PayloadType = Annotated[int, Meta(ge=0, le=127)]
Pixels = Annotated[int, Meta(ge=0, le=4096)]
Id = Annotated[int, Meta(ge=0)]

Media = Literal["audio", "video", "content"]
Line = Literal["audio", "video", "content", "fecc"]
"""All that is sent: the last is far-end camera control, H.224 over RTP (RFC 4573)."""
Encoding = Literal["opus", "g722", "pcma", "pcmu", "h264", "vp8", "h265", "h224"]
Feedback = Literal["nack", "pli", "fir", "tmmbr", "remb", "transport-cc"]
Suite = Literal[
    "AES_CM_128_HMAC_SHA1_80",
    "AES_CM_128_HMAC_SHA1_32",
    "AES_256_CM_HMAC_SHA1_80",
    "AES_256_CM_HMAC_SHA1_32",
    "AEAD_AES_128_GCM",
    "AEAD_AES_256_GCM",
]


class Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The base of what messages are made of."""


class Address(Part, frozen=True):
    """Where media is sent to; `host` is a literal IPv4 or IPv6 address, never a name."""

    host: Annotated[str, Meta(min_length=2, max_length=45)]
    port: Port


class Format(Part, frozen=True):
    """One payload type of one stream, as the descriptions of both sides settled it."""

    encoding: Encoding
    payload_type: PayloadType
    profile: Literal["baseline", "high"] = "baseline"
    """Of H.264, what the one who decodes it can: constrained baseline or high."""
    packetization_mode: Literal[0, 1] = 1
    """Of H.264 (RFC 6184): 0 sends single NAL units only."""
    rtx: PayloadType | None = None
    """The payload type of its retransmissions (RFC 4588), where both sides have them."""
    fec: bool = True
    """Of Opus: whether the receiver wants in-band forward error correction (`useinbandfec`)."""


class Key(Part, frozen=True):
    """A master key and salt of SRTP, base64 as in `a=crypto` (RFC 4568), without `inline:` and lifetime."""

    suite: Suite
    inline: Annotated[str, Meta(min_length=8, max_length=128)]

    def __repr__(self) -> str:
        """Hide the key: a message may be logged."""
        return f"Key({self.suite!r}, ...)"


class Encryption(Part, frozen=True):
    """SDES keys of one stream (RFC 4568): what we send with and what the other side sends with."""

    ours: Key
    theirs: Key


class Rollover(Part, frozen=True):
    """How often the sequence numbers of an encrypted source have begun anew (RFC 3711 section 3.3.1)."""

    source: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    count: Annotated[int, Meta(ge=1, le=2**32 - 1)]


class Stream(Part, frozen=True):
    """One media stream of a participant; a stream that is not named in a list is closed.

    Its sockets come with the message, in the order of the streams: first RTP, then RTCP where `rtcp` says so. They are
    bound; where the agent has also connected them, the kernel drops what others send. `kept` streams of a `Change`
    bring none and go on with the sockets they have.
    """

    media: Line
    remote: Address | None = None
    """Where RTP is sent to; None: nothing is sent (not known yet)."""
    remote_rtcp: Address | None = None
    """Where RTCP is sent to; None: the port after that of RTP, or the same one where `rtcp` is false."""
    rtcp: bool = True
    """Whether RTCP has a socket of its own; without one it shares that of RTP (RFC 5761), only with `encryption`."""
    kept: bool = False
    """Whether a `Change` leaves the sockets as they are."""
    receive: Annotated[tuple[Format, ...], Meta(max_length=8)] = ()
    """What the other side may send; any other payload type is dropped by the kernel. Empty: nothing is received."""
    send: Format | None = None
    """What we send; None: nothing (on hold, or the other side only sends)."""
    telephone_event: PayloadType | None = None
    """Of sound: the payload type of digits (RFC 4733) the other side may send."""
    event_rate: Literal[8000, 16000, 48000] = 8000
    """Hz: clock of `telephone_event`."""
    encryption: Encryption | None = None
    rollovers: Annotated[tuple[Rollover, ...], Meta(max_length=8)] = ()
    """Where it is encrypted and another worker had it before: what that one counted. No packet is read without."""
    feedback: Annotated[frozenset[Feedback], Meta(max_length=8)] = frozenset()
    """What RTCP feedback both sides have agreed on (AVPF, RFC 4585, RFC 5104)."""
    transport_cc: Annotated[int, Meta(ge=0, le=14)] = 0
    """The number of the RTP header extension of transport-wide sequence numbers, with `transport-cc`; 0: none."""
    kbps: Annotated[int, Meta(ge=8, le=20_000)] = 2_000
    """Kilobits a second we may send at most: what the other side's `b=` lines and the room's class allow."""
    width: Pixels = 1280
    """Of what we send, at most; what it can decode, by its level and picture attributes."""
    height: Pixels = 720
    fps: Annotated[int, Meta(ge=1, le=60)] = 30


class Tile(Part, frozen=True):
    """One rectangle of a scene, in pixels of its scene; later tiles cover earlier ones.

    The picture keeps its proportions and is centred; what it does not cover stays black.
    """

    x: Pixels
    y: Pixels
    width: Pixels
    height: Pixels
    participant: Annotated[str, Meta(max_length=64)] = ""
    """Whose picture; empty where only `picture` is shown."""
    source: Literal["video", "content"] = "video"
    picture: Annotated[str, Meta(max_length=4096)] = ""
    """A PNG file: shown instead of a participant, or until the participant sends (an audio-only one)."""
    label: Text = ""
    """A line of text at the lower left edge of the tile, most often the participant's name."""


class Scene(Part, frozen=True):
    """A view: what everyone who watches it sees, scaled to each size that is sent; tiles are cut to even pixels."""

    view: Name
    width: Annotated[int, Meta(ge=16, le=4096)]
    height: Annotated[int, Meta(ge=16, le=4096)]
    tiles: Annotated[tuple[Tile, ...], Meta(max_length=64)] = ()
    banner: Text = ""
    """A line of text across the upper edge of the whole picture: a message, or that the room is recorded."""


class Watch(Part, frozen=True):
    """Which view a participant is sent on one of his streams."""

    participant: Name
    view: Name
    media: Literal["video", "content"] = "video"


class Steer(Part, frozen=True):
    """Whose camera a participant moves: what he sends on `fecc` goes there."""

    participant: Name
    camera: Name


class Start(Message, frozen=True, tag="start"):
    """Make this worker a room; once, before anything else."""

    room: Name
    fps: Annotated[int, Meta(ge=5, le=30)] = 25
    """Pictures a second that are composed; a stream may ask for fewer."""
    loudest: Annotated[int, Meta(ge=1, le=10)] = 3
    """How many of those who speak are mixed."""
    comfort_noise: Annotated[int, Meta(ge=-100, le=-40)] = -72
    """dBFS of the noise under every mix, so that silence is not taken for a dead line; -100: none."""
    gain_control: bool = True
    """Whether quiet and loud voices are brought to one level, by at most 9 dB."""
    h265: bool = False
    """Whether H.265 may be decoded and encoded: its cost is several times that of H.264."""
    bridge: bool = False
    """Whether two get each other's sound as it came, where their encodings are equal: nobody asks who speaks."""
    id: Id = 0


class Join(Message, frozen=True, tag="join"):
    """Take a participant in, with all streams; media flows when `Done` comes. Its sockets come with this message."""

    participant: Name
    streams: Annotated[tuple[Stream, ...], Meta(max_length=4)]
    muted: bool = False
    deaf: bool = False
    """See `Sound`: given here, nothing of the room is heard before the first word."""
    view: Annotated[str, Meta(max_length=64)] = ""
    """The view watched first on `video`; a `Scenes` may have named it already, and any later one replaces this."""
    id: Id = 0


class Change(Message, frozen=True, tag="change"):
    """Replace all streams of a participant (hold, a new offer, another remote address, new keys)."""

    participant: Name
    streams: Annotated[tuple[Stream, ...], Meta(max_length=4)]
    id: Id = 0


class Leave(Message, frozen=True, tag="leave"):
    """Let a participant go: his sockets are closed here, whatever was his is forgotten."""

    participant: Name
    id: Id = 0


class Scenes(Message, frozen=True, tag="scenes"):
    """Every view of the room, and who watches which; replaces all that was said before in one step.

    Who watches nothing is sent a black picture; a participant in no scene is not decoded.
    """

    scenes: Annotated[tuple[Scene, ...], Meta(max_length=64)]
    watching: Annotated[tuple[Watch, ...], Meta(max_length=256)]
    steering: Annotated[tuple[Steer, ...], Meta(max_length=256)] = ()
    id: Id = 0


class Sound(Message, frozen=True, tag="sound"):
    """How one participant takes part in the sound from now on."""

    participant: Name
    muted: bool = False
    """Whether nobody hears him."""
    deaf: bool = False
    """Whether he hears nobody, only prompts (lobby, reception)."""
    gain: Annotated[float, Meta(ge=-30, le=20)] = 0.0
    """dB that his voice is raised by, beside gain control."""
    echo: bool = False
    """Whether he hears himself (test room)."""
    id: Id = 0


class Prompt(Message, frozen=True, tag="prompt"):
    """Play a sound to one participant or, without a name, to all who hear the room; one after another.

    A WAV file: 48 kHz, one channel, 16 bit, at most two minutes. While it plays, the room is heard 12 dB softer.
    """

    path: Path
    participant: Annotated[str, Meta(max_length=64)] = ""
    key: Annotated[str, Meta(max_length=64)] = ""
    """Comes back in `Prompted` when it has ended."""
    repeat: Annotated[float, Meta(ge=0, le=600)] = 0.0
    """Seconds of silence after which it is played again, until `Quiet`; 0: once."""
    id: Id = 0


class Quiet(Message, frozen=True, tag="quiet"):
    """Stop the prompts of one participant or, without a name, those to all; no `Prompted` follows."""

    participant: Annotated[str, Meta(max_length=64)] = ""
    id: Id = 0


class Keyframe(Message, frozen=True, tag="keyframe"):
    """Send this participant a key picture: he asked by SIP INFO (RFC 5168)."""

    participant: Name
    media: Literal["video", "content"] = "video"
    id: Id = 0


class Refresh(Message, frozen=True, tag="refresh"):
    """Ask this participant for a key picture, by RTCP or, where he cannot, through `KeyframeWanted`."""

    participant: Name
    media: Literal["video", "content"] = "video"
    id: Id = 0


class Record(Message, frozen=True, tag="record"):
    """Write a view and the sound of the room to a Matroska file (H.264, Opus) until `StopRecord` or the end.

    The file comes with this message, open for writing; or it is made at `path`, where none may be.
    """

    path: Annotated[str, Meta(max_length=4096)]
    """Empty where the file comes with the message."""
    view: Name
    height: Annotated[int, Meta(ge=90, le=1080)] = 720
    kbps: Annotated[int, Meta(ge=100, le=10_000)] = 1_500
    id: Id = 0


class StopRecord(Message, frozen=True, tag="stop-record"):
    """End the recording; `Done` comes when the file is complete."""

    id: Id = 0


class Snapshot(Message, frozen=True, tag="snapshot"):
    """Write a view, as it is composed now, to a PNG file as with `Record`; `Done` comes when it is complete."""

    view: Name
    path: Annotated[str, Meta(max_length=4096)] = ""
    id: Id = 0


class Stop(Message, frozen=True, tag="stop"):
    """End the room: everything is closed, a recording is completed, and the process ends with status 0."""


ToWorker = (
    Start
    | Join
    | Change
    | Leave
    | Scenes
    | Sound
    | Prompt
    | Quiet
    | Keyframe
    | Refresh
    | Record
    | StopRecord
    | Snapshot
    | Stop
)

WorkerCodec: WireCodec[ToWorker] = WireCodec(ToWorker)
"""Reads what a worker is told."""


def descriptors_of(streams: Sequence[Stream]) -> int:
    """Count the sockets that come with these streams."""
    return sum(0 if stream.kept else 1 + stream.rtcp for stream in streams)
