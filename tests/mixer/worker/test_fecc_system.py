"""Far-end camera control (RFC 4573): given on to the camera that is steered, and to no other."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from mixer.wire import Address, Format, Join, Scenes, Steer, Stream
from tests.mixer.worker.world import PATIENCE, Worker, bound, running

pytestmark = pytest.mark.system

KIND = 107


@dataclass(slots=True)
class Remote:
    """A room system's camera control: where it is sent to, and its socket."""

    to: tuple[str, int]
    end: socket.socket
    number: int = 0

    def say(self, payload: bytes, *, times: int = 1) -> None:
        for _ in range(times):
            self.end.sendto(
                struct.pack("!BBHII", 0x80, 0x80 | KIND, self.number, 480 * self.number, 5) + payload, self.to
            )
            self.number += 1

    def hear(self, wanted: bytes, again: Callable[[], None] = lambda: None) -> list[bytes]:
        """Give the payloads that came, up to the one that is waited for; `again` is called whenever none comes."""
        heard: list[bytes] = []
        ends = time.monotonic() + PATIENCE
        self.end.settimeout(0.1)
        while not heard or heard[-1] != wanted:
            assert time.monotonic() < ends, f"{wanted!r} did not come, but {heard[-5:]}"
            try:
                packet = self.end.recv(2000)
            except TimeoutError:
                again()
                continue
            assert packet[1] & 127 == KIND
            heard.append(packet[12:])
        return heard


@pytest.fixture
def room() -> Iterator[Worker]:
    with running() as worker:
        yield worker


@pytest.fixture
def remotes(room: Worker) -> Iterator[dict[str, Remote]]:
    with ExitStack() as stack:
        joined = {}
        for name in ("anna", "bent", "carl"):
            rtp, rtcp, end = (stack.enter_context(bound()) for _ in range(3))
            form = Format("h224", KIND)
            stream = Stream("fecc", remote=Address(*end.getsockname()), receive=(form,), send=form)
            room.do(Join(name, (stream,)), (rtp.fileno(), rtcp.fileno()))
            joined[name] = Remote(rtp.getsockname(), end)
        yield joined


def steer(room: Worker, **whose: str) -> None:
    room.do(Scenes((), (), tuple(Steer(who, camera) for who, camera in whose.items())))


def test_what_one_says_moves_the_camera_he_steers_and_no_other(room: Worker, remotes: dict[str, Remote]) -> None:
    anna, bent, carl = remotes.values()
    anna.say(b"to nobody")
    steer(room, anna="bent", bent="anna")
    anna.say(b"left")
    assert bent.hear(b"left")[-1] == b"left"
    bent.say(b"right")
    assert anna.hear(b"right") == [b"right"]
    steer(room, anna="carl")
    bent.say(b"to nobody")
    anna.say(b"up")
    assert carl.hear(b"up") == [b"up"]
    steer(room, bent="carl", carl="bent", anna="bent")
    carl.say(b"down")
    assert bent.hear(b"down") == [b"down"]


def test_a_flood_and_a_packet_too_long_are_left_out(room: Worker, remotes: dict[str, Remote]) -> None:
    anna, bent, _ = remotes.values()
    steer(room, anna="bent", bent="anna")
    anna.say(bytes(600))
    anna.say(b"x", times=2000)
    heard = bent.hear(b"end", again=lambda: anna.say(b"end"))  # until the flood is forgotten
    assert bytes(600) not in heard
    assert len(heard) < 2000
    bent.say(b"still here")
    assert anna.hear(b"still here") == [b"still here"]
