"""What crosses, is lost, forks and comes early, where one side is a browser: as over the other transports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.calls.edge import Edge
from tests.system.races import *  # noqa: F403 - every scenario, by its name
from tests.system.web.conftest import HOME
from tests.system.web.crossing import Paged

pytestmark = pytest.mark.system


@pytest.fixture(params=[(HOME, "hospital"), ("hospital", HOME)], ids="-".join)
def crossing(edge: Edge, request: pytest.FixtureRequest) -> Iterator[Paged]:
    """Give each way between a browser and the hospital; the edge is idle again afterwards."""
    caller, callee = request.param
    yield Paged(edge, caller, callee)
    edge.wait_idle()
