"""Dead servers are tried last, for a while."""

from __future__ import annotations

import pytest

from b2bua.locate import Cooldown, cooldown
from b2bua.locate.cooldown import COOL_DOWN


def dead(cool: Cooldown, now: float) -> list[str]:
    return [name for name in "abc" if cool.dead(name, now)]


def test_a_dead_one_is_left_in_peace_until_it_has_cooled_down() -> None:
    cool = Cooldown()
    cool.failed("a", 100.0)
    assert dead(cool, 100.0 + COOL_DOWN - 0.1) == ["a"]
    assert dead(cool, 100.0 + COOL_DOWN) == []
    assert len(cool) == 0


def test_one_that_answers_is_alive() -> None:
    cool = Cooldown()
    cool.failed("a", 0.0)
    cool.alive("a")
    assert dead(cool, 1.0) == []


def test_a_server_may_be_back_sooner_never_later() -> None:
    cool = Cooldown()
    cool.failed("a", 0.0, seconds=5)
    cool.failed("b", 0.0, seconds=1e9)
    assert not cool.dead("a", 5.0)
    assert cool.dead("b", COOL_DOWN - 0.1)
    assert not cool.dead("b", COOL_DOWN)


def test_the_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cooldown, "MAX_DEAD", 2)
    cool = Cooldown()
    for name in "abc":
        cool.failed(name, 0.0)
    assert [name for name in "abc" if cool.dead(name, 1.0)] == ["b", "c"]
