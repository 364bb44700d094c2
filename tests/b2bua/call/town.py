"""Alice in SDN, two mixers in the core, Bob on the internet, and a gateway with whatever dial plan a test wants."""

from __future__ import annotations

import msgspec

from b2bua import sip
from b2bua.call.plan import Plan
from tests.b2bua.call.test_calls import answer, offer, sdp
from tests.b2bua.call.world import Agent, World
from vdx.admission import Ceiling
from vdx.control import SipPeer
from vdx.dialplan import Dialling, DialRule, HostTarget, PeerDial, RoomPlace

ALICE, BOB, ONE, TWO = "198.18.1.10", "198.51.100.10", "10.0.0.11", "10.0.0.12"
EDGE = {"sdn": "198.18.0.10", "internet": "203.0.113.10", "core": "10.0.0.1"}
REACH = ("198.51.100.0/24",)


def peer(name: str, zone: str, host: str, **dial: object) -> SipPeer:
    """Make a peer; `dial` holds fields of PeerDial."""
    return SipPeer(name, zone, (f"{host}/32",), 4, (host, 5060, "udp"), dial=PeerDial(**dial))  # type: ignore[arg-type]


class Town:
    """Everybody, and what they heard."""

    def __init__(
        self,
        *rules: DialRule,
        dial: Dialling | None = None,
        calls: int = 100,
        peers: dict[str, dict[str, object]] | None = None,
    ) -> None:
        self.world = World()
        self.agents = {
            name: self.world.agent(name, host)
            for name, host in (("alice", ALICE), ("bob", BOB), ("one", ONE), ("two", TWO))
        }
        self.alice = self.agents["alice"]
        more = peers or {}
        told = (
            peer("hospital", "sdn", ALICE, **more.get("hospital", {})),
            peer("clinic", "internet", BOB, **more.get("clinic", {})),
            peer("one", "core", ONE, **more.get("one", {})),
            peer("two", "core", TWO, **more.get("two", {})),
            SipPeer("world", "internet", (), 4, dial=PeerDial(reach=REACH, **more.get("world", {}))),  # type: ignore[arg-type]
            SipPeer("named", "internet", (), 4, dial=PeerDial(host=HostTarget("sip.clinic.example"), reach=REACH)),
        )
        standard = Dialling("edge1", ("health.example",), rooms=(RoomPlace("ward", "one", "900"),))
        self.gateway, self.ports = self.world.gateway("gw", EDGE, told, rules, calls, dial or standard)

    def limit(self, **limits: Ceiling) -> None:
        """Set limits of zones, or of all by `everything`."""
        signalling = self.gateway.plan.signalling
        everything = limits.pop("everything", Ceiling())
        dial = msgspec.structs.replace(signalling.dial, zones=tuple(limits.items()), limits=everything)
        self.gateway.plan = Plan("v2", msgspec.structs.replace(signalling, dial=dial))

    def dial(
        self, user: str, host: str = "", *, scheme: str = "sip", body: bytes | None = None, **more: object
    ) -> sip.Leg:
        """Have Alice call."""
        host = host or EDGE["sdn"]
        invitation = sip.Invitation(
            destination=sip.Target("-", "udp", EDGE["sdn"], 5060),
            uri=f"{scheme}:{user}@{host}" if user else f"{scheme}:{host}",
            **{  # type: ignore[arg-type]
                "from_": f"<sip:alice@{ALICE}>",
                "to": f"<sip:{host}>",
                "sent_by": self.alice.address,
                "body": offer(ALICE) if body is None else body,
                **more,
            },
        )
        leg = self.alice.core.invite(invitation, self.world.now)
        self.world.settle()
        return leg

    def answer(self, name: str) -> None:
        """Have somebody answer."""
        agent = self.agents[name]
        answer(agent, self.world, sdp(agent.address[0], 7000))

    def reject(self, name: str, status: int, **more: object) -> None:
        """Have somebody refuse."""
        leg = self.agents[name].leg
        assert leg
        leg.reject(self.world.now, status, **more)  # type: ignore[arg-type]
        self.world.settle()

    def invited(self) -> list[str]:
        """Give who was called, in order, each once for each INVITE that is not a retransmission."""
        names = {agent.address: name for name, agent in self.agents.items()}
        seen: dict[bytes, str] = {}
        for _, to, data in self.world.wire:
            if data.startswith(b"INVITE") and to in names and names[to] != "alice":
                seen.setdefault(data, names[to])
        return list(seen.values())

    def request(self, name: str) -> sip.Request:
        """Give the last INVITE that somebody was sent."""
        event = self.agents[name].last(sip.IncomingInvite)
        assert isinstance(event, sip.IncomingInvite)
        return event.request

    def failed(self) -> sip.Failed:
        """Give how Alice's last call failed."""
        event = self.alice.last(sip.Failed)
        assert isinstance(event, sip.Failed)
        return event

    def agent(self, name: str) -> Agent:
        """Give an agent by name."""
        return self.agents[name]

    def idle(self) -> None:
        """Nothing is left of any call."""
        self.world.wait(400)
        assert {name: size for name, size in self.gateway.sizes.items() if size} == {}
        assert self.ports.open == {}
        assert len(self.gateway._entrance._tally) == 0
        assert len(self.gateway._entrance._loops) == 0
