"""What the bus is told of the calls that go on, and of those that were refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from b2bua.call.holding import Holding

Refused = Counter[tuple[str, int, str]]
"""[zone, status, why]: calls."""


class Going(NamedTuple):
    """What is asked of the calls; `refused` gives what was refused since it was asked last."""

    held: Callable[[], list[Holding]]
    refused: Callable[[], Refused]
