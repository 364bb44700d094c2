"""Addresses and PINs by chance: within their range, never one that is used, never missed while one is left."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hub.domain import numbers
from hub.domain.model import NumberRange, Template

PINS = NumberRange(1000, 1001)
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def template(low: int, high: int, prefix: str = "p", pins: NumberRange = PINS) -> Template:
    return Template(
        1,
        None,
        22,
        prefix,
        "rooms.example",
        NumberRange(low, high),
        host_pin_required=True,
        host_pins=pins,
        guest_pin_required=True,
        guest_pins=pins,
        created_time=NOW,
    )


@given(
    low=st.integers(-5, 20),
    size=st.integers(1, 30),
    used=st.sets(st.integers(-10, 60)),
    odd=st.sets(st.sampled_from(["p", "p07", "q3", "p3x", "p-0", ""])),
    chance=st.randoms(),
)
def test_a_free_address_is_found_while_one_is_left(
    low: int, size: int, used: set[int], odd: set[str], chance: Random
) -> None:
    high = low + size
    taken = {f"p{number}" for number in used} | odd
    left = {f"p{number}" for number in range(low, high + 1)} - taken
    chosen = numbers.free_address(template(low, high), taken, chance.randrange)
    assert chosen in left if left else chosen is None


@given(st.randoms())
def test_guests_never_have_the_pin_of_hosts(chance: Random) -> None:
    host, guest = numbers.pins(template(1, 9), chance.randrange)
    assert {host, guest} == {1000, 1001}
