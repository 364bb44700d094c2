"""Floor control over TCP across the edge: whoever opens it, through mediad, and for nobody else."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.peers import bfcp, floor, sdp
from tests.peers.bfcp import Message
from tests.system.calls.crossing import CALLEE_PORTS, CALLER_PORTS, Crossing

pytestmark = pytest.mark.system

HELLO = Message(bfcp.HELLO, conference=1, transaction=7, user=3)
ANSWER = Message(bfcp.HELLO_ACK, conference=1, transaction=7, user=3, responder=True)
SOON = 2.0  # seconds in which a connection that is admitted is up, and one that is not certainly is not


def description(address: str, port: int, setup: str) -> str:
    """Write audio, and floor control over TCP."""
    line = sdp.bfcp(9 if setup == "active" else port + 10, "connection:new")
    attributes = tuple(f"setup:{setup}" if one.startswith("setup:") else one for one in line.attributes)
    return sdp.write(address, [sdp.audio(port), replace(line, proto="TCP/BFCP", attributes=attributes)])


class Call:
    """A call with a floor, set up between two agents; `near` and `far` are the ends of its connection."""

    def __init__(self, crossing: Crossing, stack: ExitStack, offered: str, answered: str) -> None:
        self.left, self.right = stack.enter_context(crossing.agents())
        waiting = {}
        for name, host, address, port in (
            ("near", crossing.left, crossing.left_address, CALLER_PORTS),
            ("far", crossing.right, crossing.right_address, CALLEE_PORTS),
        ):
            if (answered == "active") is (name == "near"):
                waiting[name] = stack.enter_context(floor.Waiting(host, address, port + 10))
        offer = description(crossing.left_address, CALLER_PORTS, offered)
        answer = description(crossing.right_address, CALLEE_PORTS, answered)
        self.established = crossing.establish(self.left, self.right, offer, answer)
        self.told_near = place(self.established.told_left[1])
        self.told_far = place(self.established.told_right[1])
        if answered == "active":
            far = floor.connect(crossing.right, crossing.right_address, self.told_far)
            near = waiting["near"].accept()
        else:
            near = floor.connect(crossing.left, crossing.left_address, self.told_near)
            far = waiting["far"].accept()
        self.near, self.far = stack.enter_context(near), stack.enter_context(far)

    def hang_up(self) -> None:
        """End the call from the left."""
        self.left.bye(self.established.left)
        self.right.reply(self.right.expect("BYE"), 200)
        self.left.expect(200)


def place(stream: sdp.Stream) -> tuple[str, int]:
    return stream.address, stream.port


def speak(call: Call) -> None:
    """Say hello on the floor, and answer."""
    call.near.say(HELLO)
    assert call.far.hear() == HELLO
    call.far.say(ANSWER)
    assert call.near.hear() == ANSWER


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("active", "passive"), ("passive", "active"), ("actpass", "active"), ("actpass", "passive")],
)
def test_a_floor_over_tcp_passes_whoever_opens_it(crossing: Crossing, offered: str, answered: str) -> None:
    with ExitStack() as stack:
        call = Call(crossing, stack, offered, answered)
        assert call.established.told_right[1].proto == call.established.told_left[1].proto == "TCP/BFCP"
        assert f"setup:{offered}" in call.established.told_right[1].attributes
        assert f"setup:{answered}" in call.established.told_left[1].attributes
        speak(call)
        source = call.far.source if answered == "passive" else call.near.source
        assert source[0] == (crossing.edge_right if answered == "passive" else crossing.edge_left)
        leases = crossing.edge.leases()
        assert sorted((one.kind, one.relay) for one in leases) == [("rtp", "kernel"), ("tcp", "mediad")]
        call.hang_up()
        crossing.check_hidden(call.left, call.right)


def test_only_the_two_sides_are_let_in(crossing: Crossing) -> None:
    strangers = {"hospital": "municipality", "clinic": "home"}
    with ExitStack() as stack:
        call = Call(crossing, stack, "actpass", "passive")
        speak(call)
        host = crossing.edge.host(strangers[crossing.caller])
        for told in (call.told_near, call.told_far):
            with pytest.raises(OSError, match=r"timed out|unreachable|refused"):
                floor.connect(host, host.address(4), told, within=SOON)
        speak(call)
        call.hang_up()


def test_the_end_of_a_call_ends_its_floor(crossing: Crossing) -> None:
    with ExitStack() as stack:
        call = Call(crossing, stack, "actpass", "active")
        speak(call)
        call.hang_up()
        assert call.near.ended()
        assert call.far.ended()
        crossing.edge.wait_idle()


def test_an_end_that_closes_is_told_on_while_the_call_goes_on(crossing: Crossing) -> None:
    with ExitStack() as stack:
        call = Call(crossing, stack, "actpass", "passive")
        speak(call)
        call.far.connection.close()
        assert call.near.ended()
        assert len(crossing.edge.calls()) == 1
        call.hang_up()
