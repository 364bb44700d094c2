"""Whatever two or three peers do, in whatever order, no fault of ours comes of it, and nothing is left at the end."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from b2bua import sip
from tests.b2bua.call.test_calls import ALICE, BOB, NET, SDN, offer, sdp
from tests.b2bua.call.test_transfer import CAROL, Party, by
from tests.b2bua.call.world import Agent

MORE = ("m=video 6004 RTP/AVP 98", "a=rtpmap:98 H264/90000")
ON_LEG: dict[str, Callable[[sip.Leg, float, bytes], None]] = {
    "ring": lambda leg, now, _body: leg.ring(now),
    "early": lambda leg, now, body: leg.ring(now, 183, body=body),
    "answer": lambda leg, now, body: leg.answer(now, body=body),
    "late answer": lambda leg, now, _body: leg.answer(now),
    "reject": lambda leg, now, _body: leg.reject(now, 488),
    "update": lambda leg, now, body: leg.update(now, body=body),
    "reinvite": lambda leg, now, body: leg.reinvite(now, body=body),
    "ask for offer": lambda leg, now, _body: leg.reinvite(now),
    "take back": lambda leg, now, _body: leg.cancel_reinvite(now),
    "confirm": lambda leg, now, body: leg.prack(now, body),
    "acknowledge": lambda leg, now, body: leg.ack(now, body=body),
    "bye": lambda leg, now, _body: leg.end(now),
}
OTHERS = ("accept", "refuse", "refer", "wait", "long wait", "lose", "find", "more streams")
ACTIONS = (*ON_LEG, *OTHERS)
STEPS = st.lists(st.tuples(st.sampled_from(("alice", "bob", "carol")), st.sampled_from(ACTIONS)), max_size=16)


class Crowd(Party):
    """Peers that do as they are told, as far as their leg lets them."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts = {"alice": ALICE, "bob": BOB, "carol": CAROL}
        self.more: set[str] = set()

    def describe(self, agent: Agent) -> bytes:
        more = MORE if agent.name in self.more else ()
        return sdp(self.hosts[agent.name], 6000, *more)

    def do(self, agent: Agent, action: str) -> None:
        leg, now = agent.leg, self.world.now
        if action in {"wait", "long wait"}:
            self.world.wait(3 if action == "wait" else 40)
        elif action == "lose":
            self.world.lose = lambda source, _to, _data: source[0] == self.hosts[agent.name]
        elif action == "find":
            self.world.lose = lambda _from, _to, _data: False
        elif action == "more streams":
            self.more ^= {agent.name}
        elif leg is not None:
            try:
                self.on_leg(agent, leg, action, now)
            except sip.StateError:
                return  # its leg does not let it: no peer of ours
        self.world.settle()

    def on_leg(self, agent: Agent, leg: sip.Leg, action: str, now: float) -> None:
        body = self.describe(agent)
        if action in {"accept", "refuse"}:
            self.respond(agent, now, 200 if action == "accept" else 488)
        elif action == "refer":
            to = by(self.carol if agent is not self.carol else self.bob, SDN if agent is self.alice else NET)
            leg.request(now, "REFER", [("Refer-To", to)])
        else:
            ON_LEG[action](leg, now, body)

    def respond(self, agent: Agent, now: float, status: int) -> None:
        for event in agent.seen:
            if isinstance(event, sip.Offered | sip.RequestReceived):
                event.handle.respond(now, status, body=self.describe(agent) if isinstance(event, sip.Offered) else b"")

    def leave(self) -> None:
        """Everybody goes."""
        self.world.lose = lambda _from, _to, _data: False
        self.world.settle()
        for agent in (self.alice, self.bob, self.carol):
            for leg in [leg for tag in self.tags(agent) if (leg := agent.core.leg(tag))]:
                leg.end(self.world.now)
            self.world.settle()
        self.world.wait(400)

    def tags(self, agent: Agent) -> set[str]:
        seen = [event for event in agent.seen if not isinstance(event, sip.RequestAnswered)]
        legs = {event.leg.id for event in seen if event.leg is not None}
        return legs | ({agent.leg.id} if agent.leg else set())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(("calling", "late", "up", "asked")), STEPS)
@example(begin="calling", steps=[("bob", "early"), ("alice", "update"), ("bob", "answer"), ("bob", "accept")])
@example(begin="late", steps=[("bob", "early"), ("alice", "confirm"), ("bob", "answer"), ("bob", "update")])
@example(begin="asked", steps=[("carol", "answer"), ("bob", "bye"), ("alice", "wait")])
def test_nothing_goes_wrong_in_any_order(begin: str, steps: list[tuple[str, str]]) -> None:
    line = Crowd()
    if begin in {"calling", "late"}:
        line.dial(None if begin == "late" else offer(ALICE))
    else:
        line.up()
    if begin == "asked":
        line.refer(line.alice, by(line.carol, SDN))
    for name, action in steps:
        line.do(getattr(line, name), action)
    line.leave()
    assert line.gateway.counts["faults"] == 0
    assert {name: size for name, size in line.gateway.sizes.items() if size} == {}
    assert line.ports.open == {}
    assert len(line.world.records) >= 1
