"""Records of ended calls: written together, and never later than they are asked for or the program ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from b2bua.call.gateway import Gateway
from b2bua.call.record import CallRecord, Details
from b2bua.ids import GatewayIds
from b2bua.seeing import Sight
from b2bua.transport import Shell
from tests.b2bua.transport.station import until
from vdx.record import PartyRecord, RecordList, Records


def ended(name: str) -> CallRecord:
    party = PartyRecord("sdn", "hospital", "room1", "tls")
    details = Details(party, party, (), 1.0, None, None, 2.0)
    return CallRecord(name, "hospital", "clinic", "room1", 486, "callee", "486 Busy Here", None, None, details)


def play(path: Path, scene: Callable[[Sight], Awaitable[None]]) -> None:
    async def stage() -> None:
        gateway = Gateway(GatewayIds(), lambda _record: None, time.time)
        sight = Sight(gateway, Shell(gateway), asyncio.get_running_loop().time, path)
        try:
            await asyncio.wait_for(scene(sight), 10)
        finally:
            sight.close()

    asyncio.run(stage())


def lines(path: Path) -> int:
    return sum(len(file.read_bytes().splitlines()) for file in path.glob("records/*.jsonl"))


def test_what_ends_together_is_written_together(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(sight: Sight) -> None:
        with caplog.at_level("INFO"):
            for name in ("a" * 13, "b" * 13):
                sight.keep(ended(name))
            assert lines(tmp_path) == 0
            await until(lambda: lines(tmp_path) == 2)
            assert [record.message for record in caplog.records] == ["call.ended", "call.ended"]
            sight.keep(ended("c" * 13))
            await until(lambda: lines(tmp_path) == 3)

    play(tmp_path, scene)


def test_who_asks_sees_what_has_just_ended(tmp_path: Path) -> None:
    async def scene(sight: Sight) -> None:
        sight.keep(ended("a" * 13))
        answer = await sight.answer(Records(1, 0.0))
        assert isinstance(answer, RecordList)
        assert [record.call for record in answer.records] == ["a" * 13]

    play(tmp_path, scene)


def test_nothing_is_lost_where_the_program_ends(tmp_path: Path) -> None:
    async def scene(sight: Sight) -> None:
        sight.keep(ended("a" * 13))

    play(tmp_path, scene)
    assert lines(tmp_path) == 1
