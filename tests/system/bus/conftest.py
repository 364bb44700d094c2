from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.bus import BusServer
from vdx.bus.grants import Role

PROGRAMS: dict[str, Role] = {"hub": "hub", "edge1": "edge", "edge2": "edge", "mixer1": "mixer", "desk": "operator"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BusServer]:
    """Give a running server on loopback, with nothing on it."""
    made = BusServer(tmp_path / "bus")
    made.prepare(PROGRAMS)
    made.start()
    yield made
    made.stop()
