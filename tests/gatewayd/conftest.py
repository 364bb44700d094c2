from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gatewayd.edge import Edge, edge


@pytest.fixture
def machine() -> Iterator[Edge]:
    with edge() as made:
        yield made
