"""Devices that know MD5 alone: found out by their silence, remembered by their answers."""

from __future__ import annotations

import pytest

from b2bua.call import olddevices
from b2bua.call.olddevices import ANOTHER_TRY, GIVEN_UP, REMEMBERED, OldDevices


def test_a_device_that_comes_back_without_an_answer_is_asked_for_md5_alone() -> None:
    known = OldDevices()
    assert not known.ask("room", 0.0)
    assert not known.ask("room", ANOTHER_TRY / 2)  # a retransmission
    assert known.ask("room", ANOTHER_TRY)
    assert known.ask("room", ANOTHER_TRY + 1)
    assert not known.ask("other", ANOTHER_TRY)


def test_it_is_remembered_for_as_long_as_it_answers_so() -> None:
    known = OldDevices()
    known.ask("room", 0.0)
    known.ask("room", 5.0)
    known.answered("room", "MD5", 5.1)
    assert known.ask("room", REMEMBERED)
    known.answered("room", "MD5-SESS", REMEMBERED)
    assert known.ask("room", 2 * REMEMBERED - 1)
    assert not known.ask("room", 3 * REMEMBERED)


def test_a_stronger_answer_forgets_it() -> None:
    known = OldDevices()
    known.ask("room", 0.0)
    known.ask("room", 5.0)
    known.answered("room", "SHA-256", 6.0)
    assert not known.ask("room", 7.0)


def test_who_answers_at_once_never_becomes_one() -> None:
    known = OldDevices()
    for minute in range(10):
        assert not known.ask("room", 60.0 * minute)
        known.answered("room", "SHA-512-256", 60.0 * minute + 0.1)
    assert len(known) == 0


def test_who_gave_up_long_ago_begins_anew() -> None:
    known = OldDevices()
    known.ask("room", 0.0)
    assert not known.ask("room", GIVEN_UP + 1)
    assert known.ask("room", GIVEN_UP + 10)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(olddevices, "MAX_DEVICES", 3)
    known = OldDevices()
    for number in range(10):
        known.ask(f"{number}", 0.0)
    assert len(known) == 3
    for number in range(7, 10):
        assert known.ask(f"{number}", 5.0)
    assert not known.ask("0", 5.0)
