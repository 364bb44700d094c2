"""Whatever happens to calls, and whatever the network loses: in the end nothing is left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from b2bua.sip import (
    Answered,
    ByeReceived,
    Cancelled,
    Event,
    Failed,
    IncomingInvite,
    Leg,
    Lost,
    Redirected,
    ReInvite,
    ReInviteAnswered,
    ReInviteRetry,
    RequestAnswered,
    RequestReceived,
    StateError,
)
from tests.b2bua.sip.wire import ANSWER, SDP, Host, Wire

COMMANDS: dict[str, Callable[[Leg, float], object]] = {
    "ring": lambda leg, now: leg.ring(now),
    "early": lambda leg, now: leg.ring(now, 183, body=ANSWER),
    "answer": lambda leg, now: leg.answer(now, body=ANSWER),
    "reject": lambda leg, now: leg.reject(now, 486),
    "cancel": lambda leg, now: leg.cancel(now),
    "bye": lambda leg, now: leg.bye(now),
    "reinvite": lambda leg, now: leg.reinvite(now, body=SDP),
    "info": lambda leg, now: leg.request(now, "INFO"),
    "end": lambda leg, now: leg.end(now),
    "ignore": lambda _leg, _now: None,
}


class Scene:
    """A call, what its owners do and what the network does to it."""

    def __init__(self, transport: str, fates: list[str], body: bytes) -> None:
        self.hosts = Host("ann", ("192.0.2.1", 5060)), Host("bob", ("192.0.2.2", 5060))
        self.wire = Wire(*self.hosts, transport=transport)
        pattern = iter(fates if transport == "udp" else ())
        self.fate = ""
        self.wire.lose = lambda _line: self.next_fate(pattern) == "lost"
        self.wire.double = lambda _line: self.fate == "doubled"
        self.over: list[Leg] = []
        ann, bob = self.hosts
        self.legs = {"caller": ann.endpoint.invite(self.wire.invitation(ann, bob, body), 0.0)}
        self.settle("")

    def act(self, who: str, action: str) -> None:
        """Try a command, whether or not it fits: what does not fit is a StateError and nothing else."""
        if who in self.legs:
            leg = self.legs[who]
            with contextlib.suppress(StateError):
                COMMANDS[action](leg, self.wire.now)
            if leg.ended:
                self.over.append(leg)
        self.settle(action)

    def next_fate(self, fates: Iterator[str]) -> str:
        self.fate = next(fates, "")
        return self.fate

    def settle(self, action: str) -> None:
        """Let both owners react until nothing happens any more."""
        self.wire.run()
        while events := [event for host in self.hosts for event in host.seen]:
            for host in self.hosts:
                host.seen.clear()
            for event in events:
                self.react(event, action)
            self.wire.run()

    def react(self, event: Event, action: str) -> None:
        now = self.wire.now
        if not isinstance(event, RequestAnswered) and event.leg is not None:
            assert event.leg not in self.over, f"{event} after the end of its leg"
            if isinstance(event, ENDS) and event.leg.ended:
                self.over.append(event.leg)
        if isinstance(event, IncomingInvite):
            self.legs.setdefault("callee", event.leg)
        elif isinstance(event, RequestReceived):
            event.handle.respond(now)
        elif isinstance(event, ReInvite):
            if action in {"reject", "ignore"}:
                event.leg.reject(now, 488)
            else:
                event.leg.answer(now, body=ANSWER)
        elif isinstance(event, Answered | ReInviteAnswered) and event.ack_owed:
            event.leg.ack(now, body=ANSWER)
        elif isinstance(event, ReInviteRetry) and event.leg.can_reinvite:
            event.leg.reinvite(now, body=SDP)

    def wait(self, seconds: float, action: str) -> None:
        """Let time pass; the owners react within a second."""
        end = self.wire.now + seconds
        while self.wire.now < end:
            self.wire.advance(min(1.0, end - self.wire.now))
            self.settle(action)

    def cut(self) -> None:
        """Break the connection, as both sides see it."""
        ann, bob = self.hosts
        for host, other in ((ann, bob), (bob, ann)):
            host.endpoint.flow_closed(self.wire.flow(host, other.address), self.wire.now)
        self.settle("")

    def end(self) -> None:
        """End every leg there is, also one that arrived late."""
        for _ in range(2):
            for host in self.hosts:
                for leg in list(host.endpoint._layer.legs.values()):
                    leg.end(self.wire.now)
            self.wait(150, "ignore")


ENDS = (Redirected, Failed, Cancelled, ByeReceived, Lost)

SCRIPT = st.lists(
    st.tuples(
        st.sampled_from(("caller", "callee")), st.sampled_from(sorted(COMMANDS)), st.sampled_from((0.0, 0.1, 0.6, 5.0))
    ),
    max_size=10,
)


@settings(max_examples=300, deadline=None)
@given(
    script=SCRIPT,
    fates=st.lists(st.sampled_from(["", "lost", "doubled"]), max_size=40),
    body=st.sampled_from([SDP, b""]),
    transport=st.sampled_from(["udp", "tcp"]),
    cut=st.booleans(),
)
def test_no_state_is_left(
    script: list[tuple[str, str, float]], fates: list[str], body: bytes, transport: str, *, cut: bool
) -> None:
    scene = Scene(transport, fates, body)
    for who, action, delay in script:
        scene.act(who, action)
        scene.wait(delay, action)
    if cut:
        scene.cut()
    scene.end()
    scene.wire.assert_empty()
    assert all(leg.ended for leg in scene.legs.values())
