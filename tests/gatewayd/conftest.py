from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gatewayd.edge import Edge, edge


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Edge]:
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:2]:
        parent.chmod(0o755)  # owners of other users connect to the socket below
    with edge(tmp_path) as made:
        yield made
