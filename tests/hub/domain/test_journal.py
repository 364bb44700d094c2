"""The journal: whatever is changed, taken out or put in shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.domain.journal import BEGINNING, Entry, Verifier, digest

ENTRY = Entry(0, "2026-11-02T12:00:00Z", "north", "meeting", "create", "a", "p", "video-api", {"n": 1})


OTHERS: dict[str, dict[str, Any]] = {
    "time": {"time": "2026"},
    "organisation": {"organisation": None},
    "resource": {"resource": "x"},
    "operation": {"operation": "read"},
    "identifier": {"identifier": "b"},
    "person": {"person": "q"},
    "source": {"source": "y"},
    "data": {"data": {"n": 2}},
    "digest": {"digest": "0" * 64},
    "number": {"number": 99},
}


def chain(many: int) -> list[Entry]:
    entries: list[Entry] = []
    before = BEGINNING
    for number in range(1, many + 1):
        entry = replace(ENTRY, number=number)
        before = digest(before, entry)
        entries.append(replace(entry, digest=before))
    return entries


def holds(entries: list[Entry]) -> bool:
    return Verifier().take(entries)


@given(st.data())
def test_no_entry_can_be_other_than_it_was(data: st.DataObject) -> None:
    entries = chain(6)
    assert holds(entries)
    at = data.draw(st.integers(0, 5))
    name = data.draw(st.sampled_from(sorted(OTHERS)))
    changed = [replace(each, **OTHERS[name]) if place == at else each for place, each in enumerate(entries)]
    assert not holds(changed)
    taken = entries[:at] + entries[at + 1 :]
    assert holds(taken) == (at == 5)  # what was cut off at the end shows on the bus
    assert not holds([*entries[:at], entries[at], *entries[at:]])


def test_a_journal_that_was_cut_goes_on_from_there() -> None:
    entries = chain(6)
    stub = Entry(3, entries[2].time, None, "journal", "cut", None, None, "hub", {}, entries[2].digest)
    assert holds([stub, *entries[3:]])
    assert not holds([*entries[:2], stub, *entries[3:]])  # only at its beginning
    assert not holds([stub, *entries[4:]])


def test_fields_do_not_run_into_each_other() -> None:
    one = digest(BEGINNING, replace(ENTRY, resource="ab", operation="c"))
    assert one != digest(BEGINNING, replace(ENTRY, resource="a", operation="bc"))
