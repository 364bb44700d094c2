"""Room systems on hosts of the lab: their signalling scripted, their sound and pictures packets made beforehand.

Each sends a picture with its number as bars and, while it speaks, a tone of its own; what it gets is kept, and looked
at when a test asks. One thread sends and receives for all, so that twenty of them cost next to nothing.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np

from lab.host import Host
from tests.peers import sdp
from tests.peers.agent import Agent, Dialog
from tests.peers.message import Message
from tests.peers.wires import Place
from tests.system.rooms.signals import ALAW, BLOCK, FPS, H264, RATE, SILENCE, clip, decoded, read_bars, tone

FIRST_PORT, PORTS = 30_000, 12
"""Each system has so many ports, from its own multiple on: two for each medium."""
MEDIA = ("audio", "video", "content", "camera", "floor")
PCMA, EVENTS, H224 = 8, 101, 107
EXTENSION = 3
"""The number of the header extension of transport-wide sequence numbers."""
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
BLOCK_S = BLOCK / RATE
KEPT = 20_000
"""Packets of a medium: minutes of sound on a busy machine, of which some are looked at."""
LISTENED = RATE // 2
"""Samples that are looked at when somebody listens."""
KEYS = "0123456789*#"
SPS, STAP_A = 7, 24
"""Types of NAL units (RFC 6184): a set of parameters, which begins a key picture; several units in one packet."""


@dataclass(slots=True)
class Line:
    """One medium of a system: its sockets, where it sends to, and what came."""

    rtp: socket.socket
    rtcp: socket.socket
    source: int
    to: Place | None = None
    reports_to: Place | None = None
    number: int = 0
    came: deque[bytes] = field(default_factory=lambda: deque(maxlen=KEPT))
    """Packets, whole; of pictures from the last key picture on."""
    reports: deque[bytes] = field(default_factory=lambda: deque(maxlen=100))

    def send(self, kind: int, stamp: int, payload: bytes, *, marker: bool = False, extension: bytes = b"") -> None:
        """Send a packet of RTP, if it is known where to."""
        if self.to is not None:
            first = 0x90 if extension else 0x80
            head = struct.pack(
                "!BBHII", first, marker << 7 | kind, self.number & 0xFFFF, stamp & 0xFFFFFFFF, self.source
            )
            self.rtp.sendto(head + extension + payload, self.to)
            self.number += 1

    def wish_key_picture(self) -> None:
        """Ask for a key picture (PLI, RFC 4585 section 6.3.1)."""
        if self.reports_to is not None and self.came:
            theirs = self.came[-1][8:12]
            self.rtcp.sendto(struct.pack("!BBHI", 0x81, 206, 2, self.source) + theirs, self.reports_to)

    def close(self) -> None:
        """Close both."""
        self.rtp.close()
        self.rtcp.close()


class System:
    """A room system of one number; `lines` are what it has beside sound and picture."""

    def __init__(self, host: Host, edge: str, number: int, hertz: int, lines: Sequence[str] = ()) -> None:
        self.number, self.hertz = number, hertz
        self.edge = edge
        self.media = [one for one in MEDIA if one in {"audio", "video", *lines}]
        self.numbered = "numbered" in lines
        self.agent = Agent(host, host.address(), user=f"system{number}")
        self.lines = {one: self._line(host, at) for at, one in enumerate(self.media)}
        self.speaks = False
        self.presents: list[list[bytes]] = []
        self.told: dict[str, sdp.Stream] = {}
        self.call: Dialog | None = None
        self.pictures = clip(number)
        self._tone = tone(hertz)
        self._keys: deque[str] = deque()
        self._blocks = self._frames = 0

    def _line(self, host: Host, at: int) -> Line:
        first = FIRST_PORT + PORTS * self.number + 2 * at
        sockets = [host.socket() for _ in range(2)]
        for offset, one in enumerate(sockets):
            one.bind((host.address(), first + offset))
            one.setblocking(False)
        return Line(sockets[0], sockets[1], source=1000 * self.number + at)

    # Signalling

    def offer(self) -> str:
        """Write what it has."""
        ports = {one: line.rtp.getsockname()[1] for one, line in self.lines.items()}
        cc = (f"rtcp-fb:{H264} transport-cc", f"extmap:{EXTENSION} {TRANSPORT_CC}") if self.numbered else ()
        h264 = (f"rtpmap:{H264} H264/90000", f"fmtp:{H264} profile-level-id=42e01f;packetization-mode=1")
        pli = f"rtcp-fb:{H264} nack pli"
        events = (f"rtpmap:{EVENTS} telephone-event/8000", f"fmtp:{EVENTS} 0-15")
        known = {
            "audio": ("audio", (str(PCMA), str(EVENTS)), (f"rtpmap:{PCMA} PCMA/8000", *events)),
            "video": ("video", (str(H264),), (*h264, pli, *cc)),
            "content": ("video", (str(H264),), (*h264, pli, "content:slides")),
            "camera": ("application", (str(H224),), (f"rtpmap:{H224} H224/4800",)),
        }
        rows = [
            sdp.Line("application", ports[one], "UDP/BFCP", ("*",), ("floorctrl:c-only",))
            if one == "floor"
            else sdp.Line(known[one][0], ports[one], formats=known[one][1], attributes=known[one][2])
            for one in self.media
        ]
        return sdp.write(self.agent.address, rows)

    def dial(self, alias: str) -> None:
        """Call a room through the edge, and wait until it answers."""
        self.call = self.agent.invite(f"sip:{alias}@{self.edge}", (self.edge, 5060), body=self.offer())
        answer = self.agent.expect(200, within=20.0)
        self.agent.ack(self.call, answer)
        streams = sdp.read(answer.body)
        assert len(streams) == len(self.media), answer.body
        for medium, stream in zip(self.media, streams, strict=True):
            assert stream.port, f"{medium} was refused:\n{answer.body}"
            self.told[medium] = stream
            line = self.lines[medium]
            line.reports_to = stream.address, stream.rtcp_port
            line.to = stream.address, stream.port

    def is_called_back(self) -> None:
        """Wait for a re-INVITE, and answer with what there was."""
        invite = self.agent.expect("INVITE", within=60.0)
        self.agent.reply(invite, 200, body=self.offer())
        self.agent.expect("ACK", within=20.0)

    def hang_up(self) -> Message:
        """Leave."""
        assert self.call is not None
        for line in self.lines.values():
            line.to = line.reports_to = None
        self.agent.bye(self.call)
        return self.agent.expect(200)

    def press(self, keys: str) -> None:
        """Press keys of the remote control, one after the other."""
        self._keys.extend(keys)

    # Media

    def block(self) -> None:
        """Send 20 ms of sound, and a key that was pressed."""
        line = self.lines["audio"]
        stamp = self._blocks * BLOCK
        if self._keys:
            event = KEYS.index(self._keys.popleft())
            for step in range(6):  # RFC 4733 section 2.5: it begins with a marker, and its end is sent three times
                payload = struct.pack("!BBH", event, (step > 2) << 7 | 10, BLOCK * (step + 1))
                line.send(EVENTS, stamp, payload, marker=step == 0)
        line.send(PCMA, stamp, self._tone if self.speaks else SILENCE, marker=not self._blocks)
        self._blocks += 1

    def picture(self) -> None:
        """Send a picture of each camera there is."""
        stamp = self._frames * 90_000 // FPS
        for medium, pictures in (("video", self.pictures), ("content", self.presents)):
            if not pictures or medium not in self.lines:
                continue
            packets = pictures[self._frames % len(pictures)]
            for at, payload in enumerate(packets):
                line = self.lines[medium]
                numbers = b""
                if self.numbered:  # RFC 8285 section 4.2: one element of two octets
                    numbers = struct.pack("!HHBHx", 0xBEDE, 1, EXTENSION << 4 | 1, line.number & 0xFFFF)
                line.send(H264, stamp, payload, marker=at == len(packets) - 1, extension=numbers)
        self._frames += 1

    def take(self, medium: str) -> None:
        """Keep what came on a medium."""
        line = self.lines[medium]
        for one, kept in ((line.rtp, line.came), (line.rtcp, line.reports)):
            while (packet := _received(one)) is not None:
                if one is line.rtp and medium in {"video", "content"} and _begins(packet):
                    kept.clear()
                kept.append(packet)

    def hears(self, *tones: int, but: Sequence[int] = ()) -> bool:
        """Tell whether it hears all these tones (Hz), and none of `but`."""
        packets = [one for one in list(self.lines["audio"].came)[-60:] if one[1] & 127 == PCMA]
        octets = b"".join(packet[12:] for packet in packets)[-LISTENED:]
        if len(octets) < LISTENED:
            return False
        wave = ALAW[np.frombuffer(octets, dtype=np.uint8)]
        taper = np.hanning(LISTENED)
        spectrum = 20 * np.log10(np.abs(np.fft.rfft(wave * taper)) / taper.sum() * 2 + 1e-9)
        there = [spectrum[one * LISTENED // RATE] for one in tones]
        absent = [spectrum[one * LISTENED // RATE] for one in but]
        return min(there, default=0.0) > HEARD and max(absent, default=-99.0) < UNHEARD

    def sees(self, medium: str, across: int, down: int) -> list[int | None]:
        """Read the numbers in the tiles of what it sees, row by row; [] before a key picture has come to its end."""
        packets = list(self.lines[medium].came)
        while packets and not packets[-1][1] & MARKER:  # the rest of this one is on its way
            packets.pop()
        if not packets or not _begins(packets[0]):
            return []
        picture = decoded(packets)
        high, wide = picture.shape
        tall = wide * 9 // 16 // across
        top = (high - tall * down) // 2
        return [
            read_bars(
                picture[top + row * tall : top + (row + 1) * tall, wide * at // across : wide * (at + 1) // across]
            )
            for row in range(down)
            for at in range(across)
        ]

    def close(self) -> None:
        """Close every socket."""
        self.agent.wire.close()
        for line in self.lines.values():
            line.close()


MARKER = 0x80
"""Of the second octet: the last packet of a picture (RFC 6184 section 5.1)."""

HEARD, UNHEARD = -45.0, -60.0
"""dBFS of a tone that is in the sound, and of one that is not."""


class Studio(threading.Thread):
    """Sends and receives for all systems, in time, until the end of the block; then closes them."""

    def __init__(self) -> None:
        super().__init__(name="studio", daemon=True)
        self.systems: list[System] = []
        self._poll = select.poll()
        self._places: dict[int, tuple[System, str]] = {}
        self._stopping = False
        self._failed: BaseException | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping = True
        self.join()
        for one in self.systems:
            one.close()
        assert self._failed is None, self._failed

    def add(self, system: System) -> System:
        """Take one in."""
        for medium, line in system.lines.items():
            for one in (line.rtp, line.rtcp):
                self._places[one.fileno()] = system, medium
                self._poll.register(one, select.POLLIN)
        self.systems.append(system)
        return system

    def run(self) -> None:
        """Send what is due and keep what comes."""
        try:
            for due in self._ticks():
                while (left := due - time.monotonic()) > 0:
                    for place, _ in self._poll.poll(1 + left * 1000):
                        system, medium = self._places[place]
                        system.take(medium)
        except BaseException as error:  # said by who ends the block
            self._failed = error
            raise

    def _ticks(self) -> Iterator[float]:
        """Send all that is due, and give when the next is."""
        began, tick = time.monotonic(), 0
        while not self._stopping:
            for system in self.systems:
                system.block()
                if tick % (RATE // BLOCK // FPS) == 0:
                    system.picture()
            tick += 1
            yield began + tick * BLOCK_S


def _received(one: socket.socket) -> bytes | None:
    try:
        return one.recv(2000)
    except (BlockingIOError, ConnectionRefusedError):
        return None


def payload(packet: bytes) -> bytes:
    """Give what is in a packet of RTP, without its header and extension (RFC 3550 section 5.1)."""
    start = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
    return packet[start:]


def _begins(packet: bytes) -> bool:
    """Tell whether a key picture begins with a packet."""
    octets = payload(packet)
    kind = octets[0] & 31 if octets else 0
    return kind == SPS or (kind == STAP_A and len(octets) > 3 and octets[3] & 31 == SPS)
