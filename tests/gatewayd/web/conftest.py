from __future__ import annotations

from pathlib import Path

import pytest

from tests.gatewayd.web.world import World, world


@pytest.fixture
def edge(tmp_path: Path) -> World:
    return world(tmp_path)
