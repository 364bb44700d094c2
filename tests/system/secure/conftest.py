from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import Edge, running
from tests.system.methods.conftest import allow_transfers


@pytest.fixture(scope="package")
def edge() -> Iterator[Edge]:
    """Give an edge that reaches every peer over TLS."""
    with running("secure", "tls", allow_transfers) as up:
        yield up


@pytest.fixture(params=[("hospital", "clinic"), ("clinic", "hospital")], ids="-".join)
def crossing(edge: Edge, request: pytest.FixtureRequest) -> Iterator[Crossing]:
    """Give each way across the edge, which is idle again afterwards."""
    caller, callee = request.param
    yield Crossing(edge, caller, callee)
    edge.wait_idle()
