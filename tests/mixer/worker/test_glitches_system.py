"""Who comes and goes is no concern of the others: not one block of sound, not one picture of theirs is missing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import pytest

from bench.mixer.load import Player, sound_clip, video_clip
from mixer.reports import Stats
from mixer.wire import Address, Format, Join, Leave, Scene, Scenes, Stream, Tile, Watch
from tests.mixer.worker.world import Worker, bound, running

pytestmark = pytest.mark.system

CHANGES = 6
BLOCK, FPS, CLOCK = 960, 15, 90_000
BUFFER = 4_000_000
"""Octets that wait for a test on a busy machine."""
KINDS = (("audio", Format("opus", 111)), ("video", Format("h264", 96)))


class Listener:
    """Somebody who sends nothing, and keeps the head of each packet that comes."""

    def __init__(self, room: Worker) -> None:
        self.here: list[socket.socket] = []
        self.kept: tuple[list[tuple[int, int]], ...] = [], []
        streams, descriptors = [], []
        self.sockets: list[socket.socket] = []
        for media, form in KINDS:
            here, rtp, rtcp = (bound() for _ in range(3))
            here.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            here.setblocking(False)
            to = Address(*here.getsockname())
            streams.append(Stream(media, remote=to, receive=(form,), send=form, width=320, height=180))  # type: ignore[arg-type]
            descriptors += [rtp.fileno(), rtcp.fileno()]
            self.here.append(here)
            self.sockets += [here, rtp, rtcp]
        room.do(Join("listener", tuple(streams)), tuple(descriptors))

    def keep(self) -> None:
        """Keep number and time stamp of each packet that came."""
        for one, kept in zip(self.here, self.kept, strict=True):
            kept += [(int.from_bytes(packet[2:4]), int.from_bytes(packet[4:8])) for packet in received(one)]

    def close(self) -> None:
        for one in self.sockets:
            one.close()


def received(one: socket.socket) -> Iterator[bytes]:
    try:
        while True:
            yield one.recv(2000)
    except BlockingIOError:
        return


def missing(stamps: list[int], step: int) -> int:
    """Count the steps that were left out."""
    return sum(((after - before) & 0xFFFFFFFF) // step - 1 for before, after in pairwise(stamps))


def shown(names: list[str]) -> Scenes:
    tiles = tuple(Tile(160 * (at % 2), 90 * (at // 2), 160, 90, name) for at, name in enumerate(names))
    return Scenes((Scene("all", 320, 180, tiles),), tuple(Watch(one, "all") for one in ("listener", *names)))


def test_the_others_miss_nothing_when_somebody_comes_or_goes() -> None:
    with running(fps=FPS) as room:
        player = Player(room, 3, video_clip(180, FPS), sound_clip())
        listener = Listener(room)
        names = [join.participant for join, _ in player.joins]
        try:
            room.do(shown(names))
            player.start()
            room.wait(Stats, lambda said: sum(one.received.fps > 0 for one in said.streams) == len(names))
            before = room.wait(Stats).late
            listener.keep()
            for kept in listener.kept:
                kept.clear()
            for number in range(CHANGES):
                seat = number % len(names)
                room.do(Leave(names[seat]))
                room.do(shown([name for name in names if name != names[seat]]))
                names[seat] = f"guest-{number}"
                join, descriptors = player.joins[seat]
                room.do(msgspec.structs.replace(join, participant=names[seat]), descriptors)
                room.do(shown(names))
                room.wait(Stats)
                listener.keep()
            sound, pictures = listener.kept
            late = room.wait(Stats).late - before  # what a busy machine left out, and said so
        finally:
            player.stop()
            listener.close()
    for packets in (sound, pictures):
        assert packets
        assert missing([number for number, _ in packets], 1) == 0
    stamps = list(dict.fromkeys(stamp for _, stamp in pictures))
    gaps = missing([stamp for _, stamp in sound], BLOCK), missing(stamps, CLOCK // FPS)
    assert sum(gaps) <= late, f"{gaps} blocks and pictures are missing, {late} were late"
