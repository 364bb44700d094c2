"""UDP sockets together: read as datagrams come, at an interval when they are many, and left without a trace."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from b2bua.sip import Flow
from b2bua.transport import Listener
from b2bua.transport.datagrams import Datagrams
from b2bua.transport.limits import BATCH, BUSY_DATAGRAMS
from b2bua.transport.udp import UdpSocket
from tests.b2bua.transport.station import LOOPBACK, until


class Hearer:
    """What arrived, and after how many of those the answers left."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.left: list[int] = []
        self.datagrams = Datagrams(lambda: self.left.append(len(self.heard)))
        self.sockets = [UdpSocket(Listener("lan", "udp", LOOPBACK, 0), number, self.take) for number in (1, 2)]
        for each in self.sockets:
            self.datagrams.open(each)

    def take(self, data: bytes, flow: Flow) -> None:
        assert flow.transport == "udp"
        self.heard.append(data)
        if data == b"fault":
            raise LookupError("a fault in one message")

    async def hears(self, count: int) -> None:
        await until(lambda: len(self.heard) >= count)


def play(scene: Callable[[Hearer, socket.socket], Coroutine[None, None, None]]) -> None:
    async def stage() -> None:
        before = len(list(Path("/proc/self/fd").iterdir()))
        hearer = Hearer()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
            await scene(hearer, far)
        hearer.datagrams.shut(lambda _listener: True)
        assert len(list(Path("/proc/self/fd").iterdir())) == before
        assert not list(hearer.datagrams)

    asyncio.run(stage())


def test_few_are_answered_one_by_one() -> None:
    async def scene(hearer: Hearer, far: socket.socket) -> None:
        for number in range(4):
            far.sendto(b"%d" % number, hearer.sockets[number % 2].local)
            await hearer.hears(number + 1)
        assert hearer.left == [1, 2, 3, 4]

    play(scene)


def test_many_are_answered_together_and_none_is_lost() -> None:
    async def scene(hearer: Hearer, far: socket.socket) -> None:
        sent = 0
        for _ in range(30):
            for _ in range(BUSY_DATAGRAMS):
                far.sendto(b"%d" % sent, hearer.sockets[sent % 2].local)
                sent += 1
            await hearer.hears(sent)
        assert sorted(map(int, hearer.heard)) == list(range(sent))
        assert len(hearer.left) <= sent / 4
        await until(lambda: not hearer.datagrams._pace.busy)  # silence: as they come again
        far.sendto(b"last", hearer.sockets[0].local)
        await hearer.hears(sent + 1)

    play(scene)


def test_more_than_a_batch_is_read_to_the_end() -> None:
    async def scene(hearer: Hearer, far: socket.socket) -> None:
        for number in range(3 * BATCH):
            far.sendto(b"%d" % number, hearer.sockets[0].local)
        await hearer.hears(3 * BATCH)
        assert hearer.left[0] == BATCH  # the first answers do not wait for the last question

    play(scene)


@pytest.mark.parametrize("busy", [False, True])
def test_a_fault_in_one_message_keeps_nothing_of_the_others_back(busy: bool) -> None:
    async def scene(hearer: Hearer, far: socket.socket) -> None:
        told: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["exception"]))
        flood = BUSY_DATAGRAMS if busy else 0
        for _ in range(flood):
            far.sendto(b"flood", hearer.sockets[0].local)
        await hearer.hears(flood)
        for data in (b"before", b"fault", b"after"):
            far.sendto(data, hearer.sockets[0].local)
        await hearer.hears(flood + 3)
        await until(lambda: hearer.left[-1] == flood + 3)
        assert flood + 2 in hearer.left
        assert [type(each) for each in told] == [LookupError]

    play(scene)


@pytest.mark.parametrize("busy", [False, True])
def test_a_listener_that_is_shut_leaves_the_others_open(busy: bool) -> None:
    async def scene(hearer: Hearer, far: socket.socket) -> None:
        flood = BUSY_DATAGRAMS if busy else 0
        for _ in range(flood):
            far.sendto(b"flood", hearer.sockets[1].local)
        await hearer.hears(flood)
        gone = hearer.sockets[0].listener
        hearer.datagrams.shut(lambda listener: listener is gone)
        far.sendto(b"still", hearer.sockets[1].local)
        await hearer.hears(flood + 1)
        assert [each.id for each in hearer.datagrams] == [2]

    play(scene)
