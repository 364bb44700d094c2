from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import Edge, running

INWARDS = ("clinic", "hospital")
OUTWARDS = ("hospital", "clinic")


def allow_transfers(site: dict[str, Any]) -> None:
    """Let every peer transfer its calls, those on the internet too."""
    for peer in site["peers"].values():
        peer["refer"] = "allow"


@pytest.fixture(scope="package", params=["udp", "tcp"])
def edge(request: pytest.FixtureRequest) -> Iterator[Edge]:
    """Give an edge that serves all tests of this folder, once with UDP and once with TCP on both sides."""
    with running(f"meth{request.param}", request.param, allow_transfers) as up:
        yield up


@pytest.fixture(params=[OUTWARDS, INWARDS], ids="-".join)
def crossing(edge: Edge, request: pytest.FixtureRequest) -> Iterator[Crossing]:
    """Give each way across the edge, which is idle again afterwards."""
    caller, callee = request.param
    yield Crossing(edge, caller, callee)
    edge.wait_idle()
