"""Two ends that refuse each other: a mixing server brings them together, once, by a ticket that only it can use."""

from __future__ import annotations

import pytest
from msgspec import structs

from b2bua import sip
from b2bua.call.bridging import UNBRIDGED
from b2bua.call.plan import Plan
from b2bua.call.rooms import BusRooms
from tests.b2bua.call.test_calls import offer
from tests.b2bua.call.town import EDGE, ONE, Town
from vdx.access import SecretPlace
from vdx.dialplan import Bridge, Dialling, DialRule, RoomBus
from vdx.headers import BRIDGE
from vdx.nodes import Node
from vdx.rooms import Aliases

RULES = (DialRule("site:1", "bob", to="clinic"), DialRule("site:2", "two", to="two"))
BUS = RoomBus(("nats://10.0.0.9:4222",), "edge1", SecretPlace("/etc/vdx/bus.secret"), "one")
SERVER = Node(name="one", holder="run", address=ONE, port=5060, transport="udp", capacity=240)
PRIVATE = structs.replace(SERVER, port=5061, transport="tls")


class Bridged(Town):
    """A town whose peer `one` is the mixing servers of the bus; Bob's peer says when it is bridged."""

    def __init__(self, bridge: Bridge = "on_refusal", *, node: Node | None = SERVER) -> None:
        super().__init__(*RULES, dial=Dialling("edge1", ("health.example",), bus=BUS))
        signalling = self.gateway.plan.signalling
        peers = tuple(
            structs.replace(each, bridge=bridge if each.name == "clinic" else "on_refusal", pass_headers=(BRIDGE,))
            for each in signalling.peers
        )
        nodes = {node.name: node} if node is not None else {}
        rooms = BusRooms(Aliases([]), nodes, lambda: 0.0)
        self.gateway.plan = Plan("v2", structs.replace(signalling, peers=peers), rooms)

    def ticket(self) -> str:
        """Give the address that the mixing server was told to call."""
        return self.request("one").get(BRIDGE)

    def call_back(self, uri: str, who: str = "one") -> sip.Leg:
        """Have the mixing server, or somebody else, call what it was told."""
        agent = self.agents[who]
        zone = "core" if who in {"one", "two"} else "sdn"
        invitation = sip.Invitation(
            destination=sip.Target("-", "udp", EDGE[zone], 5060),
            uri=uri,
            from_=f"<sip:alice@{agent.address[0]}>",
            to=f"<{uri}>",
            sent_by=agent.address,
            body=offer(agent.address[0]),
        )
        leg = agent.core.invite(invitation, self.world.now)
        self.world.settle()
        return leg

    def refused(self) -> None:
        self.dial("bob")
        self.reject("bob", 488)


@pytest.mark.parametrize("status", [488, 415, 606])
def test_a_refused_description_goes_through_a_mixing_server(status: int) -> None:
    town = Bridged()
    town.dial("bob")
    town.reject("bob", status)
    assert town.invited() == ["bob", "one"]
    ticket = town.ticket()
    assert sip.parse_uri(ticket).host == EDGE["core"]
    waiting = town.agent("one").leg
    town.call_back(ticket)
    assert town.invited() == ["bob", "one", "bob"]
    assert BRIDGE.lower() not in town.request("bob").index
    town.answer("bob")
    town.agent("one").leg = waiting
    town.answer("one")
    leg = town.alice.last(sip.Answered)
    assert isinstance(leg, sip.Answered)
    leg.leg.bye(town.world.now)
    town.world.settle()
    back = town.agent("one").last(sip.Answered)
    assert isinstance(back, sip.Answered)
    back.leg.bye(town.world.now)
    town.idle()
    first, second = town.world.records
    assert (first.callee, second.caller, second.callee) == ("one", "one", "clinic")
    assert (first.half, second.half) == (second.call, first.call)


def test_a_bridged_end_that_refuses_again_is_refused_for_good() -> None:
    town = Bridged()
    town.refused()
    town.call_back(town.ticket())
    town.reject("bob", 488)
    assert town.invited() == ["bob", "one", "bob"]
    failed = town.agent("one").last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 488
    town.reject("one", 488)
    assert town.failed().status == 488
    assert town.invited() == ["bob", "one", "bob"]
    town.idle()


def test_a_ticket_is_good_once_and_for_mixing_servers_alone() -> None:
    town = Bridged()
    town.refused()
    ticket = town.ticket()
    for who in ("two", "alice"):
        town.call_back(ticket, who)
        failed = town.agent(who).last(sip.Failed)
        assert isinstance(failed, sip.Failed)
        assert failed.status == 404
    town.call_back(ticket)
    assert town.invited() == ["bob", "one", "bob"]
    town.call_back(ticket)
    assert town.invited() == ["bob", "one", "bob"]


def test_a_ticket_ends_with_its_call() -> None:
    town = Bridged()
    leg = town.dial("bob")
    town.reject("bob", 488)
    ticket = town.ticket()
    town.world.wait(1)
    leg.cancel(town.world.now)
    town.world.settle()
    town.call_back(ticket)
    assert town.invited() == ["bob", "one"]
    assert town.world.records[0].half == town.world.records[0].call
    town.idle()


def test_nobody_else_says_whom_to_bridge_to() -> None:
    town = Bridged()
    town.dial("two", headers=[(BRIDGE, "<sip:victim@192.0.2.1>")])
    assert BRIDGE.lower() not in town.request("two").index


@pytest.mark.parametrize(("bridge", "node"), [("never", SERVER), ("on_refusal", None)])
def test_without_a_way_the_refusal_stands(bridge: Bridge, node: Node | None) -> None:
    town = Bridged(bridge, node=node)
    town.refused()
    assert town.failed().status == 488
    assert town.invited() == ["bob"]
    (record,) = town.world.records
    assert (UNBRIDGED in record.why) is (bridge == "on_refusal")
    assert record.half is None
    town.idle()


@pytest.mark.parametrize("status", [404, 486, 480])
def test_other_refusals_are_nothing_to_bridge(status: int) -> None:
    town = Bridged()
    town.dial("bob")
    town.reject("bob", status)
    assert (town.failed().status, town.invited()) == (status, ["bob"])


def test_what_always_goes_through_a_server_is_refused_where_there_is_none() -> None:
    town = Bridged("always")
    town.dial("bob")
    assert town.invited() == ["one"]
    town = Bridged("always", node=structs.replace(SERVER, draining=True))
    town.dial("bob")
    assert (town.failed().status, town.invited()) == (480, [])
    town.idle()


def test_encryption_that_does_not_fit_is_bridged_before_the_callee_hears_of_it() -> None:
    town = Bridged()
    signalling = town.gateway.plan.signalling
    peers = tuple(
        structs.replace(each, media=structs.replace(each.media, encryption="required"))
        if each.name == "clinic"
        else each
        for each in signalling.peers
    )
    town.gateway.plan = Plan("v3", structs.replace(signalling, peers=peers), town.gateway.plan._bus)
    town.dial("bob")
    assert town.invited() == ["one"]


@pytest.mark.parametrize(
    ("bridge", "node", "words", "status"),
    [
        ("on_refusal", SERVER, f"mixing server {ONE}:5060 brings them together", 0),
        ("on_refusal", PRIVATE, f"mixing server {ONE}:5061 brings them together", 0),
        ("always", PRIVATE, f"through mixing server {ONE}:5061 in any case", 0),
        ("on_refusal", None, f"the refusal stands: {UNBRIDGED}", 0),
        ("always", SERVER, f"through mixing server {ONE}:5060 in any case", 0),
        ("always", None, UNBRIDGED, 480),
    ],
)
def test_explain_shows_it(bridge: Bridge, node: Node | None, words: str, status: int) -> None:
    town = Bridged(bridge, node=node)
    explanation = town.gateway.explain("hospital", "bob")
    steps, _ = explanation.finish({}, town.world.now)
    (text,) = [step.text for step in steps if step.step == "bridge" and words in step.text]
    assert ("no keys of SRTP pass to it over udp" in text) == (node is SERVER)
    assert explanation.status == status
