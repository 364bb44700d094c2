from __future__ import annotations

from mixer.worker.absent import PATIENCE, Absent


def test_who_stays_away_is_taken_away_once() -> None:
    absent = Absent()
    absent.gone(7, 0)
    assert absent.due(PATIENCE - 1) == ()
    assert absent.due(PATIENCE) == (7,)
    assert absent.due(2 * PATIENCE) == ()


def test_who_comes_back_stays() -> None:
    absent = Absent()
    absent.gone(7, 0)
    absent.gone(8, 0)
    absent.came(7)
    absent.came(9)
    assert absent.due(PATIENCE) == (8,)
    absent.gone(7, PATIENCE)
    assert absent.due(PATIENCE) == ()
