"""A real user agent behind NAT registers with digest, and is called from the private network with sound and picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest

from lab.agent import Agent
from lab.baresip import Registrar
from tests.system.access.conftest import PASSWORD, running
from tests.system.calls.edge import Edge

pytestmark = pytest.mark.system

ANSWER_S = 30.0
RETRY_S = 240.0  # baresip tries again after half a minute, and after a minute


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    with running("baresip", "udp") as up:
        yield up


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_real_room_system_registers_and_is_called(edge: Edge, transport: Literal["udp", "tcp"]) -> None:
    registrar = Registrar(edge.address("internet"), PASSWORD, transport)
    hospital = edge.host("hospital")
    with Agent(edge.lab, edge.host("home"), "room-3", registrar=registrar) as room:
        # It knows MD5 alone, gives up where another algorithm is asked for too, and is asked for less when it is back
        room.wait("REGISTER_OK", seconds=RETRY_S)
        with Agent(edge.lab, hospital, "hospital") as caller:
            caller.dial(f"sip:room-3@{edge.address('sdn')}")
            assert caller.wait("CALL_ESTABLISHED", "CALL_CLOSED", seconds=ANSWER_S).type == "CALL_ESTABLISHED"
            room.wait("CALL_ESTABLISHED", seconds=ANSWER_S)
            assert caller.talk(2.0)
            seen = room.command("video_debug")
            assert "decode: H264" in seen
            caller.hangup()
            room.wait("CALL_CLOSED", seconds=ANSWER_S)
    edge.wait_idle()
