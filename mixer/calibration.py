"""How many ports this server carries: a room of HD participants is run on it, and what that takes is kept.

A room worker gets four participants whose pictures and sound all come from one sender, and composes one shared picture
for them, as most rooms do. Counted is the worker's processor time, so that the sender, and whatever else runs, costs
patience but not truth.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from mixer import wire
from mixer.agent.config import Config
from mixer.agent.media import PortRange
from mixer.agent.workers import Worker, beginning
from mixer.errors import MixerError
from mixer.layout import View, arrange
from mixer.reports import FromWorker, Stats
from vdx import ports

FILE = "calibration.json"

UNMEASURED = 4 * ports.PORT
"""Twelfths of a port of a server that was never measured: what the smallest one carries."""

SHARE = 0.7
"""Of its processors that rooms may take: the rest absorbs joins, bad networks, and the operating system."""

PARTICIPANTS = 4
SIZE = (1280, 720)
SETTLE_SECONDS = 30.0
"""For pictures to come out of the worker, on a server that does other things as well."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found: `per_port` is the share of one core that one HD participant takes."""

    cores: int
    seconds: float
    per_port: float
    late: int
    twelfths: int
    at: str


def known(state_dir: Path) -> int:
    """Give the capacity that was measured, in twelfths of a port."""
    try:
        found = json.loads((state_dir / FILE).read_text())
        return max(int(ports.PORT), int(found["twelfths"]))
    except (OSError, ValueError, KeyError, TypeError):
        return UNMEASURED


def capacity(cores: int, per_port: float) -> int:
    """Give twelfths of a port, whole ports only."""
    return max(1, int(cores * SHARE / per_port)) * ports.PORT


async def measure(config: Config, seconds: float) -> Measured:
    """Run the room and count; raises `MixerError` where it cannot."""
    counts: asyncio.Queue[Stats] = asyncio.Queue()

    def heard(said: FromWorker) -> None:
        if isinstance(said, Stats):
            counts.put_nowait(said)

    worker = await beginning(config.workers)()
    worker.heard = heard
    try:
        await asyncio.wait_for(asyncio.shield(worker.ready), SETTLE_SECONDS)
        with ExitStack() as stack:
            sender = await _fill(worker, config, stack)
            try:
                first = await asyncio.wait_for(_steady(counts), SETTLE_SECONDS)
                began = time.monotonic()
                last = first
                while time.monotonic() - began < seconds:
                    last = await asyncio.wait_for(counts.get(), SETTLE_SECONDS)
                passed = time.monotonic() - began
            finally:
                if sender.returncode is None:
                    sender.kill()
                await sender.wait()
    except TimeoutError as error:
        raise MixerError("no pictures came out of the room worker: is this server overloaded?") from error
    finally:
        await worker.stop()
    per_port = (last.cpu - first.cpu) / passed / PARTICIPANTS
    if per_port <= 0:
        raise MixerError("the room worker used no processor time that could be measured: measure for longer")
    cores = len(os.sched_getaffinity(0))
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Measured(cores, round(passed, 1), round(per_port, 4), last.late - first.late, capacity(cores, per_port), at)


def keep(state_dir: Path, measured: Measured) -> None:
    """Write the finding, whole or not at all."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=state_dir, prefix=".calibration-", delete=False) as file:
        json.dump(asdict(measured), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(state_dir / FILE)


async def _fill(worker: Worker, config: Config, stack: ExitStack) -> asyncio.subprocess.Process:
    """Bring the participants in, and start what they send."""
    address = config.media.address
    range_ = PortRange(address, config.media.first, config.media.last)
    away = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM))
    away.bind((address, 0))  # takes what the room sends; nobody reads it, and the kernel drops the rest
    remote = wire.Address(address, int(away.getsockname()[1]))
    names = [f"participant{number}" for number in range(PARTICIPANTS)]
    tiles = tuple(
        wire.Tile(*tile.rect, participant=tile.participant) for tile in arrange(View.ONE_MAIN_SEVEN_PIPS, names, *SIZE)
    )
    watching = tuple(wire.Watch(name, "all") for name in names)
    worker.send(wire.Start("calibration", fps=config.fps))
    to: dict[wire.Media, list[int]] = {"audio": [], "video": []}
    for name in names:
        streams: list[wire.Stream] = []
        descriptors: list[int] = []
        for media, spoken in (("audio", wire.Format("opus", 111)), ("video", wire.Format("h264", 99))):
            kind: wire.Media = "audio" if media == "audio" else "video"
            sockets = range_.reserve(kind)
            stack.callback(sockets.close)
            to[kind].append(sockets.port)
            streams.append(wire.Stream(kind, remote, receive=(spoken,), send=spoken, kbps=1_500, fps=config.fps))
            descriptors += sockets.descriptors(mux=False)
        await worker.do(wire.Join(name, tuple(streams)), descriptors)
    worker.send(wire.Scenes((wire.Scene("all", *SIZE, tiles),), watching))
    return await _sender(address, to["audio"], to["video"], config.fps)


async def _sender(address: str, audio: Sequence[int], video: Sequence[int], fps: int) -> asyncio.subprocess.Process:
    """Start one picture and one sound, sent to everybody."""

    def clients(numbers: Sequence[int]) -> str:
        return "clients=" + ",".join(f"{address}:{number}" for number in numbers)

    raw = f"video/x-raw,format=I420,width={SIZE[0]},height={SIZE[1]},framerate={fps}/1"
    encoder = f"x264enc tune=zerolatency speed-preset=ultrafast bitrate=1500 key-int-max={fps}"
    picture = (
        f"videotestsrc is-live=true pattern=ball ! {raw} ! {encoder} ! video/x-h264,profile=constrained-baseline ! "
        "rtph264pay pt=99 mtu=1200 ! multiudpsink "
    )
    sound = "audiotestsrc is-live=true wave=pink-noise volume=0.2 ! opusenc ! rtpopuspay pt=111 ! multiudpsink "
    words = [*picture.split(), clients(video), *sound.split(), clients(audio)]
    quiet = asyncio.subprocess.DEVNULL
    try:
        return await asyncio.create_subprocess_exec("gst-launch-1.0", "-q", *words, stdout=quiet, stderr=quiet)
    except FileNotFoundError as error:
        raise MixerError("gst-launch-1.0 is missing: install the package gstreamer1.0-tools") from error


async def _steady(counts: asyncio.Queue[Stats]) -> Stats:
    """Wait until everybody's picture comes in, and one goes out to everybody."""
    while True:
        said = await counts.get()
        pictures = [one for one in said.streams if one.media == "video"]
        if len(pictures) == PARTICIPANTS and all(one.received.fps > 1 and one.sent.kbps > 1 for one in pictures):
            return said
