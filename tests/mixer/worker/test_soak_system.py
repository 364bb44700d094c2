"""People who come and go leave nothing behind: the short form of `python -m bench mixer --soak 3600`."""

from __future__ import annotations

import pytest

from bench.mixer.soak import soak

pytestmark = pytest.mark.system


def test_people_who_come_and_go_leave_nothing_behind() -> None:
    (found,) = soak(6.0, rooms=1, people=3, turn=0.02, calm=3.0)
    assert found.changes > 15
    assert found.flat, found
