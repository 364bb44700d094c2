"""A disk that takes its time: calls go on meanwhile, and lines of the journal keep their order."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from gatewayd.config.disk import Directory
from gatewayd.config.journal import NAME, chain
from tests.gatewayd.config.bench import Bench, run
from vdx import versions
from vdx.versions import Principal

ANNA = Principal("anna")


class Slow(Directory):
    """Holds every line until it may go on; `reached` says that one is held."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def append(self, name: str, content: bytes, at: int) -> None:
        self.reached.set()
        assert self.go_on.wait(60)
        super().append(name, content, at)


async def held(bench: Bench) -> Slow:
    """Have the journal on a slow disk from now on."""
    await bench.start()
    disk = Slow(bench.root / "versions")
    bench.keeper.journal._disk = disk
    return disk


def freeze(why: str) -> versions.Freeze:
    return versions.Freeze(1, why, principal=ANNA)


def test_questions_are_answered_while_the_disk_takes_a_line(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        disk = await held(bench)
        asked = asyncio.ensure_future(bench.ask(freeze("holiday")))
        assert await asyncio.to_thread(disk.reached.wait, 60)
        meanwhile = await bench.ask(versions.Situation(2, principal=ANNA))
        assert meanwhile.frozen is None  # it counts once it is on the disk
        assert not asked.done()
        disk.go_on.set()
        assert isinstance(await asked, versions.Acknowledged)
        assert (await bench.ask(versions.Situation(3, principal=ANNA))).frozen.why == "holiday"

    run(scenario())


def test_lines_that_are_asked_for_at_once_follow_each_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        disk = await held(bench)
        asked = [asyncio.ensure_future(bench.ask(freeze(f"reason {number}"))) for number in range(9)]
        assert await asyncio.to_thread(disk.reached.wait, 60)
        disk.go_on.set()
        await asyncio.gather(*asked)
        lines = [line.entry for line in bench.keeper.journal.recent][-9:]
        assert [line.why for line in lines] == [f"reason {number}" for number in range(9)]
        assert [line.number for line in lines] == [*range(lines[0].number, lines[0].number + 9)]
        assert chain((tmp_path / "versions" / NAME).read_bytes()) == ""

    run(scenario())


def test_a_line_comes_to_its_end_also_where_who_asked_is_gone(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        disk = await held(bench)
        asked = asyncio.ensure_future(bench.ask(freeze("holiday")))
        assert await asyncio.to_thread(disk.reached.wait, 60)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        disk.go_on.set()
        await bench.ask(versions.Unfreeze(2, "back", principal=ANNA))  # follows it
        assert [line.entry.why for line in bench.keeper.journal.recent][-2:] == ["holiday", "back"]
        assert chain((tmp_path / "versions" / NAME).read_bytes()) == ""

    run(scenario())
