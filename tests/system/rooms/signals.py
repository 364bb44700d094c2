"""Tones and pictures of numbers, as packets carry them, and how they are read again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.mixer.load import record
from mixer.worker.engine import Gst

BLOCK, RATE = 160, 8000
"""Samples of a block of 20 ms, and in a second."""
H264 = 97
"""The payload type of pictures."""
WIDE, HIGH, FPS = 320, 180, 10
BARS = 8
"""Of a picture: white, five for the number, parity, black."""


def _alaw() -> NDArray[np.float64]:
    """Give the sample of each octet (ITU-T G.711)."""
    found = []
    for octet in range(256):
        bits = octet ^ 0x55
        low, exponent = (bits & 15) << 4, (bits >> 4) & 7
        size = low + 8 if exponent == 0 else (low + 264) << (exponent - 1)
        found.append((size if bits & 128 else -size) / 32768)
    return np.array(found)


ALAW = _alaw()


def tone(hertz: float) -> bytes:
    """Give a block of a tone; of a multiple of 50 Hz, blocks follow one another without a click."""
    wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(BLOCK) / RATE)
    return bytes(int(np.abs(ALAW - one).argmin()) for one in wave)


SILENCE = tone(0)


def bars(number: int) -> bytes:
    """Draw a number (0 to 31), I420."""
    bits = [number >> bit & 1 for bit in range(4, -1, -1)]
    lit = [1, *bits, sum(bits) & 1, 0]
    luma = np.repeat(np.array([16, 235], dtype=np.uint8)[lit], WIDE // BARS)
    return np.tile(luma, (HIGH, 1)).tobytes() + bytes([128]) * (WIDE * HIGH // 2)


def read_bars(luma: NDArray[np.uint8]) -> int | None:
    """Read the number in a part of a picture; None where there is none."""
    row = luma[luma.shape[0] // 3].astype(float)
    lit = [int(part[len(part) // 4 : -len(part) // 4 or None].mean() > 126) for part in np.array_split(row, BARS)]
    if lit[0] != 1 or lit[-1] != 0 or sum(lit[1:-1]) & 1:
        return None
    return int("".join(map(str, lit[1:6])), 2)


def clip(number: int) -> list[list[bytes]]:
    """Encode a second of a number; gives payloads by picture, the first a key picture."""
    launch = (
        f"appsrc name=source format=time caps=video/x-raw,format=I420,width={WIDE},height={HIGH},framerate={FPS}/1 !"
        " x264enc tune=zerolatency speed-preset=ultrafast bitrate=200 key-int-max=100 !"
        f" video/x-h264,profile=constrained-baseline ! rtph264pay pt={H264} mtu=1100 config-interval=-1 !"
        " appsink name=sink sync=false"
    )
    packets = record(launch, 90_000, iter([bars(number)] * FPS), FPS)
    return [[one.payload for one in packets if one.stamp == at] for at in sorted({one.stamp for one in packets})]


def decoded(payloads: Sequence[bytes]) -> NDArray[np.uint8]:
    """Decode packets that begin with a key picture; gives the luminance of the last picture."""
    launch = (
        "appsrc name=source format=time caps=application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,"
        f"payload={H264} ! rtph264depay ! h264parse ! avdec_h264 max-threads=1 ! videoconvert !"
        " video/x-raw,format=GRAY8 ! appsink name=sink sync=false wait-on-eos=false max-buffers=1 drop=true"
    )
    pipeline = Gst.parse_launch(launch)
    source, sink = pipeline.get_by_name("source"), pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    try:
        for packet in payloads:
            source.push_buffer(Gst.Buffer.new_wrapped(packet))
        source.end_of_stream()
        bus = pipeline.get_bus()
        bus.timed_pop_filtered(10 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
        sample = sink.get_property("last-sample")
        assert sample is not None, f"no picture in {len(payloads)} packets"
        shape, buffer = sample.get_caps().get_structure(0), sample.get_buffer()
        wide, high = shape.get_value("width"), shape.get_value("height")
        picture = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), dtype=np.uint8)
        return picture.reshape(high, -1)[:, :wide]
    finally:
        pipeline.set_state(Gst.State.NULL)
