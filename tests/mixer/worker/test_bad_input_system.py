"""Senders as bad as networks and systems make them: the others see no difference, and the sender is seen again."""

from __future__ import annotations

import base64
import os
import random
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import pytest

from bench.mixer.load import Packet, record
from mixer.reports import Stats, StreamStats
from mixer.wire import Address, Encryption, Format, Join, Key, Leave, Scene, Scenes, Stream, Suite, Tile, Watch
from tests.mixer.worker.world import PATIENCE, End, Peer, Worker, bound, eventually, running

pytestmark = pytest.mark.system

SUITE: Suite = "AES_CM_128_HMAC_SHA1_80"

Change = Callable[[list[bytes]], list[bytes]]


@lru_cache
def clip(width: int, height: int, pictures: int = 12) -> tuple[Packet, ...]:
    """Make a moving picture that begins with a key picture, in small packets."""
    return record(
        f"videotestsrc pattern=smpte horizontal-speed=2 num-buffers={pictures} !"
        f" video/x-raw,format=I420,width={width},height={height},framerate=15/1 !"
        " x264enc tune=zerolatency speed-preset=ultrafast bitrate=300 threads=1 !"
        " video/x-h264,profile=constrained-baseline ! rtph264pay pt=96 mtu=400 config-interval=-1"
        " timestamp-offset=0 ! appsink name=sink sync=false",
        90_000,
    )


class Raw:
    """A participant made of packets, who is sent pictures too."""

    def __init__(self, room: Worker, name: str) -> None:
        self.room, self.name = room, name
        self.theirs, self.ours = (bound(), bound()), bound()
        self.ours.settimeout(PATIENCE)
        self.ssrc, self.number, self.stamp = 7, 65_000, 0xFFFFF000
        form = Format("h264", 96)
        here = Address(*self.ours.getsockname())
        feedback = frozenset({"nack", "pli"})
        stream = Stream("video", here, here, receive=(form,), send=form, width=320, height=180, feedback=feedback)  # type: ignore[arg-type]
        room.do(Join(name, (stream,)), tuple(one.fileno() for one in self.theirs))
        tiles = (Tile(0, 0, 320, 180, "carl"), Tile(320, 0, 320, 180, name))
        room.do(Scenes((Scene("main", 640, 180, tiles),), tuple(Watch(one, "main") for one in ("carl", name))))

    def packets(self, packets: Sequence[Packet]) -> list[bytes]:
        """Give these packets with numbers and time stamps that follow those before."""
        made = []
        for one in packets:
            stamp = (self.stamp + one.stamp) & 0xFFFFFFFF
            head = struct.pack("!BBHII", 0x80, one.marker << 7 | 96, self.number, stamp, self.ssrc)
            made.append(head + one.payload)
            self.number = (self.number + 1) & 0xFFFF
        self.stamp = (self.stamp + packets[-1].stamp + 6000) & 0xFFFFFFFF
        return made

    def send(self, packets: Sequence[bytes], *, rtcp: bool = False) -> None:
        for number, packet in enumerate(packets):
            self.ours.sendto(packet, self.theirs[rtcp].getsockname())
            if number % 20 == 0:
                for _ in self.room.read(0.002):
                    pass

    def counted(self) -> StreamStats:
        said = self.room.wait(Stats, lambda said: any(one.participant == self.name for one in said.streams))
        return next(one for one in said.streams if one.participant == self.name)

    def close(self) -> None:
        self.room.do(Leave(self.name))
        for one in (*self.theirs, self.ours):
            one.close()


@pytest.fixture(scope="module")
def room() -> Iterator[Worker]:
    with running() as worker:
        yield worker


@pytest.fixture(scope="module")
def carl(room: Worker) -> Iterator[Peer]:
    one = Peer(room, "carl", End("video", "h264", colour="blue", size=(640, 180)))
    one.join()
    yield one
    one.close()


@pytest.fixture
def raw(room: Worker, carl: Peer, request: pytest.FixtureRequest) -> Iterator[Raw]:
    del carl
    one = Raw(room, f"raw-{abs(hash(request.node.name)) % 10**6}")
    yield one
    one.close()


def seen(room: Worker, carl: Peer, raw: Raw, packets: Sequence[Packet] | None = None) -> None:
    """Wait until both are seen: one who always behaves, and the other now that he does."""
    end = carl.by["video"]
    frames = end.frames

    def both() -> bool:
        raw.send(raw.packets(packets or clip(320, 180)))
        return end.frames > frames + 5 and end.shows(0.25, 0.5) == "blue" and end.shows(0.75, 0.4) != "black"

    eventually(room, both, "they are not seen")


def lost(packets: list[bytes]) -> list[bytes]:
    chance = random.Random(3)  # noqa: S311 - loss, no secret
    return [one for one in packets if chance.random() > 0.2]


def shuffled(packets: list[bytes]) -> list[bytes]:
    chance = random.Random(4)  # noqa: S311 - order, no secret
    return [packets[at] for at in sorted(range(len(packets)), key=lambda at: at + chance.uniform(0, 4))]


def jumping(packets: list[bytes]) -> list[bytes]:
    """Every twenty packets the numbers and time stamps go on somewhere else."""
    chance = random.Random(5)  # noqa: S311 - jumps, no secret
    made = []
    for at, one in enumerate(packets):
        if at % 20 == 0:
            number, stamp = chance.getrandbits(16), chance.getrandbits(32)
        moved = (
            (int.from_bytes(one[2:4], "big") + number) & 0xFFFF,
            (int.from_bytes(one[4:8], "big") + stamp) & 0xFFFFFFFF,
        )
        made.append(one[:2] + struct.pack("!HI", *moved) + one[8:])
    return made


def twice(packets: list[bytes]) -> list[bytes]:
    return [one for packet in packets for one in (packet, packet)]


@pytest.mark.parametrize("change", [lost, shuffled, jumping, twice])
def test_packets_lost_shuffled_doubled_or_jumping(room: Worker, carl: Peer, raw: Raw, change: Change) -> None:
    if change is twice:
        seen(room, carl, raw)  # a source that was never seen once is not believed
    for _ in range(5):
        raw.send(change(raw.packets(clip(320, 180))))
    if change in {shuffled, twice}:
        end = carl.by["video"]
        eventually(room, lambda: end.frame is not None and end.shows(0.75, 0.4) != "black", "he is not seen meanwhile")
    if change is jumping:
        raw.ssrc = 17  # an endpoint that has gone wrong starts anew
    seen(room, carl, raw)


def test_a_picture_that_changes_its_size_all_the_time(room: Worker, carl: Peer, raw: Raw) -> None:
    for size in ((320, 180), (640, 360), (176, 144), (352, 288), (1280, 720)) * 2:
        raw.send(raw.packets(clip(*size, 3)))
    seen(room, carl, raw, clip(640, 360))
    eventually(room, lambda: raw.counted().received.width == 640, "the size is not told")


def test_a_picture_that_is_too_large_is_not_decoded(room: Worker, carl: Peer, raw: Raw) -> None:
    for _ in range(2):
        raw.send(raw.packets(clip(3840, 2160, 2)))
    assert raw.counted().received.width == 0
    seen(room, carl, raw)


def test_a_sender_who_takes_our_source_number(room: Worker, carl: Peer, raw: Raw) -> None:
    seen(room, carl, raw)
    raw.ssrc = int.from_bytes(sent_to(raw)[8:12], "big")
    raw.send(raw.packets(clip(320, 180)))
    raw.ssrc = 7
    seen(room, carl, raw)


def sent_to(raw: Raw) -> bytes:
    """Give the newest packet of pictures that came."""
    raw.ours.setblocking(False)
    try:
        while True:
            raw.ours.recv(2000)
    except BlockingIOError:
        raw.ours.settimeout(PATIENCE)
    while True:
        packet = raw.ours.recv(2000)
        if packet[1] & 127 == 96:
            return packet


def test_a_flood_of_requests_for_key_pictures(room: Worker, carl: Peer, raw: Raw) -> None:
    seen(room, carl, raw)
    ours = int.from_bytes(sent_to(raw)[8:12], "big")
    pli = struct.pack("!BBHI", 0x80, 201, 1, 9) + struct.pack("!BBHII", 0x81, 206, 2, 9, ours)
    raw.counted()
    began, before = time.monotonic(), raw.counted().sent.keyframes
    for _ in range(3):
        raw.send([pli] * 500, rtcp=True)
        after = raw.counted().sent.keyframes
    assert before < after <= before + (time.monotonic() - began) + 2, "more than one a second"
    seen(room, carl, raw)


def test_a_full_intra_request_is_answered_with_a_key_picture(room: Worker, carl: Peer, raw: Raw) -> None:
    seen(room, carl, raw)
    ours, number = int.from_bytes(sent_to(raw)[8:12], "big"), 0
    before = raw.counted().sent.keyframes

    def answered() -> bool:
        nonlocal number  # RFC 5104 section 4.3.1.1: another number is another request
        number += 1
        fir = struct.pack("!BBHIIIB3x", 0x84, 206, 4, 9, 0, ours, number & 0xFF)
        raw.send([struct.pack("!BBHI", 0x80, 201, 1, 9) + fir], rtcp=True)
        return raw.counted().sent.keyframes > before

    eventually(room, answered, "no key picture comes")


def test_what_is_missing_is_asked_for_and_a_key_picture_where_it_does_not_come(
    room: Worker, carl: Peer, raw: Raw
) -> None:
    seen(room, carl, raw)
    asked = raw.counted().received.keyframes
    made = raw.packets(clip(320, 180))
    gap = len(made) // 2
    number = int.from_bytes(made[gap][2:4], "big")
    raw.send([*made[:gap], *made[gap + 1 :]])
    while number not in nacked(raw.ours.recv(2000)):
        pass
    eventually(room, lambda: raw.counted().received.keyframes > asked, "no key picture is asked for")


def nacked(packet: bytes) -> set[int]:
    """Give the numbers that generic NACKs (RFC 4585, section 6.2.1) of a compound packet ask for."""
    found: set[int] = set()
    while len(packet) >= 4 and 192 <= packet[1] <= 223:
        size = 4 * (1 + int.from_bytes(packet[2:4], "big"))
        if packet[1] == 205 and packet[0] & 31 == 1:
            for first, more in struct.iter_unpack("!HH", packet[12:size]):
                found |= {first, *((first + 1 + bit) & 0xFFFF for bit in range(16) if more >> bit & 1)}
        packet = packet[size:]
    return found


def test_reports_share_the_port_of_encrypted_media() -> None:
    keys = Encryption(*(Key(SUITE, base64.b64encode(os.urandom(30)).decode()) for _ in range(2)))
    with running() as room:
        one = Peer(room, "anna", End("video", "h264", colour="green", encryption=keys, mux=True))
        scene = Scene("main", 320, 180, (Tile(0, 0, 320, 180, "anna"),))
        room.do(Scenes((scene,), (Watch("anna", "main"),)))
        one.join()
        end = one.by["video"]
        eventually(room, lambda: end.frame is not None and end.shows(0.5, 0.5) == "green", "no picture came back")
        made = room.wait(Stats).streams[0].sent.keyframes
        end.ask_keyframe()
        eventually(room, lambda: room.wait(Stats).streams[0].sent.keyframes > made, "a request does not come through")
        eventually(room, lambda: room.wait(Stats).streams[0].sent.round_trip > 0, "reports do not go both ways")
        one.close()
