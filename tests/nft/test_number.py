from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nft.errors import ModelError
from nft.number import ADDRESS_MASK, LOCAL, ZONE_MASK, number, zone_mark

ZONES, INDEXES, PORTS = st.integers(1, 254), st.integers(0, 255), st.integers(1, 65535)


@given(ZONES, INDEXES, PORTS)
def test_a_number_tells_zone_address_and_port(zone: int, index: int, port: int) -> None:
    value = number(zone, index, port)
    assert (value >> 24, value >> 16 & 0xFF, value & 0xFFFF) == (zone, index, port)
    assert value & ZONE_MASK == zone_mark(zone)
    assert value & ADDRESS_MASK == zone << 24 | index << 16
    assert value & ZONE_MASK not in (0, LOCAL)


@pytest.mark.parametrize("bad", [(0, 0, 1), (255, 0, 1), (1, -1, 1), (1, 256, 1), (1, 0, 0), (1, 0, 65536)])
def test_what_does_not_fit_is_refused(bad: tuple[int, int, int]) -> None:
    with pytest.raises(ModelError):
        number(*bad)
