"""What calls hold, told to the bus page by page and no more often than needed; what was refused, gathered."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import cast

import pytest
from nats.aio.client import Client

from b2bua import placing
from b2bua.call.holding import Holding
from b2bua.going import Refused
from b2bua.placing import Placing, Refusing, placed
from vdx.bus import Address, Bus
from vdx.bus.kinds import encode
from vdx.nodes import Node
from vdx.placed import CALLS_A_PAGE, PlacedCall, PlacedCalls, pages
from vdx.rooms import Room

ONE = "11111111-2222-3333-4444-555555555555"
NODE = Node(name="mixer1", holder="run", address="192.0.2.10", port=5060, transport="udp")
BUS = Bus(Address(("nats://127.0.0.1:1",), "edge1", None, None))


def call(number: int) -> PlacedCall:
    return PlacedCall(call=f"{number:032d}", since=1e9 + number, room=ONE, node="m" * 63, twelfths=24)


def test_a_call_takes_what_its_room_has() -> None:
    held = [
        Holding("a", 1.0, ONE, "192.0.2.10", video=True),
        Holding("b", 2.0, ONE, "192.0.2.10", video=False),
        Holding("c", 3.0, "", "192.0.2.99", video=True),
    ]
    found = placed(held, {ONE: Room(uuid=ONE, aliases=("1",), quality="sd")}, {"mixer1": NODE})
    assert [(one.node, one.twelfths) for one in found] == [("mixer1", 6), ("mixer1", 1), ("", 12)]


def test_pages_hold_every_call_and_fit_the_bus() -> None:
    calls = [call(number) for number in range(CALLS_A_PAGE + 1)]
    found = pages("edge1", reversed(calls))
    assert list(found) == ["edge1.0", "edge1.1"]
    assert [one for page in found.values() for one in page.calls] == calls
    assert all(encode(page) for page in found.values())
    assert pages("edge1", []) == {}


class Paper:
    """A bucket on paper."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    async def put(self, key: str, page: PlacedCalls, lease: int) -> None:
        assert lease
        self.told.append((key, len(page.calls)))

    async def delete(self, key: str) -> None:
        self.told.append((key, -1))


def test_only_what_has_changed_is_told_and_all_again_in_time() -> None:
    calls = [call(1)]
    one, paper = Placing(BUS, lambda: list(calls)), Paper()
    one._bucket = paper  # type: ignore[assignment]

    async def story() -> None:
        await one._tell(0.0)
        await one._tell(2.0)
        assert paper.told == [("edge1.0", 1)]
        calls.append(call(2))
        await one._tell(4.0)
        await one._tell(33.9)
        assert paper.told[1:] == [("edge1.0", 2)]
        await one._tell(34.0)
        calls.clear()
        await one._tell(36.0)
        await one._tell(38.0)
        assert paper.told[2:] == [("edge1.0", 2), ("edge1.0", -1)]

    asyncio.run(story())


def test_a_flood_of_refusals_is_one_event(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: Refused = Counter({("internet", 403, "stranger"): 10_000, ("sdn", 480, "full"): 2})

    def take() -> Refused:
        nonlocal refused
        given, refused = refused, Counter()
        return given

    monkeypatch.setattr(placing, "GATHER_SECONDS", 0.0)
    one = Refusing(BUS, take, lambda: 5.0)

    async def story() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await one.follow(cast("Client", None))

    asyncio.run(story())
    assert len(one.outbox) == 1
    ((_, report),) = one.outbox._waiting
    assert [(each.zone, each.status, each.count) for each in report.refused] == [
        ("internet", 403, 10_000),
        ("sdn", 480, 2),
    ]
