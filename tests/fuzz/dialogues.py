"""What any sequence of messages may do to the state behind the parser: no fault, and nothing left when it is over.

An input is a dialogue: parts between lines of two dashes. The first letter of a part says what happens, the rest is a
message; in it `{via}`, `{from}`, `{to}`, `{call_id}`, `{cseq}` stand for what the last message to that side had.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from b2bua import sip
from b2bua.sip import Endpoint, Flow, Invitation, Leg, Outgoing, SipError, Target
from tests.b2bua.call.test_calls import ALICE, BOB, NET, SDN, Line
from tests.b2bua.sip.wire import ANSWER, SDP, CountingIds
from vdx.control import CallInfo

PARTS = b"\n--\n"
MAX_PARTS = 40
"""More steps find nothing new and cost time."""

MAX_OUT = 2_000
"""Messages that one dialogue may cause: retransmissions of a few transactions; more would be a storm."""

PAUSES = {b"1": 0.5, b"2": 5.0, b"3": 33.0, b"4": 200.0, b"5": 2000.0}
PEERS = (("198.51.100.1", 5060), ("198.51.100.2", 5060))
WE = ("192.0.2.1", 5060)


class Echo:
    """The values of the last message that was sent to somebody, to be put into what they say next."""

    def __init__(self) -> None:
        self._values = dict.fromkeys(("via", "from", "to", "call_id", "cseq"), b"?")

    def note(self, data: bytes) -> None:
        """Take the values of a message of ours; it must be one that everybody can read."""
        message = sip.parse(data)
        names = (("via", "via"), ("from", "from"), ("to", "to"), ("call_id", "call-id"), ("cseq", "cseq"))
        for name, header in names:
            self._values[name] = message.get(header).encode("utf-8", "replace")
        if isinstance(message, sip.Request):  # an answer repeats what was broken in its request
            assert message.via
            assert message.cseq.method == message.method

    def fill(self, part: bytes) -> bytes:
        """Put the values in; a line end is one as in SIP."""
        for name, value in self._values.items():
            part = part.replace(b"{" + name.encode() + b"}", value)
        return part.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def parts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give what happens and its message."""
    for part in data.split(PARTS)[:MAX_PARTS]:
        yield part[:1], part[1:]


def endpoint(data: bytes) -> None:
    """Let two peers say anything to an endpoint whose owner does anything that its legs allow."""
    stage = _Stage()
    for what, rest in parts(data):
        stage.step(what, rest)
    stage.finish()


class _Stage:
    """An endpoint, its legs, and two peers."""

    def __init__(self) -> None:
        self.core = Endpoint(CountingIds("us"))
        self.now = 0.0
        self.legs: list[Leg] = []
        self.asked: list[sip.ServerRequest] = []
        self.echoes = (Echo(), Echo())
        self.flows = tuple(
            Flow(transport, WE, peer, "sdn", at, WE)
            for at, (transport, peer) in enumerate(zip(("udp", "tcp"), PEERS, strict=True), 1)
        )
        self.sent = 0

    def step(self, what: bytes, rest: bytes) -> None:
        if what in {b"m", b"n"}:
            side = int(what == b"n")
            self.core.receive(self.echoes[side].fill(rest), self.flows[side], self.now)
        elif what == b"t":
            self._pass(PAUSES.get(rest[:1], 0.1))
        elif what == b"i":
            to: Target | Flow = Target("sdn", "udp", *PEERS[0]) if rest[:1] != b"n" else self.flows[1]
            invitation = Invitation(to, "sip:x@198.51.100.1", "<sip:us@192.0.2.1>", "<sip:x@y>", WE, body=SDP)
            self.legs.append(self.core.invite(invitation, self.now))
        elif what == b"f":
            self.core.flow_closed(self.flows[int(rest[:1] == b"n")], self.now)
        elif what in COMMANDS and self.legs:
            with contextlib.suppress(SipError):  # the state of the leg may not allow it
                COMMANDS[what](self.legs[-1], self.now)
        elif what == b"s" and self.asked:
            self.asked.pop().respond(self.now, 200)
        self._drain()

    def _drain(self) -> None:
        for event in self.core.events():
            if isinstance(event, sip.IncomingInvite):
                self.legs.append(event.leg)
            elif isinstance(event, sip.RequestReceived):
                self.asked.append(event.handle)
        for outgoing in self.core.to_send():
            self._carry(outgoing)

    def _carry(self, outgoing: Outgoing) -> None:
        self.sent += 1
        assert self.sent < MAX_OUT, "a storm of messages"
        to = outgoing.to
        host = to.host if isinstance(to, Target) else to.remote[0]
        self.echoes[int(host == PEERS[1][0])].note(outgoing.data)

    def _pass(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.core.next_timer()) is not None and due <= end:
            self.now = max(self.now, due)
            self.core.on_timer(self.now)
            self._drain()
        self.now = end

    def finish(self) -> None:
        for handle in self.asked:
            handle.respond(self.now, 500)
        for leg in self.legs:
            leg.end(self.now)
        self.sent = 0
        self._pass(400.0)
        for leg in self.legs:  # one that was still waiting for an ACK or an answer
            leg.end(self.now)
        self._pass(4000.0)
        left = {name: size for name, size in self.core.sizes.items() if size}
        assert not left, left


COMMANDS: dict[bytes, Callable[[Leg, float], object]] = {
    b"r": lambda leg, now: leg.ring(now, 180),
    b"e": lambda leg, now: leg.ring(now, 183, body=ANSWER),
    b"a": lambda leg, now: leg.answer(now, body=ANSWER),
    b"x": lambda leg, now: leg.reject(now, 486),
    b"b": lambda leg, now: leg.bye(now),
    b"c": lambda leg, now: leg.cancel(now),
    b"k": lambda leg, now: leg.ack(now, body=ANSWER),
    b"u": lambda leg, now: leg.reinvite(now, body=SDP),
    b"v": lambda leg, now: leg.cancel_reinvite(now),
    b"w": lambda leg, now: leg.update(now, body=SDP),
    b"p": lambda leg, now: leg.prack(now, ANSWER),
    b"o": lambda leg, now: leg.request(now, "OPTIONS"),
    b"z": lambda leg, now: leg.end(now, 480),
}


def gateway(data: bytes) -> None:
    """Let caller and callee say anything to a whole gateway: no fault, no lease, no call left."""
    line = Line()
    world = line.world
    world.agents.clear()  # both ends are played from the input
    echoes = {ALICE: Echo(), BOB: Echo()}
    told = 0
    for what, rest in parts(data):
        if what in {b"a", b"b"}:
            near, far, zone = (SDN, ALICE, "sdn") if what == b"a" else (NET, BOB, "internet")
            flow = Flow("udp", (near, 5060), (far, 5060), zone, 1, (near, 5060))
            line.gateway.receive(echoes[far].fill(rest), flow, world.now)
        elif what == b"t":
            world.wait(PAUSES.get(rest[:1], 0.1))
        elif what == b"h":
            for call in line.gateway.calls(world.now):
                _hang_up(line, call)
        elif what == b"g":
            line.gateway.pinholes_lost(world.now)
            line.gateway.pinholes_connected(world.now)
        world.settle()
        for _, to, message in world.wire[told:]:
            echoes[to[0]].note(message)
        told = len(world.wire)
        assert told < MAX_OUT, "a storm of messages"
    for call in line.gateway.calls(world.now):
        _hang_up(line, call)
    world.wait(400.0)
    assert line.gateway.counts["faults"] == 0
    left = {name: size for name, size in line.gateway.sizes.items() if size}
    assert not left, left
    assert not line.ports.open, line.ports.open


def _hang_up(line: Line, call: CallInfo) -> None:
    assert line.gateway.hang_up(call.call, "operator", line.world.now)
    line.world.settle()
