"""Log lines: one event each, its fields apart, the call on every line of a call, nothing that breaks a line."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdx import journal
from vdx.journal import Journal, Line, fields, subject

CALL = "a" * 13


def record(message: str, *arguments: object, level: int = logging.INFO, **named: journal.Value) -> logging.LogRecord:
    made = logging.getLogger("b2bua").makeRecord(
        "b2bua", level, "file.py", 7, message, arguments, None, "here", fields(**named)
    )
    assert isinstance(made, logging.LogRecord)
    return made


@pytest.fixture
def in_a_call() -> Iterator[None]:
    token = subject.set(CALL)
    yield
    subject.reset(token)


def test_a_line_is_level_event_and_fields() -> None:
    line = Line().format(record("call.ended", status=486, setup=0.25, why="486 Busy Here", peer="clinic", rang=None))
    assert line == "INFO call.ended status=486 setup=0.25 why='486 Busy Here' peer=clinic"


@pytest.mark.usefixtures("in_a_call")
def test_every_line_of_a_call_names_it() -> None:
    assert Line().format(record("message.undelivered: %s", "no route")) == (
        f"INFO message.undelivered: no route call={CALL}"
    )
    assert Line().format(record("call.ended", call="other")) == "INFO call.ended call=other"


@pytest.mark.usefixtures("in_a_call")
def test_the_journal_gets_fields_of_their_own() -> None:
    sent: list[tuple[str, dict[str, str]]] = []
    handler = Journal(lambda message, **named: sent.append((message, named)))
    handler.emit(record("call.ended: %s", "busy", level=logging.WARNING, status=486))
    ((message, named),) = sent
    assert message == "call.ended: busy"
    assert {name: value for name, value in named.items() if name.startswith("VDX_") or name == "PRIORITY"} == {
        "PRIORITY": "4",
        "VDX_EVENT": "call.ended",
        "VDX_CALL": CALL,
        "VDX_STATUS": "486",
    }


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_ends_a_line_or_steers_a_terminal(message: str, value: str) -> None:
    line = Line().format(record("x.y: %s", message, why=value))
    assert line.isprintable()


def test_the_journal_is_taken_only_where_stderr_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = os.fstat(2)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        monkeypatch.setenv("JOURNAL_STREAM", f"{stderr.st_dev}:{stderr.st_ino}")
        journal.begin(verbose=True)
        assert isinstance(root.handlers[0], Journal)
        assert root.level == logging.DEBUG
        monkeypatch.setenv("JOURNAL_STREAM", "1:1")
        journal.begin()
        assert isinstance(root.handlers[0].formatter, Line)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
