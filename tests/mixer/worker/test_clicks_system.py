"""One who listens hears a steady tone without a click or a gap, whoever else comes, speaks, leaves or is announced."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from mixer.reports import Stats
from mixer.wire import Address, Format, Join, Leave, Prompt, Stream
from tests.mixer.worker import sounds
from tests.mixer.worker.world import Worker, bound, eventually, running

pytestmark = pytest.mark.system

RATE, BLOCK, BLOCK_SECONDS = 8000, 160, 0.02
STEADY, OTHERS = 440.0, (250.0, 330.0)
LOUD = 0.2
PCMA = Format("pcma", 8)
DRY = 8
"""How often the steady voice stops at first: then the room holds 190 ms of it, and a busy machine takes none away."""
STOPPED = 12
"""Blocks that it stops for: longer than anything is held."""
BEARABLE = 5
"""Blocks by which who sends may be late on a busy machine: less than is held."""
CLICK = 0.03
"""Of full scale, above the tones: noise of A-law and the kink where a voice fades have 0.017, a voice cut off 0.05."""
EDGE, TAPS = 1500.0, 129
BEFORE, GUESTS = 25, 6
STEP = 0.015
"""The same of the steady tone alone, where it is turned down in a step."""
LONG, REPEATED = 5760, 8
"""Samples of a prompt, and how often it comes: a step is heard at some moments of a wave, and not at others."""
BUFFER = 4_000_000


def levels() -> NDArray[np.int16]:
    """Give the sample of each octet of A-law (ITU-T G.711)."""
    octets = np.arange(256) ^ 0x55
    segment, rest = octets >> 4 & 7, octets & 15
    size = np.where(segment == 0, rest * 16 + 8, (rest * 16 + 264) << np.maximum(segment - 1, 0))
    return np.where(octets & 0x80, size, -size).astype(np.int16)


LEVELS = levels()
_RISING = np.sort(LEVELS)
_OCTETS = np.argsort(LEVELS).astype(np.uint8)


def pcma(sound: NDArray[np.float64]) -> bytes:
    places = np.searchsorted(_RISING, sound * 32767).clip(0, 255)
    return bytes(_OCTETS[places])


class Person:
    """Somebody who says a tone from the first packet to the last, at full loudness."""

    def __init__(self, room: Worker, name: str, hertz: float) -> None:
        self.name, self.hertz = name, hertz
        self.sockets = self._here, rtp, rtcp = bound(), bound(), bound()
        self._to = rtp.getsockname()
        self.said = 0
        stream = Stream("audio", remote=Address(*self._here.getsockname()), receive=(PCMA,), send=PCMA)
        room.do(Join(name, (stream,)), (rtp.fileno(), rtcp.fileno()))

    def say(self) -> None:
        at = np.arange(self.said * BLOCK, (self.said + 1) * BLOCK)
        head = bytes((0x80, 8)) + self.said.to_bytes(2) + (self.said * BLOCK).to_bytes(4) + self.name.encode()[-4:]
        self._here.sendto(head + pcma(LOUD * np.cos(2 * np.pi * self.hertz * at / RATE)), self._to)
        self.said += 1

    def close(self) -> None:
        for one in self.sockets:
            one.close()


class Speaking(threading.Thread):
    """Let all people speak, each 20 ms a block."""

    def __init__(self, steady: Person) -> None:
        super().__init__(daemon=True)
        self.people: tuple[Person, ...] = (steady,)
        """Replaced as a whole."""
        self.late = 0
        """Blocks by which it was later than can be borne."""
        self.block = 0
        self._ends = False

    def run(self) -> None:
        began = time.monotonic()
        steady = self.people[0]
        while not self._ends:
            wait = began + self.block * BLOCK_SECONDS - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            elif -wait > BEARABLE * BLOCK_SECONDS:
                self.late += 1
            stops, at = divmod(self.block, 2 * STOPPED)
            silent = stops < DRY and at < STOPPED
            for person in self.people:
                if person is not steady or not silent:
                    person.say()
            self.block += 1

    @property
    def settled(self) -> bool:
        """Whether the steady voice stops no more, and what was heard of that is over."""
        return self.block > 2 * STOPPED * (DRY + 1)

    def end(self) -> None:
        self._ends = True
        self.join()


class Listener:
    """Somebody who says nothing, and keeps what comes."""

    def __init__(self, room: Worker) -> None:
        self.sockets = self._here, rtp, rtcp = bound(), bound(), bound()
        self._here.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._here.setblocking(False)
        self.kept: list[tuple[int, bytes]] = []
        stream = Stream("audio", remote=Address(*self._here.getsockname()), receive=(PCMA,), send=PCMA)
        room.do(Join("listener", (stream,)), (rtp.fileno(), rtcp.fileno()))

    def keep(self) -> int:
        """Take in what came, time stamp and octets; gives how many blocks that were in all."""
        with suppress(BlockingIOError):
            while packet := self._here.recv(2000):
                self.kept.append((int.from_bytes(packet[4:8]), packet[12:]))
        return len(self.kept)

    def runs(self) -> Iterator[NDArray[np.float64]]:
        """Give the sound, cut where a block was left out."""
        run = [self.kept[0][1]]
        for (before, _), (after, octets) in pairwise(self.kept):
            if after - before & 0xFFFFFFFF != BLOCK:
                yield sound(run)
                run = []
            run.append(octets)
        yield sound(run)

    def close(self) -> None:
        for one in self.sockets:
            one.close()


def sound(payloads: list[bytes]) -> NDArray[np.float64]:
    heard: NDArray[np.float64] = LEVELS[np.frombuffer(b"".join(payloads), np.uint8)] / 32768
    return heard


def above(heard: NDArray[np.float64]) -> float:
    """Give the most that is above all tones: a tone that goes on has nothing there, a step of it has."""
    at = np.arange(TAPS) - TAPS // 2
    low = np.sinc(2 * EDGE / RATE * at) * 2 * EDGE / RATE * np.hamming(TAPS)
    return float(abs(np.convolve(heard, (at == 0) - low, "valid")).max())


def strengths(heard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give how loud the steady tone is, block by block; a window over four, so that other tones do not count."""
    wave = np.exp(-2j * np.pi * STEADY * np.arange(heard.size) / RATE)
    taper = np.hanning(4 * BLOCK)
    return np.asarray(2 * abs(np.convolve(heard * wave, taper / taper.sum(), "valid")[::BLOCK]), np.float64)


class Room:
    """A room in which one speaks steadily and one listens."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.steady = Person(worker, "0-steady", STEADY)
        self.people = [self.steady]
        self.listener = Listener(worker)
        self.speaking = Speaking(self.steady)
        self.speaking.start()

    def settle(self) -> int:
        """Wait until what is heard is steady, and forget what was before; gives what a busy machine cost so far."""
        eventually(self.worker, lambda: self.listener.keep() >= 0 and self.speaking.settled, "nobody speaks")
        self.listener.kept.clear()
        self.listen(BEFORE)
        return self.left_out

    @property
    def left_out(self) -> int:
        """Blocks that a busy machine may have cost: those that the room says, and those that were sent late."""
        return self.worker.wait(Stats).late + self.speaking.late

    def listen(self, blocks: int) -> None:
        """Let so many blocks come."""
        enough = self.listener.keep() + blocks
        eventually(self.worker, lambda: self.listener.keep() >= enough, "the listener hears nothing more")

    def close(self) -> None:
        self.speaking.end()
        self.listener.close()
        for one in self.people:
            one.close()


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    with running() as worker:
        made = Room(worker)
        yield made
        made.close()


def test_others_come_speak_and_go_without_a_click_or_a_gap(room: Room) -> None:
    before = room.settle()
    for number in range(GUESTS):
        guest = Person(room.worker, f"{number}-guest", OTHERS[number % 2])
        room.people.append(guest)
        room.speaking.people = room.steady, guest
        room.listen(10 + number)
        if number % 2:
            room.speaking.people = (room.steady,)  # his line is cut
            room.listen(5)
        room.worker.do(Leave(guest.name))
        room.listen(10)
        room.speaking.people = (room.steady,)
    runs = list(room.listener.runs())
    allowed = room.left_out - before
    assert max(above(run) for run in runs) < CLICK
    assert len(runs) - 1 <= allowed, "blocks are missing"
    loud = np.concatenate([strengths(run) for run in runs])
    assert np.count_nonzero(loud < 0.8 * np.median(loud)) <= 4 * allowed, "the steady tone is not heard all the time"


def test_a_prompt_turns_the_room_down_and_up_again_without_a_click(
    room: Room, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("prompt") / "prompt.wav"
    shape = np.hanning(LONG) * 0.1 * np.sin(2 * np.pi * OTHERS[0] * np.arange(LONG) / 48_000)
    sounds.write(path, shape.astype(np.float32))
    before = room.settle()
    for whom in ("", "listener"):
        for _ in range(REPEATED):
            room.worker.do(Prompt(str(path), whom))
            room.listen(LONG // 960 + 7)
    runs = list(room.listener.runs())
    allowed = room.left_out - before
    assert max(above(run) for run in runs) < STEP
    assert len(runs) - 1 <= allowed, "blocks are missing"
    loud = np.concatenate([strengths(run) for run in runs])
    assert loud.min() < 0.3 * loud.max(), "the prompt was not heard"
