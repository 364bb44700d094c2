"""User agents and gateways in memory: messages travel between addresses, time is a number, nothing sleeps."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from b2bua import sip
from b2bua.call.gateway import Gateway
from b2bua.call.plan import Plan
from b2bua.call.record import CallRecord
from b2bua.locate import Destination, LocateError, NotFoundError
from vdx import pinhole
from vdx.control import Signalling, SipListener, SipPeer
from vdx.dialplan import Dialling, DialRule
from vdx.ids import CallId

Address = tuple[str, int]

EPOCH = 1_800_000_000.0
"""What the wall clock shows when the world's clock is at 0."""


class Counting:
    """Names that count, so that a failing test reads the same each time."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._numbers = itertools.count(1)

    def token(self) -> str:
        return f"{self._prefix}{next(self._numbers):06d}"

    def fraction(self) -> float:
        return 0.5

    def call(self) -> CallId:
        digits = f"{next(self._numbers):013d}".translate(str.maketrans("0189", "abcd"))
        return CallId(digits)

    def session(self) -> int:
        return next(self._numbers)


@dataclass
class Ports:
    """What gatewayd does for calls, in memory: ports count up, every lease is remembered."""

    local: dict[str, str]  # zone -> our media address
    open: dict[str, pinhole.Stream] = field(default_factory=dict)
    told: list[object] = field(default_factory=list)
    refuse: Callable[[object], pinhole.Refused | None] = lambda _request: None
    idle: float | None = 0.0  # seconds since every end was heard, None for never
    carried: tuple[pinhole.Usage, ...] = ()  # what leases have carried when they are released
    _port: int = 40_000

    def ask(self, request: object) -> pinhole.Reply:
        self.told.append(request)
        if refused := self.refuse(request):
            return refused
        match request:
            case pinhole.Lease(id, _, streams):
                self.open |= {stream.lease: stream for stream in streams}
                return pinhole.Leased(id, tuple(self._opened(stream) for stream in streams))
            case pinhole.SetRemote(id, changes):
                assert {change.lease for change in changes} <= set(self.open)
                return pinhole.Done(id)
            case pinhole.Narrow(id, leases):
                assert set(leases) <= set(self.open)
                return pinhole.Done(id)
            case pinhole.Release(id, leases):
                for lease in leases:
                    self.open.pop(lease, None)
                return pinhole.Released(id, tuple(usage for usage in self.carried if usage.lease in leases))
            case pinhole.Renew(id, leases):
                traffic = pinhole.Traffic(idle=self.idle)
                usage = tuple(pinhole.Usage(lease, traffic, traffic) for lease in leases if lease in self.open)
                return pinhole.Renewed(id, usage, tuple(lease for lease in leases if lease not in self.open))
        raise AssertionError(request)

    def _opened(self, stream: pinhole.Stream) -> pinhole.Opened:
        ends = []
        for end in (stream.a, stream.b):
            address = self.local[end.zone] if end.family == 4 else f"2001:db8::{end.zone == 'sdn':x}"
            ends.append(pinhole.Local(address, self._port, self._port + 1 if stream.kind == "rtp" else None))
            self._port += 2
        return pinhole.Opened(stream.lease, *ends)


class Rewritten:
    """The core of a user agent that says what ours never would: each message is changed on its way out."""

    def __init__(self, core: sip.Endpoint, change: Callable[[bytes], bytes]) -> None:
        self._core = core
        self._change = change

    def to_send(self) -> list[sip.Outgoing]:
        return [out._replace(data=self._change(out.data)) for out in self._core.to_send()]

    def __getattr__(self, name: str) -> object:
        return getattr(self._core, name)


class Agent:
    """A user agent: its events are kept, its leg is at hand."""

    def __init__(self, name: str, address: Address) -> None:
        self.name = name
        self.address = address
        self.core = sip.Endpoint(Counting(name))
        self.seen: list[sip.Event] = []
        self.leg: sip.Leg | None = None

    def pump(self, now: float) -> None:
        for event in self.core.events():
            self.seen.append(event)
            if isinstance(event, sip.RequestReceived) and event.request.method == "OPTIONS":
                event.handle.respond(now)
            if isinstance(event, sip.IncomingInvite):
                self.leg = event.leg

    def last(self, kind: type) -> sip.Event:
        found = [event for event in self.seen if isinstance(event, kind)]
        assert found, f"{self.name} saw no {kind.__name__}, only {[type(event).__name__ for event in self.seen]}"
        return found[-1]

    def saw(self, kind: type) -> bool:
        return any(isinstance(event, kind) for event in self.seen)


class World:
    """Everything, connected. `lose` may swallow a message, told by sender, receiver and bytes."""

    def __init__(self, transport: str = "udp") -> None:
        self.now = 1000.0
        self.transport = transport
        self.lose: Callable[[Address, Address, bytes], bool] = lambda _from, _to, _data: False
        self.wire: list[tuple[Address, Address, bytes]] = []
        self.agents: dict[Address, Agent] = {}
        self.gateways: dict[Address, tuple[Gateway, str, Ports]] = {}
        self.records: list[CallRecord] = []
        self.answers = True  # whether gatewayd answers
        self.names: dict[str, tuple[Destination, ...] | LocateError] = {}  # where names lead; others do not exist
        self.asked: list[str] = []
        self.finds = True  # whether DNS answers

    def agent(self, name: str, host: str) -> Agent:
        agent = Agent(name, (host, 5060))
        self.agents[agent.address] = agent
        return agent

    def gateway(
        self,
        name: str,
        zones: dict[str, str],
        peers: tuple[SipPeer, ...],
        rules: tuple[DialRule, ...],
        calls: int = 100,
        dial: Dialling | None = None,
    ) -> tuple[Gateway, Ports]:
        gateway = Gateway(Counting(name), self.records.append, lambda: EPOCH + self.now)
        listeners = tuple(
            SipListener(zone, self.transport, host, 5060, host, 5060)  # type: ignore[arg-type]
            for zone, host in zones.items()
        )
        gateway.plan = Plan("v1", Signalling(listeners, peers, rules, calls, dial=dial or Dialling()))
        gateway.pinholes_connected(self.now)
        ports = Ports(dict(zones))
        for zone, host in zones.items():
            self.gateways[host, 5060] = (gateway, zone, ports)
        return gateway, ports

    def settle(self) -> None:
        """Deliver until everything is quiet."""
        for _ in range(10_000):
            if not (self._deliver() | self._consult()):
                return
        raise AssertionError("messages go round for ever")

    def wait(self, seconds: float) -> None:
        """Let time pass, firing every timer when it is due."""
        end = self.now + seconds
        self.settle()
        while True:
            times = [time for node in self._nodes() if (time := node.next_timer()) is not None and time <= end]
            if not times:
                break
            self.now = max(self.now, min(times))
            for node in self._nodes():
                node.on_timer(self.now)
            for agent in self.agents.values():
                agent.pump(self.now)
            self.settle()
        self.now = end

    def _nodes(self) -> list[Gateway | sip.Endpoint]:
        gateways = {id(gateway): gateway for gateway, _, _ in self.gateways.values()}
        return [*gateways.values(), *(agent.core for agent in self.agents.values())]

    def _consult(self) -> bool:
        busy = False
        for gateway, _, ports in {id(entry[0]): entry for entry in self.gateways.values()}.values():
            for lookup in gateway.lookups():
                busy = True
                self.asked += [query.host for query in lookup.queries.values()]
                if self.finds:
                    unknown = NotFoundError("no such name")
                    found = {host: self.names.get(host.host, unknown) for host in lookup.queries}
                    gateway.located(lookup.number, found, self.now)
            for request in gateway.requests():
                busy = True
                reply = ports.ask(request)
                if self.answers:
                    gateway.on_pinhole(reply, self.now)
        return busy

    def _deliver(self) -> bool:
        busy = False
        for agent in list(self.agents.values()):
            for out in agent.core.to_send():
                self._carry(agent.address, out)
                busy = True
        for gateway in {id(entry[0]): entry[0] for entry in self.gateways.values()}.values():
            said = gateway.to_send()
            self.carry(gateway, said)
            busy |= bool(said)
        return busy

    def carry(self, gateway: Gateway, said: list[sip.Outgoing]) -> None:
        """Take what a gateway sends to where it goes."""
        for out in said:
            source = out.to.local if isinstance(out.to, sip.Flow) else self._of_zone(gateway, out.to.zone)
            self._carry(source, out)

    def _of_zone(self, gateway: Gateway, zone: str) -> Address:
        return next(address for address, entry in self.gateways.items() if entry[:2] == (gateway, zone))

    def _carry(self, source: Address, out: sip.Outgoing) -> None:
        to = out.to.remote if isinstance(out.to, sip.Flow) else (out.to.host, out.to.port)
        self.wire.append((source, to, out.data))
        if self.lose(source, to, out.data):
            return
        if to in self.agents:
            agent = self.agents[to]
            agent.core.receive(out.data, sip.Flow(self.transport, to, source, "-", 1, to), self.now)
            agent.pump(self.now)
        elif to in self.gateways:
            gateway, zone, _ = self.gateways[to]
            gateway.receive(out.data, sip.Flow(self.transport, to, source, zone, 1, to), self.now)
