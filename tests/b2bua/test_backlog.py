"""Records that the hub has not got: read from disk from a mark on, and sent once more rather than not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nats.aio.client import Client

from b2bua.backlog import OVERLAP_SECONDS, Backlog
from b2bua.link import RECORDS
from b2bua.records import utc
from vdx.bus import Address, Bus, Outbox
from vdx.record import CallRecord, PartyRecord, RecordList, Records

NOW = 2_000_000_000.0
PARTY = PartyRecord("sdn", "hospital", "900", "udp")


def record(call: str, ended: float) -> CallRecord:
    return CallRecord(call, PARTY, PARTY, utc(ended - 60), None, None, utc(ended), None, 200, "caller", "bye")


class World:
    """Records on disk in two pages, and an outbox that nobody empties."""

    def __init__(self, folder: Path, *records: CallRecord) -> None:
        self.asked: list[Records] = []
        self.records = records
        self.outbox = Outbox(Bus(Address(("nats://127.0.0.1:1",), "edge1")), RECORDS)
        self.backlog = Backlog(folder / "mark", self.past, self.outbox, lambda one: one.call, lambda: NOW)

    def past(self, question: Records) -> RecordList:
        self.asked.append(question)
        half = len(self.records) // 2
        page = self.records[half:] if question.cursor else self.records[:half]
        return RecordList(question.id, page, "" if question.cursor else "2026-01-01.000:7")

    def connect(self) -> list[str]:
        asyncio.run(self.backlog.follow(Client()))
        return [ident for ident, _ in self.outbox._waiting]


def test_what_ended_after_the_mark_is_sent_in_pages(tmp_path: Path) -> None:
    (tmp_path / "mark").write_text("1000000.000\n")
    world = World(tmp_path, record("a", 999_990), record("b", 1_000_010), record("c", 1_000_020))
    assert world.connect() == ["a", "b", "c"]
    assert [(one.since, one.cursor) for one in world.asked] == [
        (1_000_000 - OVERLAP_SECONDS, ""),
        (1_000_000 - OVERLAP_SECONDS, "2026-01-01.000:7"),
    ]


def test_another_connection_sends_only_what_may_have_been_dropped(tmp_path: Path) -> None:
    world = World(tmp_path, record("a", NOW), record("b", NOW))
    assert world.connect() == ["a", "b"]
    assert world.connect() == ["a", "b"]  # nothing was asked for again
    assert len(world.asked) == 2
    world.outbox.lost = 1
    assert world.connect() == ["a", "b", "a", "b"]


def test_the_mark_moves_with_what_has_arrived_and_outlasts_the_program(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert float((tmp_path / "mark").read_text()) == NOW  # a bus that is new to this edge gets no history
    world.backlog.sent(record("a", NOW + 500))
    world.backlog.sent(record("b", NOW + 100))  # ended before, arrived after
    world.backlog.close()
    assert float((tmp_path / "mark").read_text()) == NOW + 500


def test_a_mark_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "mark").write_text("yesterday")
    World(tmp_path)
    assert float((tmp_path / "mark").read_text()) == NOW
