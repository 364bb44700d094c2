"""The ladder: who said what to whom, in columns that line up whatever was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from gatewayd.ctl.ladder import LANE, drawn, ladder, line, moment
from vdx.trace import TraceEntry, TraceReport

CALL = "a" * 13
OURS, THEIRS = ("198.18.0.10", 5060), ("198.18.1.10", 40000)


@dataclass
class Script:
    """Entries that follow each other by 10 ms."""

    number: int = 0

    def say(self, title: str, leg: Literal["a", "b"], *marks: str, inward: bool) -> TraceEntry:
        self.number += 1
        at = 1_790_000_000 + self.number / 100
        return TraceEntry(
            self.number,
            at,
            CALL,
            title,
            marks,
            leg,
            inward,
            "tls",
            "sdn",
            OURS,
            THEIRS,
        )

    def note(self, title: str) -> TraceEntry:
        self.number += 1
        return TraceEntry(self.number, 1_790_000_000 + self.number / 100, CALL, title)


def test_a_call_is_drawn() -> None:
    script = Script()
    entries = (
        script.say("INVITE sip:b@x", "a", "audio 4000", inward=True),
        script.note("pinholes open"),
        script.say("INVITE sip:b@y", "b", inward=False),
        script.say("180 Ringing (INVITE)", "b", "again", inward=True),
        script.say("180 Ringing (INVITE)", "a", inward=False),
    )
    text = ladder(TraceReport(1, entries, 5, "hospital (sdn)", "home (internet)"))
    lane = " " * LANE
    assert text.splitlines() == [
        f"{CALL} 2026-09-21 14:13:20.010 UTC",
        f"           {'hospital (sdn)'.ljust(LANE - 1)} edge {'home (internet)'.rjust(LANE - 2)}",
        f"+0.000     |{'-- INVITE sip:b@x '.ljust(LANE - 1, '-')}>|{lane}|",
        f"           |{'     audio 4000'.ljust(LANE)}|{lane}|",
        f"+0.010     |{lane}* pinholes open",
        f"+0.020     |{lane}|{'-- INVITE sip:b@y '.ljust(LANE - 1, '-')}>|",
        f"+0.030     |{lane}|<{'-- 180 Ringing (INVITE) (again) '.ljust(LANE - 1, '-')}|",
        f"+0.040     |<{'-- 180 Ringing (INVITE) '.ljust(LANE - 1, '-')}|{lane}|",
    ]


def test_what_was_left_out_is_said_where_it_is_missing() -> None:
    script = Script()
    first = script.say("INVITE sip:b@x", "a", inward=True)
    script.number += 50
    last = script.say("BYE sip:b@x", "a", inward=True)
    text = ladder(TraceReport(1, (first, last), 52, left_out=50))
    assert text.splitlines()[3].strip() == "... 50 entries in between are not kept ..."


def test_nothing_is_said_so() -> None:
    assert ladder(TraceReport(1, (), 0)) == "nothing was said"


def test_a_line_for_those_who_follow_names_both_ends() -> None:
    script = Script()
    assert line(script.say("INVITE sip:b@x", "a", "audio", inward=True)) == (
        f"14:13:20.010 {CALL} a tls 198.18.1.10:40000 > 198.18.0.10:5060  INVITE sip:b@x  [audio]"
    )
    assert line(script.note("opened")) == f"14:13:20.020 {CALL} opened"


def test_moments_are_utc_to_the_millisecond() -> None:
    assert moment(0.0) == "1970-01-01 00:00:00.000 UTC"


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=300), st.sampled_from("ab"))
def test_columns_line_up_whatever_is_said(title: str, leg: Literal["a", "b"]) -> None:
    for row in drawn(Script().say(title, leg, title, inward=True), 1_790_000_000):
        assert len(row) == 11 + 3 + 2 * LANE
        assert (row[11], row[12 + LANE], row[-1]) == ("|", "|", "|")
