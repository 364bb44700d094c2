"""Bad lines: what is lost is sent again (RFC 4585, RFC 4588), what is too much no longer (transport-cc)."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import deque
from contextlib import ExitStack, suppress

import msgspec
import pytest

from bench.mixer.load import record
from mixer.reports import Flow, Stats
from mixer.wire import Address, Format, Join, Scene, Scenes, Stream, Tile, Watch
from tests.mixer.worker.test_bad_input_system import nacked
from tests.mixer.worker.world import PATIENCE, End, Peer, Worker, bound, eventually, running

pytestmark = pytest.mark.system

KIND, AGAIN = 96, 99
"""Payload types of pictures and of packets that are sent again."""
SOURCE, SOURCE_AGAIN = 7, 8
PICTURES = 10
"""Of a clip: it begins with a key picture, and then comes again."""
TICKS = 6000
"""Between two pictures: 15 a second of a clock of 90 kHz."""


def clip() -> list[list[bytes]]:
    """Make some pictures, the first in several packets; gives payloads by picture."""
    packets = record(
        f"videotestsrc pattern=snow num-buffers={PICTURES} !"
        " video/x-raw,format=I420,width=320,height=180,framerate=15/1 !"
        " x264enc tune=zerolatency speed-preset=ultrafast bitrate=500 key-int-max=1000 !"
        f" video/x-h264,profile=constrained-baseline ! rtph264pay pt={KIND} mtu=600 ! appsink name=sink sync=false",
        90_000,
    )
    stamps = sorted({packet.stamp for packet in packets})
    return [[packet.payload for packet in packets if packet.stamp == stamp] for stamp in stamps]


class Sender:
    """A camera whose network loses a packet of every key picture; it sends again what it is asked for.

    Once it was asked, it does not wait for the next time: how soon both get to run on a busy machine is not tried.
    """

    def __init__(self, to: tuple[str, int], socket_: socket.socket, reports: socket.socket) -> None:
        self._to, self._out, self._reports = to, socket_, reports
        self._sent: dict[int, tuple[int, bytes]] = {}
        self._number = self._again = self._pictures = 0
        self.repeated = 0

    def picture(self, payloads: list[bytes]) -> None:
        """Send one picture; of one in several packets, not the second."""
        stamp = self._pictures * TICKS
        self._pictures += 1
        for at, payload in enumerate(payloads):
            marked = (at == len(payloads) - 1) << 7
            self._sent[self._number] = (stamp, payload)
            if not (len(payloads) > 3 and at == 1 and self._pictures % PICTURES == 1):
                head = struct.pack("!BBHII", 0x80, marked | KIND, self._number, stamp, SOURCE)
                self._out.sendto(head + payload, self._to)
            elif self.repeated:
                self._repeat(self._number)
            self._number = (self._number + 1) & 0xFFFF

    def answer(self, seconds: float) -> None:
        """Send again, for so long, what is asked for."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self._reports.settimeout(left)
            try:
                report = self._reports.recv(2000)
            except TimeoutError:
                return
            for number in nacked(report):
                if number in self._sent:
                    self._repeat(number)

    def _repeat(self, number: int) -> None:
        stamp, payload = self._sent[number]
        head = struct.pack("!BBHII", 0x80, AGAIN, self._again, stamp, SOURCE_AGAIN)
        self._out.sendto(head + struct.pack("!H", number) + payload, self._to)
        self._again = (self._again + 1) & 0xFFFF
        self.repeated += 1


def test_a_picture_with_a_lost_packet_is_seen_once_it_was_sent_again() -> None:
    pictures = clip()
    assert len(pictures[0]) > 3
    with running() as room, bound() as rtp, bound() as rtcp, bound() as out, bound() as reports:
        form = Format("h264", KIND, rtx=AGAIN)
        stream = Stream(
            "video",
            remote=Address(*out.getsockname()),
            remote_rtcp=Address(*reports.getsockname()),
            receive=(form,),
            send=form,
            feedback=frozenset({"nack"}),
        )
        room.do(Scenes((Scene("all", 320, 180, (Tile(0, 0, 320, 180, "anna"),)),), (Watch("anna", "all"),)))
        room.do(Join("anna", (stream,)), (rtp.fileno(), rtcp.fileno()))
        sender = Sender(rtp.getsockname(), out, reports)
        deadline = time.monotonic() + PATIENCE
        while not seen(room):
            assert time.monotonic() < deadline, f"nothing is seen, {sender.repeated} packets were sent again"
            for one in pictures:
                sender.picture(one)
                sender.answer(1 / 15)
        assert sender.repeated


def seen(room: Worker) -> bool:
    """Tell whether the last count had a picture of his that was decoded."""
    counts = [one for one in room.read(0.001) if isinstance(one, Stats)]
    return any(stream.received.width == 320 for count in counts for stream in count.streams)


QUICK, SLOW, THIN = 10_000_000, 200_000 // 8, 1_000_000 // 8
"""Octets a second."""
ONE_WAY = 0.15
"""Seconds to a far end."""


class Line(threading.Thread):
    """Carry packets to a port, so many octets a second, and keep all others waiting: nothing is ever lost."""

    def __init__(self, to: tuple[str, int], *, seconds: float = 0.0) -> None:
        """`seconds` is how long each packet is on its way at least."""
        super().__init__(daemon=True)
        self.entrance = bound()
        self.octets = QUICK
        self._to, self._seconds = to, seconds
        self._stopping = False

    def run(self) -> None:
        free = 0.0
        waiting: deque[tuple[float, bytes]] = deque()
        while not self._stopping:
            self.entrance.settimeout(max(0.001, waiting[0][0] - time.monotonic()) if waiting else 0.1)
            with suppress(TimeoutError):
                packet = self.entrance.recv(2000)
                free = max(free, time.monotonic()) + len(packet) / self.octets
                waiting.append((free + self._seconds, packet))
            while waiting and waiting[0][0] <= time.monotonic():
                self.entrance.sendto(waiting.popleft()[1], self._to)

    def place(self) -> tuple[str, int]:
        """Give where it begins."""
        host, port = self.entrance.getsockname()
        return host, port

    def stop(self) -> None:
        self._stopping = True
        self.join()
        self.entrance.close()


def test_a_line_that_delays_but_loses_nothing_is_sent_less() -> None:
    source = "videotestsrc is-live=true pattern=snow ! video/x-raw,format=I420,width=320,height=180,framerate=15/1"
    with running() as room:
        end = End("video", "h264", source=source, size=(640, 360), feedback=frozenset({"pli", "transport-cc"}))
        there = end.stream.remote
        assert there is not None
        line = Line((there.host, there.port))
        end.stream = msgspec.structs.replace(end.stream, remote=Address(*line.entrance.getsockname()))
        anna = Peer(room, "anna", end)
        room.do(Scenes((Scene("all", 640, 360, (Tile(0, 0, 640, 360, "anna"),)),), (Watch("anna", "all"),)))
        line.start()
        anna.join()

        def sent() -> Flow:
            return room.wait(Stats, lambda said: bool(said.streams)).streams[0].sent

        eventually(room, lambda: sent().height == 360, "it does not begin with what the line seems to carry")
        line.octets = SLOW  # not before: how soon counts come on a busy machine is not what is tried
        eventually(room, lambda: 0 < sent().height < 360, "the rate does not fall")
        line.stop()
        anna.close()


def test_a_far_end_on_a_thin_line_is_seen_and_sees() -> None:
    """300 ms there and back, 1 Mbit/s each way, for RTP and RTCP."""
    source = "videotestsrc is-live=true pattern=snow ! video/x-raw,format=I420,width=320,height=180,framerate=15/1"
    with running() as room, ExitStack() as stack:
        end = End("video", "h264", source=source, size=(1280, 720), feedback=frozenset({"pli", "nack", "transport-cc"}))
        end.stream = msgspec.structs.replace(end.stream, kbps=1500)
        lines = []
        for to in (*(one.getsockname() for one in end.theirs), end.stream.remote, end.stream.remote_rtcp):
            line = Line(to if isinstance(to, tuple) else (to.host, to.port), seconds=ONE_WAY)
            line.octets = THIN
            lines.append(line)
            line.start()
            stack.callback(line.stop)
        for sink, line in zip(("rtp_out", "rtcp_out"), lines[:2], strict=True):
            end.named(sink).set_property("port", line.place()[1])
        to, reports_to = (Address(*line.place()) for line in lines[2:])
        end.stream = msgspec.structs.replace(end.stream, remote=to, remote_rtcp=reports_to)
        anna = Peer(room, "anna", end)
        tiles = (Tile(0, 0, 640, 360, "anna"), Tile(640, 0, 640, 360, "anna"))
        room.do(Scenes((Scene("all", 1280, 720, tiles),), (Watch("anna", "all"),)))
        anna.join()
        eventually(room, lambda: end.frames > 15, "nothing is seen over the line")
        room.wait(Stats, lambda said: said.streams[0].received.width == 320)
        room.wait(Stats, lambda said: said.streams[0].sent.round_trip >= 1000 * 2 * ONE_WAY)
        room.wait(Stats, lambda said: 0 < said.streams[0].sent.kbps < THIN * 8 / 1000)
        frames = end.frames
        eventually(room, lambda: end.frames > frames + 15, "the picture does not go on")
        anna.close()
