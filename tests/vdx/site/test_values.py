from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdx.site.values import PortRange


@given(st.integers(1024, 65534), st.integers(1, 1000))
def test_a_port_range_is_read_as_it_is_written(first: int, more: int) -> None:
    last = min(first + more, 65535)
    assert PortRange.read(f"{first}-{last}") == PortRange((first, last))
    assert (PortRange.read(f"{first}-{last}").first, PortRange.read(f"{first}-{last}").last) == (first, last)


@pytest.mark.parametrize(
    "text", ["", "5", "1-2", "40000-40000", "50000-40000", "40000-70000", "a-b", "40000-49999 ", 5, None]
)
def test_what_is_no_port_range(text: object) -> None:
    with pytest.raises(ValueError, match=r"write two ports from 1024 to 65535, as in 40000-49999"):
        PortRange.read(text)
