"""Agreements that last for years are written so that nft reads them: it takes no number of more than eight digits."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from nft.policy.agreement import DAY
from nft.policy.opening import LONGEST
from nft.policy.ruleset import _written

UNITS = {"d": DAY * 1000, "s": 1000, "ms": 1}


@given(st.floats(0.001, LONGEST))
def test_a_time_is_written_in_numbers_that_nft_reads(seconds: float) -> None:
    parts = re.findall(r"(\d+)(d|ms|s)", _written(seconds))
    assert all(len(number) <= 8 for number, _ in parts)
    assert sum(int(number) * UNITS[unit] for number, unit in parts) == round(seconds * 1000)
