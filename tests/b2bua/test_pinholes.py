"""The shell around the pinhole socket: what is said at once, what waits for company, and what comes in together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from b2bua.call.desk import Question
from b2bua.pinholes import PATIENT_SECONDS, PinholeClient
from tests.b2bua.transport.station import until
from vdx import pinhole, wire
from vdx.pinhole import Done, Hold, Lease, Release, Stream

CALL = "aaaaaaaaaaaaa"
END = pinhole.End("sdn", "hospital", 4)
LEASE = Lease(1, CALL, (Stream(f"{CALL}.0", "rtp", END, END),))


class Calls:
    """What the client tells the calls."""

    def __init__(self) -> None:
        self.heard: list[pinhole.Reply | pinhole.Event] = []
        self.after: list[int] = []  # how many had been heard when what follows was sent

    def pinholes_connected(self, now: float) -> tuple[str, ...]:
        assert now >= 0
        return ()

    def pinholes_lost(self, now: float) -> None:
        assert now >= 0

    def on_pinhole(self, message: pinhole.Reply | pinhole.Event, now: float) -> None:
        assert now >= 0
        self.heard.append(message)


class Stage:
    """A client that is connected, with what it says and a way to answer; its clock stands still unless it is moved."""

    def __init__(self, path: Path) -> None:
        self.now = 100.0
        self.calls = Calls()
        self.path = path
        self.client = PinholeClient(
            path, self.calls, lambda: self.now, lambda: self.calls.after.append(len(self.calls.heard))
        )
        self.door: asyncio.Queue[wire.Connection[pinhole.Request]] = asyncio.Queue()
        self.over = asyncio.Event()

    async def attend(self, connection: wire.Connection[pinhole.Request]) -> None:
        self.door.put_nowait(connection)
        await self.over.wait()

    def ask(self, *questions: Question) -> None:
        self.client.send(questions)


def play(path: Path, scene: Callable[[Stage, wire.Connection[pinhole.Request]], Awaitable[None]]) -> None:
    async def stage() -> None:
        it = Stage(path / "socket")
        server = await wire.serve(it.path, pinhole.GatewayCodec, it.attend, mode=0o600)
        running = asyncio.create_task(it.client.run())
        async with asyncio.timeout(10):
            there = await it.door.get()
            assert await there.receive() == Hold(0, ())
            await scene(it, there)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        it.over.set()
        server.close()

    asyncio.run(stage())


async def hears(there: wire.Connection[pinhole.Request], expected: Sequence[pinhole.Request]) -> None:
    for request in expected:
        assert await there.receive() == request


def test_in_quiet_times_a_release_goes_at_once(tmp_path: Path) -> None:
    async def scene(it: Stage, there: wire.Connection[pinhole.Request]) -> None:
        for number in range(3):
            it.now += PATIENT_SECONDS
            release = Release(0, (f"{CALL}.{number}",))
            it.ask(release)
            assert it.client._later is None
            await hears(there, [release])

    play(tmp_path, scene)


def test_else_it_travels_before_the_next_question(tmp_path: Path) -> None:
    async def scene(it: Stage, there: wire.Connection[pinhole.Request]) -> None:
        it.ask(LEASE)
        kept = [Release(0, (f"{CALL}.{number}",)) for number in range(3)]
        for release in kept:
            it.ask(release)
        assert it.client._later is not None
        it.ask(LEASE)
        assert it.client._later is None
        await hears(there, [LEASE, *kept, LEASE])

    play(tmp_path, scene)


def test_one_that_is_to_be_answered_waits_as_well(tmp_path: Path) -> None:
    async def scene(it: Stage, there: wire.Connection[pinhole.Request]) -> None:
        it.ask(LEASE)
        release = Release(7, (f"{CALL}.0",))
        it.ask(release)
        assert it.client._later is not None
        it.ask(LEASE)
        await hears(there, [LEASE, release, LEASE])

    play(tmp_path, scene)


def test_or_alone_where_none_comes(tmp_path: Path) -> None:
    async def scene(it: Stage, there: wire.Connection[pinhole.Request]) -> None:
        release = Release(0, (f"{CALL}.0",))
        it.ask(LEASE, release)
        it.ask(release)
        await hears(there, [LEASE, release, release])

    play(tmp_path, scene)


def test_a_program_that_stops_says_its_last_words(tmp_path: Path) -> None:
    async def scene(it: Stage, there: wire.Connection[pinhole.Request]) -> None:
        release = Release(0, (f"{CALL}.0",))
        it.ask(LEASE)
        it.ask(release)
        [task] = [task for task in asyncio.all_tasks() if "PinholeClient.run" in repr(task)]
        task.cancel()
        await hears(there, [LEASE, release])
        assert await there.receive() is None

    play(tmp_path, scene)


def test_answers_that_come_together_are_acted_on_together(tmp_path: Path) -> None:
    async def scene(it: Stage, there: wire.Connection[pinhole.Request]) -> None:
        before = len(it.calls.after)
        for number in range(5):
            there.send(Done(number))
        await until(lambda: len(it.calls.heard) == 5)
        assert it.calls.heard == [Done(number) for number in range(5)]
        assert it.calls.after[before:] == [5]

    play(tmp_path, scene)
