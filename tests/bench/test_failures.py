"""A call that failed under load: what sipp says, what the edge has written, and whose fault it was."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bench.signalling.failures import Failure, failures, records, stood_still, told
from tests.peers.sipp import caller
from vdx.record import CallRecord, PartyRecord

STEPS = caller.call("v=0")
AT = "2026-11-22\t19:11:45.458480\t1795374705.458480: "
LOG = (
    "The following events occurred:\n"  # sipp ends only some of its lines
    f"{AT}Overload warning: the minor watchdog timer 500ms has been tripped (656), 119 trips remaining."
    f"{AT}Overload warning: the major watchdog timer 3000ms has been tripped (12380), 9 trips remaining."
    f"{AT}Call-Id: 322-269@198.18.1.10, receive timeout on message sipp:8 without label to jump to: aborting call"
    f"{AT}Call-Id: 323-269@198.18.1.10, receive timeout on message sipp:8 without label to jump to: aborting call"
    f"{AT}Dead call 322-269@198.18.1.10 (aborted at index 8), received 'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x\r\n'"
    f"{AT}Aborting call on unexpected message for Call-Id '883-269@198.18.1.10': while expecting '183' (index 3), "
    "received 'SIP/2.0 503 Busy\r\nVia: SIP/2.0/UDP x\r\n'"
    f"{AT}Aborting call on UDP retransmission timeout for Call-ID '884-269@198.18.1.10'."
)


def record(alias: str, status: int, ended_by: str, why: str, began: str = "2026-11-22T19:11:30.000Z") -> CallRecord:
    party = PartyRecord("sdn", "hospital", alias, "udp")
    return CallRecord("aaaaaaaaaaaaa", party, party, began, None, None, began, None, status, ended_by, why)


def test_each_failed_call_is_told_with_its_record() -> None:
    known = {
        "u322": record("u322", 200, "caller", "bye"),
        "u323": record("u323", 200, "caller", "bye"),
        "u883": record("u883", 503, "gateway", "full"),
    }
    found = failures(LOG, STEPS, known)
    assert [(one.number, one.carried) for one in found] == [(322, True), (323, True), (883, False), (884, False)]
    assert told(found) == [
        "2 failed (calls 322, 323): it waited in vain for 200 to BYE (10 s); at the edge 200, ended by caller: bye",
        "1 failed (calls 883): 'SIP/2.0 503 Busy' came in place of 183; at the edge 503, ended by gateway: full",
        "1 failed (calls 884): what it sent was never answered; at the edge no record",
    ]


def test_a_generator_that_stood_still_says_so() -> None:
    assert stood_still(LOG) == pytest.approx(12.38)
    assert stood_still("The following events occurred:\n") == 0.0


def test_many_calls_that_failed_alike_are_one_line() -> None:
    (line,) = told(Failure(number, "nothing", None) for number in range(100))
    assert line.startswith("100 failed (calls 0, 1, ")
    assert " 19 and more): nothing" in line


def test_only_the_records_of_the_run_count(tmp_path: Path) -> None:
    before = record("u1", 503, "gateway", "of the calls that warm up", "2026-11-22T19:11:00.000Z")
    during = record("u1", 200, "caller", "bye")
    (tmp_path / "2026-11-22.000.jsonl").write_bytes(
        b"".join(msgspec.json.encode(one) + b"\n" for one in (before, during))
    )
    assert records(tmp_path, "2026-11-22T19:11:30.000Z") == {"u1": during}
    assert records(tmp_path, "2026-11-22T19:12:00.000Z") == {}
