from __future__ import annotations

import gc

import pytest

from vdx.collector import LONGEST_SECONDS, QUIET, due, hold_off, trim


@pytest.mark.usefixtures("collector")
def test_nothing_is_looked_through_by_itself() -> None:
    gc.enable()
    hold_off()
    assert not gc.isenabled()
    assert gc.get_freeze_count() > 0


@pytest.mark.parametrize(
    ("held", "since", "now"),
    [
        (0, 600.0, True),
        (QUIET, 600.0, True),
        (QUIET + 1, 600.0, False),
        (QUIET + 1, LONGEST_SECONDS - 1, False),
        (5_000, LONGEST_SECONDS, True),
    ],
)
def test_it_looks_where_little_is_held_and_once_a_day_at_least(held: int, since: float, *, now: bool) -> None:
    assert due(held, since) == now


def test_holes_between_what_stays_go_back_to_the_system() -> None:
    messages = [bytes(3_000) for _ in range(4_000)]
    stay = messages[::16]
    del messages
    assert trim()
    assert len(stay) == 250
