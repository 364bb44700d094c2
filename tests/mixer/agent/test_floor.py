"""A room system that presents: INVITE with content and BFCP, the floor over UDP and TCP, at a server that runs."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mixer.bfcp import Message, Primitive, parse, serialise
from mixer.bfcp.message import Kind, length, number
from tests.mixer.agent.served import Served
from tests.mixer.agent.system import System

pytestmark = pytest.mark.system


@pytest.mark.parametrize("tcp", [False, True])
def test_a_system_asks_for_the_floor_and_presents(served: Served, tmp_path: Path, *, tcp: bool) -> None:
    del tmp_path
    with System(served.port, tcp=tcp) as one:
        answer = one.invite(served.uri("1000"))
        assert "a=floorctrl:s-only" in answer
        assert "m=video" in answer.split("m=video", 2)[2] or "a=content:slides" in answer
        served.until(lambda: served.roster("1000").get("System"))
        one.floor_connect(served.floor)
        one.say(Message(Primitive.HELLO, one.conference, 1, one.user, version=one.version))
        assert one.hear().primitive == Primitive.HELLO_ACK
        wanted = (number(Kind.FLOOR_ID, 1),)
        one.say(Message(Primitive.FLOOR_REQUEST, one.conference, 2, one.user, wanted, version=one.version))
        assert one.hear().primitive == Primitive.FLOOR_REQUEST_STATUS
        served.until(lambda: served.roster("1000")["System"].presenting)
        one.say(Message(Primitive.GOODBYE, one.conference, 3, one.user, version=one.version))
        assert one.hear().primitive == Primitive.GOODBYE_ACK
        served.until(lambda: not served.roster("1000")["System"].presenting)


def test_a_stranger_who_knows_the_numbers_gets_no_floor(served: Served) -> None:
    with System(served.port) as one, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        one.invite(served.uri("1000"))
        served.until(lambda: served.roster("1000").get("System"))
        stranger.bind(("127.0.0.1", 0))
        wanted = (number(Kind.FLOOR_ID, 1),)
        message = Message(Primitive.FLOOR_REQUEST, one.conference, 2, one.user, wanted)
        stranger.sendto(serialise(message), ("127.0.0.1", served.floor))
        served.until(lambda: "floor.stranger" in served.log.read_text())
        assert not served.roster("1000")["System"].presenting


def test_the_length_of_a_message_is_known_from_its_head() -> None:
    data = serialise(Message(Primitive.HELLO, 1, 2, 3, (number(Kind.FLOOR_ID, 1),)))
    assert length(data) == len(data)
    assert parse(data).user == 3
