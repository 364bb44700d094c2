"""Crossings that are used at the same time, over every transport: each leaves room for the others on its hosts."""

from __future__ import annotations

from lab.host import Host
from lab.topology import SIP_PORT, TLS_PORT
from tests.peers.agent import Agent
from tests.peers.wires import Transport
from tests.system.web.conftest import HOME
from tests.system.web.crossing import Paged


class Beside(Paged):
    """A crossing over the transport of its edge; callers have ports of their own."""

    @property
    def alias(self) -> str:
        """Return what the caller dials."""
        over = self.edge.transport
        return super().alias if over in {"udp", "wss"} else f"{self.callee}-{over}"

    @property
    def hop(self) -> tuple[str, int]:
        """Return where the caller reaches the edge."""
        return (self.edge_left, TLS_PORT) if self.edge.transport == "tls" else super().hop

    def agent(self, host: Host, address: str, name: str, shows: str | None = None) -> Agent:
        """Place a scripted agent."""
        port = TLS_PORT if self.edge.transport == "tls" else SIP_PORT
        return (
            super().agent(host, address, name, shows) if name == HOME else self.at(name, port * (name == self.callee))
        )

    def at(self, name: str, port: int) -> Agent:
        """Place a scripted agent on a host, at a port: 0 for who only calls. Beside a page stands one on UDP."""
        host = self.edge.host(name)
        over: Transport = "udp" if self.edge.transport == "wss" else self.edge.transport
        # Whoever calls shows another certificate: else calls to this host would go over its connection (RFC 5923).
        wire = self._tls(host, host.address(4), name if port else "municipality", port) if over == "tls" else None
        return Agent(host, host.address(4), port, over, name, wire)
