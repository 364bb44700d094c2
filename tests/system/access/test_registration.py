"""Room systems register at a running edge and are called: also behind NAT, and after the edge died."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.topology import SIP_PORT
from tests.peers import sdp
from tests.peers.agent import Agent
from tests.system.access.conftest import PASSWORD
from tests.system.access.room import Room
from tests.system.calls.edge import Edge, sip, wait_until_serving
from vdx.control import RegistrationList, Registrations

pytestmark = pytest.mark.system

PORT = SIP_PORT + 8  # nothing is forwarded to it at the home router


@contextmanager
def room(edge: Edge, host: str, user: str) -> Iterator[Room]:
    place = edge.host(host)
    with Agent(place, place.address(4), PORT, edge.transport, user) as agent:
        yield Room(agent, sip(edge.address("internet")), user, PASSWORD)


def called(edge: Edge, here: Room) -> None:
    """Call a room from the hospital, talk, and hang up."""
    hospital = edge.host("hospital")
    with Agent(hospital, hospital.address(4), SIP_PORT, edge.transport, "hospital") as caller:
        offer = sdp.write(hospital.address(4), [sdp.audio(30000)])
        to = f"sip:{here.user}@{edge.address('sdn')}"
        call = caller.invite(to, sip(edge.address("sdn")), body=offer)
        invite = here.agent.expect("INVITE")
        assert invite.uri.startswith(f"sip:{here.user}@")
        answer = here.agent.accept(invite)
        here.agent.reply(invite, 200, call=answer, body=sdp.write(here.agent.address, [sdp.audio(31000)]))
        final = caller.expect(200)
        assert here.agent.address not in str(final)
        caller.ack(call, final)
        here.agent.expect("ACK")
        caller.bye(call)
        here.agent.reply(here.agent.expect("BYE"), 200)
        caller.expect(200)
    edge.wait_idle()


def registered(edge: Edge) -> dict[str, bool]:
    answer = edge.ask(Registrations(1))
    assert isinstance(answer, RegistrationList), answer
    return {one.user: one.connected for one in answer.bindings}


@pytest.mark.parametrize("host", ["clinic", "home"])
def test_a_room_registers_and_is_called_until_it_leaves(edge: Edge, host: str) -> None:
    with room(edge, host, "room-1") as here:
        done = here.register()
        assert "expires=600" in done["Contact"]
        assert registered(edge) == {"room-1": True}
        called(edge, here)
        here.register(0)
        assert registered(edge) == {}


def test_a_wrong_password_registers_nothing(edge: Edge) -> None:
    with room(edge, "clinic", "room-1") as here:
        here.password = "another"  # noqa: S105
        here.log_in(here.ask())
        here.agent.expect(401)
        assert registered(edge) == {}


def test_registrations_outlive_a_kill_of_the_program(edge: Edge) -> None:
    with room(edge, "clinic", "room-2") as here:
        here.register()
        edge.lab.stop("b2bua", grace=0)
        edge.lab.start("b2bua")
        wait_until_serving(edge)
        assert registered(edge) == {"room-2": True}
        called(edge, here)
        here.register(0)
