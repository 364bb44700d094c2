"""What DNS said is kept as long as it holds, and asked once."""

from __future__ import annotations

import asyncio

import pytest

from b2bua.locate import Answer, Cache, UnavailableError, cache
from b2bua.locate.cache import FAILURE_TTL, MAX_NEGATIVE_TTL, MAX_TTL, MIN_TTL
from tests.b2bua.locate.zone import Zone


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def asked_after(zone: Zone, name: str, seconds: float) -> int:
    """Ask, wait, ask again; gives how many questions reached the zone."""
    clock = Clock()
    kept = Cache(zone, clock)

    async def twice() -> None:
        for now in (0.0, seconds):
            clock.now = now
            try:
                await kept.addresses(name, "A")
            except UnavailableError:
                continue

    asyncio.run(twice())
    return len(zone.asked)


@pytest.mark.parametrize(
    ("ttl", "holds"),
    [(60.0, 60.0), (0.0, MIN_TTL), (1e9, MAX_TTL)],
)
def test_an_answer_holds_for_its_time(ttl: float, holds: float) -> None:
    hosts = {"a": ["192.0.2.1"]}
    assert asked_after(Zone(hosts=hosts, ttl=ttl), "a", holds - 0.1) == 1
    assert asked_after(Zone(hosts=hosts, ttl=ttl), "a", holds) == 2


def test_what_is_not_there_is_remembered_for_less() -> None:
    assert asked_after(Zone(ttl=1e9), "a", MAX_NEGATIVE_TTL - 0.1) == 1
    assert asked_after(Zone(ttl=1e9), "a", MAX_NEGATIVE_TTL) == 2


def test_silence_is_not_paid_for_twice_in_a_row() -> None:
    assert asked_after(Zone(silent={"a"}), "a", FAILURE_TTL - 0.1) == 1
    assert asked_after(Zone(silent={"a"}), "a", FAILURE_TTL) == 2


def test_many_calls_ask_once_and_one_who_gives_up_takes_nothing_away() -> None:
    class Slow(Zone):
        async def addresses(self, name: str, kind: str) -> Answer[str]:
            self.asked.append((kind, name))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return Answer(("192.0.2.1",), 60.0)

    zone = Slow()

    async def rush() -> list[Answer[str]]:
        kept = Cache(zone, Clock())
        first = asyncio.ensure_future(kept.addresses("a", "A"))
        await asyncio.sleep(0)
        others = [asyncio.ensure_future(kept.addresses("a", "A")) for _ in range(5)]
        await asyncio.sleep(0)
        first.cancel()
        return await asyncio.gather(*others)

    assert [answer.records for answer in asyncio.run(rush())] == [("192.0.2.1",)] * 5
    assert len(zone.asked) == 1


def test_the_one_not_asked_for_longest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_ENTRIES", 2)
    zone = Zone()
    kept = Cache(zone, Clock())

    async def ask() -> None:
        for name in ("a", "b", "a", "c", "a", "b"):
            await kept.addresses(name, "A")

    asyncio.run(ask())
    assert [name for _, name in zone.asked] == ["a", "b", "c", "b"]
    assert len(kept) == 2
