"""One way across the edge: sipp scenarios and scripted agents placed at its ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from lab.host import Host
from lab.site import ROOT_FILE
from lab.topology import SIP_PORT, TLS_PORT
from tests.peers import sdp
from tests.peers.agent import Agent, Dialog
from tests.peers.host import hostport
from tests.peers.message import Message
from tests.peers.secure import Tls
from tests.peers.sipp.run import Outcome, Sipp
from tests.peers.sipp.steps import Step
from tests.peers.wires import Tcp, Wire
from tests.system.calls.edge import Edge, sip

Family = Literal[4, 6]

CALLER_PORTS = 30000
CALLEE_PORTS = 31000
"""Media ports: audio, video two above, BFCP ten above."""

HARDLY_ANY: Final = 2048
"""Octets of the receive buffer of a peer that does not read."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """A way across: host names, and the family of SIP and media on each side."""

    edge: Edge
    caller: str
    callee: str
    caller_family: Family = 4
    callee_family: Family = 4

    @property
    def left(self) -> Host:
        """Return the caller's host."""
        return self.edge.host(self.caller)

    @property
    def right(self) -> Host:
        """Return the callee's host."""
        return self.edge.host(self.callee)

    @property
    def alias(self) -> str:
        """Return what the caller dials."""
        return self.callee if self.callee_family == 4 else f"{self.callee}6"

    @property
    def left_address(self) -> str:
        """Return the caller's address."""
        return self.left.address(self.caller_family)

    @property
    def right_address(self) -> str:
        """Return the callee's address."""
        return self.right.address(self.callee_family)

    @property
    def edge_left(self) -> str:
        """Return the edge's address that the caller talks to."""
        return self.edge.address(self._zone(self.caller), self.caller_family)

    @property
    def edge_right(self) -> str:
        """Return the edge's address that the callee hears from."""
        return self.edge.address(self._zone(self.callee), self.callee_family)

    def offer(self, *directions: str, version: int = 1) -> str:
        """Write the caller's SDP: audio, video, floor control."""
        return _description(self.left_address, CALLER_PORTS, directions, version)

    def answer(self, *directions: str, version: int = 1) -> str:
        """Write the callee's SDP."""
        return _description(self.right_address, CALLEE_PORTS, directions, version)

    def play(
        self, left: Sequence[Step], right: Sequence[Step], directory: Path, *, calls: int = 1, rate: float = 10
    ) -> tuple[Outcome, Outcome]:
        """Let sipp play both ends; both must succeed, see no address of the other side, and leave nothing behind."""
        transport = self.edge.transport
        assert transport == "udp" or transport == "tcp", f"sipp speaks no {transport}"  # noqa: PLR1714 - for mypy
        with (
            Sipp(
                self.right, right, directory, self.right_address, SIP_PORT,
                transport=transport, name=self.callee, calls=calls,
            ) as callee,
            Sipp(
                self.left, left, directory, self.left_address, SIP_PORT, sip(self.edge_left),
                transport, self.alias, self.caller, calls, rate,
            ) as caller,
        ):  # fmt: skip
            outcomes = caller.succeed(), callee.succeed()
        for outcome, hidden in zip(outcomes, (self._beyond_left(), self._beyond_right()), strict=True):
            assert not [one for one in hidden if one in outcome.text], outcome.text
        self.edge.wait_idle()
        return outcomes

    @contextmanager
    def agents(self) -> Iterator[tuple[Agent, Agent]]:
        """Place a scripted agent at each end."""
        with (
            self.agent(self.left, self.left_address, self.caller) as left,
            self.agent(self.right, self.right_address, self.callee) as right,
        ):
            yield left, right

    def agent(self, host: Host, address: str, name: str, shows: str | None = None) -> Agent:
        """Place a scripted agent; over TLS it shows the certificate of its host, or that of `shows` ("": none)."""
        transport = self.edge.transport
        shown = name if shows is None else shows
        wire = self._tls(host, address, shown, SIP_PORT) if transport == "tls" else None
        return Agent(host, address, SIP_PORT, transport, name, wire)

    def stuck(self) -> Wire:
        """Place a wire at the caller's host that takes next to nothing: over the edge's transport, TCP for UDP."""
        if self.edge.transport == "tls":
            return self._tls(self.left, self.left_address, self.caller, 0, HARDLY_ANY)
        return Tcp(self.left, self.left_address, 0, HARDLY_ANY)

    def _tls(self, host: Host, address: str, shows: str, port: int, receive_buffer: int | None = None) -> Tls:
        keys = self.edge.lab.state.keys
        pair = (keys / f"{shows}.pem", keys / f"{shows}.key") if shows else None
        return Tls(host, address, port, keys / ROOT_FILE, pair, receive_buffer)

    @property
    def hop(self) -> tuple[str, int]:
        """Return where the caller reaches the edge."""
        return self.edge_left, TLS_PORT if self.edge.transport == "tls" else SIP_PORT

    def invite(self, left: Agent, body: str = "") -> Dialog:
        """Call from the left agent."""
        return left.invite(self.uri(self.alias), self.hop, body=body)

    def uri(self, alias: str) -> str:
        """Return what the caller dials to reach an alias."""
        return f"sip:{alias}@{hostport(self.edge_left, SIP_PORT)}"

    def establish(self, left: Agent, right: Agent, offer: str = "", answer: str = "") -> Established:
        """Set up a call between the agents."""
        ours = self.invite(left, offer or self.offer())
        invite = right.expect("INVITE")
        theirs = right.accept(invite)
        right.reply(invite, 180, call=theirs)
        left.expect(180)
        ok = right.reply(invite, 200, call=theirs, body=answer or self.answer())
        final = left.expect(200)
        left.ack(ours, final)
        right.expect("ACK")
        return Established(ours, theirs, invite, ok, sdp.read(final.body), sdp.read(invite.body))

    def check_hidden(self, left: Agent, right: Agent) -> None:
        """Check that no agent has read an address of the other side."""
        for agent, hidden in ((left, self._beyond_left()), (right, self._beyond_right())):
            text = "\n".join(str(one) for one in agent.received)
            assert not [one for one in hidden if one in text], text

    def _zone(self, host: str) -> str:
        zone = self.edge.lab.topology.host(host).zone
        assert zone is not None, f"{host} is in no zone"
        return zone

    def _beyond_left(self) -> set[str]:
        return {self.right_address, self.edge_right, *self._outside(self.right)}

    def _beyond_right(self) -> set[str]:
        return {self.left_address, self.edge_left, *self._outside(self.left)}

    def _outside(self, host: Host) -> list[str]:
        """Return every address of a host and of its home router."""
        topology = self.edge.lab.topology
        routers = [one for one in topology if one.nat and one.nat.sip_to == host.address(4)]
        places = [host.description, *routers]
        return [str(address.ip) for one in places for interface in one.interfaces for address in interface.addresses]


@dataclass(frozen=True, slots=True)
class Established:
    """A call that is up: the dialog of each side, and where each was told to send its media."""

    left: Dialog
    right: Dialog
    invite: Message
    ok: Message
    told_left: list[sdp.Stream]
    told_right: list[sdp.Stream]


def _description(address: str, port: int, directions: Sequence[str], version: int) -> str:
    lines = [sdp.audio(port, *directions), sdp.video(port + 2, *directions), sdp.bfcp(port + 10)]
    return sdp.write(address, lines, version=version)
