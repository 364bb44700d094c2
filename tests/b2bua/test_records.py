"""Records on disk: whole lines after a kill, days and sizes apart, the old ones dropped, the rest read back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import msgspec
import pytest

from b2bua import records
from b2bua.call.record import CallRecord as Ended
from b2bua.call.record import Details
from b2bua.records import RecordBook, told, utc
from vdx.record import CallRecord, PartyRecord, RecordRules, Records, StreamRecord

DAY = 86_400.0
NOON = 20_000 * DAY + DAY / 2  # 2024-10-04


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def record(number: int, ended: float = NOON) -> CallRecord:
    party = PartyRecord("sdn", "hospital", "room1", "tls")
    name = f"{number:013d}".translate(str.maketrans("0189", "abcd"))
    return CallRecord(name, party, party, utc(ended - 60), None, None, utc(ended), None, 486, "callee", "486 Busy")


def numbers(found: tuple[CallRecord, ...]) -> list[str]:
    return [one.call for one in found]


def book(tmp_path: Path, clock: Clock, **rules: int) -> RecordBook:
    return RecordBook(tmp_path / "records", clock, RecordRules(**rules))


def test_a_record_tells_the_call_in_utc() -> None:
    caller, callee = PartyRecord("sdn", "hospital", "or-1", "tls"), PartyRecord("internet", "clinic", "bob", "udp")
    streams = (StreamRecord("audio", "opus", "sendrecv", 10, 1000, 20, 2000),)
    details = Details(caller, callee, streams, 100.0, 101.5, 103.25, 163.25)
    ended = Ended("a" * 13, "hospital", "clinic", "bob", 200, "caller", "bye", 3.25, 60.0, details)
    assert msgspec.json.decode(msgspec.json.encode(told(ended, NOON - 100.0))) == {
        "call": "a" * 13,
        "caller": {"zone": "sdn", "peer": "hospital", "alias": "or-1", "transport": "tls"},
        "callee": {"zone": "internet", "peer": "clinic", "alias": "bob", "transport": "udp"},
        "began": "2024-10-04T12:00:00.000Z",
        "rang": "2024-10-04T12:00:01.500Z",
        "answered": "2024-10-04T12:00:03.250Z",
        "ended": "2024-10-04T12:01:03.250Z",
        "setup": 3.25,
        "status": 200,
        "ended_by": "caller",
        "why": "bye",
        "streams": [
            {
                "medium": "audio",
                "codec": "opus",
                "direction": "sendrecv",
                "caller_packets": 10,
                "caller_octets": 1000,
                "callee_packets": 20,
                "callee_octets": 2000,
            }
        ],
    }


def test_what_was_written_is_read_in_its_order_and_from_a_time_on(tmp_path: Path) -> None:
    clock = Clock()
    written = book(tmp_path, clock)
    for number in range(5):
        written.add(record(number, NOON + number))
    assert numbers(written.read(Records(1, 0)).records) == [record(number).call for number in range(5)]
    late = written.read(Records(7, NOON + 2, NOON + 3))
    assert (late.id, numbers(late.records)) == (7, [record(2).call, record(3).call])
    (file,) = (tmp_path / "records").iterdir()
    assert file.name == "2024-10-04.000.jsonl"
    assert file.stat().st_mode & 0o777 == 0o640


def test_long_answers_come_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_ANSWER", 2)
    monkeypatch.setattr(records, "MAX_FILE", 700)
    clock = Clock()
    written = book(tmp_path, clock)
    for number in range(7):
        written.add(record(number))
    assert len(list((tmp_path / "records").iterdir())) > 1
    seen: list[str] = []
    cursor = ""
    for _ in range(10):
        answer = written.read(Records(1, 0, cursor=cursor))
        seen += numbers(answer.records)
        cursor = answer.cursor
        if not cursor:
            break
    assert seen == [record(number).call for number in range(7)]


def test_a_day_has_its_own_file_and_old_days_go(tmp_path: Path) -> None:
    clock = Clock()
    written = book(tmp_path, clock, days=2)
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "notes.txt").write_text("not ours")
    for day in range(5):
        clock.now = NOON + day * DAY
        written.add(record(day, clock.now))
    written.close()
    names = sorted(path.name for path in (tmp_path / "records").iterdir())
    assert names == [
        "2024-10-06.000.jsonl",
        "2024-10-07.000.jsonl",
        "2024-10-08.000.jsonl",
        "notes.txt",
    ]


def test_too_many_octets_drop_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_FILE", 200_000)
    clock = Clock()
    written = book(tmp_path, clock, megabytes=1)
    for number in range(6_000):
        written.add(record(number))
    written.close()
    sizes = [path.stat().st_size for path in (tmp_path / "records").iterdir()]
    assert sum(sizes) <= 1_000_000
    assert len(sizes) == 5


def test_nothing_is_lost_when_the_program_is_killed(tmp_path: Path) -> None:
    """The child says what it has written and is killed in the middle of going on."""
    script = """
        import sys, time
        from pathlib import Path
        from b2bua.records import RecordBook
        from tests.b2bua.test_records import record
        book = RecordBook(Path(sys.argv[1]), time.time)
        number = 0
        while True:
            book.add(record(number, time.time()))
            number += 1
            print(number, flush=True)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), tmp_path / "records"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert child.stdout is not None
    with child:
        for _ in range(200):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        said = [line for line in child.stdout.read().splitlines() if line]
    promised = int(said[-2]) if len(said) > 1 else 200
    found: list[str] = []
    reader = RecordBook(tmp_path / "records", Clock())
    cursor = ""
    while True:
        answer = reader.read(Records(1, 0, cursor=cursor))
        found += numbers(answer.records)
        cursor = answer.cursor
        if not cursor:
            break
    assert found[:promised] == [record(number).call for number in range(promised)]


def test_a_torn_line_spoils_only_itself(tmp_path: Path) -> None:
    clock = Clock()
    first = book(tmp_path, clock)
    first.add(record(1))
    first.close()
    (file,) = (tmp_path / "records").iterdir()
    with file.open("ab") as out:
        out.write(b'{"call": "cut o')  # as a power cut leaves it
    second = book(tmp_path, clock)
    second.add(record(2))
    answer = second.read(Records(1, 0))
    assert numbers(answer.records) == [record(1).call, record(2).call]
    assert answer.damaged == 1


def test_a_disk_that_fails_ends_no_call(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "records").write_text("a file where the directory should be")
    written = book(tmp_path, Clock())
    written.add(record(1))
    written.add(record(2))
    assert written.lost == 2
    assert caplog.text.count("record.unwritten") == 1
    (tmp_path / "records").unlink()
    written.add(record(3))
    assert numbers(written.read(Records(1, 0)).records) == [record(3).call]


def test_what_was_written_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = asyncio.Event()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        written = book(tmp_path, Clock())
        monkeypatch.setattr(records, "SYNC_SECONDS", 0.001)
        written.add(record(1))
        monkeypatch.setattr(os, "fsync", lambda _file: loop.call_soon_threadsafe(synced.set))
        task = asyncio.create_task(written.keep_synced())
        await asyncio.wait_for(synced.wait(), 20)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        written.close()

    asyncio.run(main())


def test_a_new_file_waits_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the disk's time is done in a thread, also where a file is full or a day is over."""
    threads: set[int] = set()
    sync, listed = os.fsync, RecordBook._files

    def synced(file: int) -> None:
        threads.add(threading.get_ident())
        sync(file)

    def files(self: RecordBook) -> list[Path]:
        threads.add(threading.get_ident())
        return listed(self)

    async def main() -> None:
        clock = Clock()
        written = book(tmp_path, clock, days=2)
        written.add(record(0))
        monkeypatch.setattr(records, "SYNC_SECONDS", 0.001)
        monkeypatch.setattr(records, "MAX_FILE", 700)
        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(RecordBook, "_files", files)
        for day in range(5):
            clock.now = NOON + day * DAY
            for number in range(3):
                written.add(record(number, clock.now))
        assert not threads
        task = asyncio.create_task(written.keep_synced())
        async with asyncio.timeout(20):
            while (tmp_path / "records" / "2024-10-04.000.jsonl").exists():  # noqa: ASYNC110 - a thread removes it
                await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert threads
        assert threading.get_ident() not in threads
        written.close()

    asyncio.run(main())
