from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import Edge, running

SILENCE = 20  # seconds, the least that a site file may say


def _impatient(site: dict[str, Any]) -> None:
    site.setdefault("limits", {})["media_silence"] = SILENCE


@pytest.fixture(scope="package")
def edge() -> Iterator[Edge]:
    """Give an edge that ends calls whose media falls silent."""
    with running("silence", "udp", _impatient) as up:
        yield up


@pytest.fixture
def crossing(edge: Edge) -> Iterator[Crossing]:
    """Give one way across the edge, which is idle again afterwards."""
    yield Crossing(edge, "hospital", "clinic")
    edge.wait_idle()
