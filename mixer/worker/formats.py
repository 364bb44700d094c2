"""How each encoding is taken apart, decoded, encoded and packed: one table for sound, one for pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mixer.wire import Format, Stream
from mixer.worker.adaptation import Send
from mixer.worker.engine import Gst, element

MTU = 1200
"""Octets of an RTP packet at most: fits through tunnels and SRTP with room to spare."""
SLICE = 1100
"""Octets of a slice where a receiver takes single NAL units only (packetization mode 0)."""
KEYFRAME_EVERY = 60
"""Seconds between key pictures that nobody asked for."""
H224_CAPS = "application/x-rtp,media=application,encoding-name=H224,clock-rate=4800"
"""Far-end camera control (RFC 4573)."""
OPUS_KBPS = 32
OPUS_COMPLEXITY = 5
"""Of 10: a quarter cheaper than the highest, and speech sounds the same."""

H264_CAPS = "video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au"
"""What we make of pictures in H.264."""

TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
"""The header extension of transport-wide sequence numbers."""

Chain = list[Gst.Element]
Bounds = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sound:
    """An encoding of sound."""

    name: str
    """In RTP maps."""
    clock: int
    """Hz of RTP time stamps; G.722 counts 8 kHz for 16 (RFC 3551, section 4.5.2)."""
    rate: int
    """Hz of samples."""
    decode: Callable[[], Chain]
    encode: Callable[[Format], Chain]
    pack: Callable[[int], Gst.Element]


@dataclass(frozen=True, slots=True)
class Video:
    """An encoding of pictures."""

    name: str
    decode: Callable[[], Chain]
    """From packets to encoded pictures, the first being where key pictures are asked for; then the decoder."""
    encode: Callable[[Send], Chain] | None
    """None of H.264, which `x264` makes."""
    pack: Callable[[Format], Gst.Element]


def _companded(letter: str) -> Sound:
    def pack(payload_type: int) -> Gst.Element:
        return element(f"rtppcm{letter}pay", pt=payload_type, mtu=MTU, min_ptime=20_000_000, max_ptime=20_000_000)

    law = {"a": "alaw", "u": "mulaw"}[letter]
    return Sound(
        f"PCM{letter.upper()}",
        8000,
        8000,
        lambda: [element(f"rtppcm{letter}depay"), element(f"{law}dec")],
        lambda _: [element(f"{law}enc")],
        pack,
    )


def _opus(format_: Format) -> Chain:
    return [
        element(
            "opusenc",
            bitrate=OPUS_KBPS * 1000,
            audio_type="voice",
            frame_size="20",
            complexity=OPUS_COMPLEXITY,
            inband_fec=format_.fec,
            packet_loss_percentage=5 if format_.fec else 0,
        )
    ]


SOUND = {
    "opus": Sound(
        "OPUS",
        48000,
        48000,
        lambda: [element("rtpopusdepay"), element("opusdec", plc=True, use_inband_fec=True)],
        _opus,
        lambda payload_type: element("rtpopuspay", pt=payload_type, mtu=MTU),
    ),
    "g722": Sound(
        "G722",
        8000,
        16000,
        lambda: [element("rtpg722depay"), element("avdec_g722")],
        lambda _: [element("avenc_g722")],
        lambda payload_type: element(
            "rtpg722pay", pt=payload_type, mtu=MTU, min_ptime=20_000_000, max_ptime=20_000_000
        ),
    ),
    "pcma": _companded("a"),
    "pcmu": _companded("u"),
}


def _capsfilter(caps: str) -> Gst.Element:
    return element("capsfilter", caps=Gst.Caps.from_string(caps))


def _x265(send: Send) -> Chain:
    encoder = element("x265enc", speed_preset="ultrafast", tune="zerolatency", bitrate=send.kbps)
    encoder.set_property("key-int-max", send.fps * KEYFRAME_EVERY)
    encoder.set_property("option-string", "pools=none:frame-threads=1:wpp=0:log-level=none")
    return [encoder, _capsfilter("video/x-h265,stream-format=byte-stream,alignment=au")]


def _vp8(send: Send) -> Chain:
    return [
        element(
            "vp8enc",
            deadline=1,
            cpu_used=16,
            target_bitrate=send.kbps * 1000,
            end_usage="cbr",
            keyframe_max_dist=send.fps * KEYFRAME_EVERY,
            threads=1,
            error_resilient="default",
            lag_in_frames=0,
        )
    ]


def _nal_decoder(number: int) -> Chain:
    """Decode H.264 or H.265; this engine's unpacker of H.265 cannot wait for key pictures by itself."""
    wait: dict[str, object] = {"request_keyframe": True, "wait_for_keyframe": True} if number == 264 else {}
    return [
        element(f"rtph{number}depay", **wait),
        element(f"h{number}parse"),
        element(f"avdec_h{number}", max_threads=1, output_corrupt=False, max_errors=-1),
    ]


VIDEO = {
    "h264": Video(
        "H264",
        lambda: _nal_decoder(264),
        None,
        lambda format_: element(
            "rtph264pay",
            pt=format_.payload_type,
            mtu=MTU,
            config_interval=-1,
            aggregate_mode="zero-latency" if format_.packetization_mode else "none",
        ),
    ),
    "h265": Video(
        "H265",
        lambda: _nal_decoder(265),
        _x265,
        lambda format_: element("rtph265pay", pt=format_.payload_type, mtu=MTU, config_interval=-1),
    ),
    "vp8": Video(
        "VP8",
        lambda: [
            element("rtpvp8depay", request_keyframe=True, wait_for_keyframe=True),
            element("vp8dec", threads=1),
        ],
        _vp8,
        lambda format_: element("rtpvp8pay", pt=format_.payload_type, mtu=MTU, picture_id_mode="15-bit"),
    ),
}


def rtp_caps(stream: Stream, payload_type: int) -> Gst.Caps | None:
    """Describe what comes under a payload type of a stream; None where nobody agreed on it."""
    if stream.telephone_event == payload_type:
        return Gst.Caps.from_string(
            "application/x-rtp,media=audio,encoding-name=TELEPHONE-EVENT,"
            f"clock-rate={stream.event_rate},payload={payload_type}"
        )
    for one in stream.receive:
        if one.rtx == payload_type:
            return Gst.Caps.from_string(
                "application/x-rtp,media=video,encoding-name=RTX,clock-rate=90000,"
                f"payload={payload_type},apt=(string){one.payload_type}{_numbered(stream)}"
            )
        if one.payload_type != payload_type:
            continue
        if one.encoding == "h224":
            return Gst.Caps.from_string(f"{H224_CAPS},payload={payload_type}")
        if one.encoding in SOUND:
            kind = SOUND[one.encoding]
            return Gst.Caps.from_string(
                f"application/x-rtp,media=audio,encoding-name={kind.name},clock-rate={kind.clock},payload={payload_type}"
            )
        return Gst.Caps.from_string(
            f"application/x-rtp,media=video,encoding-name={VIDEO[one.encoding].name},clock-rate=90000,"
            f"payload={payload_type}{_feedback(stream)}{_numbered(stream)}"
        )
    return None


def _numbered(stream: Stream) -> str:
    """Say that packets bear transport-wide sequence numbers: then the engine reports when each came."""
    if not stream.transport_cc:
        return ""
    return f',extmap-{stream.transport_cc}=(string)"{TRANSPORT_CC}",rtcp-fb-transport-cc=(boolean)true'


def _feedback(stream: Stream) -> str:
    words = {"nack": "rtcp-fb-nack", "pli": "rtcp-fb-nack-pli", "fir": "rtcp-fb-ccm-fir"}
    return "".join(f",{word}=(boolean)true" for kind, word in words.items() if kind in stream.feedback)
