from __future__ import annotations

import pytest

from tests.b2bua.sip.wire import Host, Wire


@pytest.fixture(params=["udp", "tcp"])
def wire(request: pytest.FixtureRequest) -> Wire:
    return Wire(Host("ann", ("192.0.2.1", 5060)), Host("bob", ("192.0.2.2", 5060)), transport=request.param)


@pytest.fixture
def udp() -> Wire:
    return Wire(Host("ann", ("192.0.2.1", 5060)), Host("bob", ("192.0.2.2", 5060)))
