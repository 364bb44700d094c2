"""Two or more endpoints in memory: a wire with virtual time, whose loss and delay the test writes down."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeVar

from b2bua.sip import Endpoint, Event, Flow, Invitation, Outgoing, Response, Settings, Target, parse

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T", bound=Event)

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = SDP.replace(b"4000", b"5000")


def response(data: bytes) -> Response:
    """Read what has to be a response."""
    message = parse(data)
    assert isinstance(message, Response), message
    return message


class CountingIds:
    """Ids that a test can read: name, then a number."""

    def __init__(self, name: str, fraction: float = 0.5) -> None:
        self._name = name
        self._numbers = itertools.count(1)
        self._fraction = fraction

    def token(self) -> str:
        return f"{self._name}{next(self._numbers)}"

    def fraction(self) -> float:
        return self._fraction


class Host:
    """An endpoint at an address, and everything it was told."""

    def __init__(self, name: str, address: tuple[str, int], settings: Settings | None = None) -> None:
        self.name = name
        self.address = address
        self.endpoint = Endpoint(CountingIds(name), settings)
        self.seen: list[Event] = []

    def take(self, kind: type[T]) -> T:
        """Give the oldest event not taken yet, which has to be of this kind."""
        event = self.seen.pop(0)
        assert isinstance(event, kind), (kind.__name__, event)
        return event


class Wire:
    """Carries messages between hosts in order, at once. `lose` and `double` are asked for every message."""

    def __init__(self, *hosts: Host, transport: str = "udp") -> None:
        self.hosts = {host.address: host for host in hosts}
        self.transport = transport
        self.now = 0.0
        self.log: list[str] = []
        self.lose: Callable[[str], bool] = lambda _line: False
        self.double: Callable[[str], bool] = lambda _line: False

    def flow(self, host: Host, peer: tuple[str, int]) -> Flow:
        """Give the flow on which `host` sees `peer`."""
        return Flow(self.transport, host.address, peer, "lan", 1, host.address)

    def run(self) -> None:
        """Carry messages until nobody has any to send."""
        while any([self._carry(host) for host in self.hosts.values()]):  # noqa: C419 - every host gets its turn
            pass

    def _carry(self, host: Host) -> bool:
        host.seen += host.endpoint.events()
        batch = host.endpoint.to_send()
        for outgoing in batch:
            self._deliver(host, outgoing)
        return bool(batch)

    def _deliver(self, sender: Host, outgoing: Outgoing) -> None:
        to = outgoing.to
        address = (to.host, to.port) if isinstance(to, Target) else to.remote
        message = parse(outgoing.data)
        start = outgoing.data.partition(b" SIP/2.0")[0].partition(b"\r\n")[0].decode().removeprefix("SIP/2.0 ")
        line = f"{sender.name} {start.split(' ', 1)[0]} {message.cseq.method}"
        self.log.append(line)
        receiver = self.hosts.get(address)
        if receiver is None:
            sender.endpoint.send_failed(outgoing, "no host", self.now)
        elif not self.lose(line):
            for _ in range(2 if self.double(line) else 1):
                receiver.endpoint.receive(outgoing.data, self.flow(receiver, sender.address), self.now)

    def advance(self, seconds: float) -> None:
        """Let time pass, firing every timer at its moment."""
        end = self.now + seconds
        self.run()
        while True:
            due = [time for host in self.hosts.values() if (time := host.endpoint.next_timer()) is not None]
            if not due or min(due) > end:
                break
            self.now = max(self.now, min(due))
            for host in self.hosts.values():
                host.endpoint.on_timer(self.now)
            self.run()
        self.now = end

    def invitation(self, caller: Host, callee: Host, body: bytes = SDP) -> Invitation:
        """Make an INVITE from one host to another."""
        host, port = callee.address
        return Invitation(
            Target("lan", self.transport, host, port),
            f"sip:room@{host}:{port}",
            f"<sip:{caller.name}@{caller.address[0]}>",
            f"<sip:room@{host}>",
            caller.address,
            body=body,
        )

    def assert_empty(self) -> None:
        """Let every timer run out and check that nothing is left."""
        self.advance(200)
        for host in self.hosts.values():
            assert not any(host.endpoint.sizes.values()), (host.name, host.endpoint.sizes)
            assert host.endpoint.next_timer() is None


class LoseFirst:
    """Loses the first `count` messages whose log line is `line`."""

    def __init__(self, line: str, count: int = 1) -> None:
        self.line = line
        self.left = count

    def __call__(self, line: str) -> bool:
        if line == self.line and self.left:
            self.left -= 1
            return True
        return False
