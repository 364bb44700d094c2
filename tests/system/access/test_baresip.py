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


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    # baresip 1.0 knows MD5 alone, and gives up where another algorithm is asked for first
    with running("baresip", "udp", algorithms=["MD5"]) as up:
        yield up


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_real_room_system_registers_and_is_called(edge: Edge, transport: Literal["udp", "tcp"]) -> None:
    registrar = Registrar(edge.address("internet"), PASSWORD, transport)
    hospital = edge.host("hospital")
    with Agent(edge.lab, edge.host("home"), "room-3", registrar=registrar) as room:
        assert room.wait("REGISTER_OK", "REGISTER_FAIL", seconds=ANSWER_S).type == "REGISTER_OK"
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
