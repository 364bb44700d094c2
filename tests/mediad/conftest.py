from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mediad import gatewayd
from tests.mediad.gatewayd import Client
from vdx.relay import ListRelays


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mediad.sock"


@pytest.fixture
def client(path: Path) -> Iterator[Client]:
    """Connect to a service that runs in this process."""
    with gatewayd.running(path):
        connected = Client.connect(path)
        with connected.connection:
            connected.ask(ListRelays(0))  # answered, so accepted: whoever counts descriptors counts both ends
            yield connected
