"""Calendar files: what they hold survives every text, lines are short, times are those of the zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hub.domain import calendar, wording
from hub.domain.calendar import Event
from hub.domain.standing import Language

ZONE = ZoneInfo("Europe/Copenhagen")
START = datetime(2026, 11, 2, 13, 0, tzinfo=UTC)
EVENT = Event(
    "1@hub.example", 0, START, START, START + timedelta(hours=1), "Rounds", "", "https://m.example/x",
    "a@b.example", "c@d.example", "Per",
)  # fmt: skip


def unfolded(written: str) -> list[str]:
    return written.replace("\r\n ", "").split("\r\n")


def unescaped(text: str) -> str:
    plain, taken = "", iter(text)
    for each in taken:
        following = next(taken) if each == "\\" else ""
        plain += {"n": "\n"}.get(following, following) if following else each
    return plain


@given(st.text(max_size=200), st.text(max_size=60))
def test_no_text_reaches_beyond_its_property(summary: str, name: str) -> None:
    summary, name = (each.encode("utf-8", "ignore").decode() for each in (summary, name))
    written = calendar.written(replace(EVENT, summary=summary, attendee_name=name), "REQUEST", ZONE)
    assert all(len(line.encode()) <= calendar.LINE_OCTETS for line in written.split("\r\n"))
    lines = unfolded(written)
    plain = calendar.written(EVENT, "REQUEST", ZONE)
    assert [line.partition(":")[0].partition(";")[0] for line in lines] == [
        line.partition(":")[0].partition(";")[0] for line in unfolded(plain)
    ]
    shown = "".join(each for each in summary.replace("\r\n", "\n").replace("\r", "\n") if each >= " " or each in "\t\n")
    found = next(line for line in lines if line.startswith("SUMMARY:")).removeprefix("SUMMARY:")
    assert unescaped(found) == shown.replace("\x7f", "")


def test_the_zone_has_its_rules() -> None:
    lines = unfolded(calendar.written(EVENT, "CANCEL", ZONE))
    assert "DTSTART;TZID=Europe/Copenhagen:20261102T140000" in lines
    assert "STATUS:CANCELLED" in lines
    at = lines.index("DTSTART:20261025T030000")
    assert lines[at - 1 : at + 4] == [
        "BEGIN:STANDARD",
        "DTSTART:20261025T030000",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "TZNAME:CET",
    ]
    assert "DTSTART:20260329T020000" in lines
    assert lines.count("BEGIN:STANDARD") == 2  # the offset at the beginning, and that of October


def test_every_placeholder_is_filled() -> None:
    facts = wording.Facts("Per", "S", "D", START, START, "L", "A", "1", "O")
    for language in Language:
        assert wording.values(facts, language, ZONE).keys() == wording.NAMES
    assert wording.fill("#Subject# #None#", {"Subject": "#Fullname#", "Fullname": "x"}) == "#Fullname# #None#"
    for each in wording.OURS:
        wording.check(each.subject + each.text, "text")
