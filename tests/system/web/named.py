"""Peers that are looked up by name (RFC 3263): of the three servers of each, two do not take calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from lab.lab import Lab
from lab.topology import DOMAIN


@dataclass(frozen=True, slots=True)
class Named:
    """A name on a host, whose servers listen over `over`: nobody at `dead`, one at `busy` that refuses, one at `ready`.

    `dead` is the first of three ports in a row, in the order of the SRV records.
    """

    host: str
    over: Literal["udp", "tcp", "tls"]
    dead: int

    @property
    def busy(self) -> int:
        """Return the port of the second server."""
        return self.dead + 1

    @property
    def ready(self) -> int:
        """Return the port of the third server."""
        return self.dead + 2

    @property
    def alias(self) -> str:
        """Return the name in the dial plan, and of the peer."""
        return f"{self.host}-named-{self.dead}"

    def records(self, lab: Lab) -> Iterator[str]:
        """Write the records, as options of dnsmasq."""
        service = f"_sips._tcp.{self._name}" if self.over == "tls" else f"_sip._{self.over}.{self._name}"
        for priority, port in enumerate((self.dead, self.busy, self.ready), start=1):
            yield f"--srv-host={service},server.{self._name},{port},{priority},100"
        yield f"--host-record=server.{self._name},{lab.host(self.host).address(4)}"

    def peer(self, like: dict[str, Any]) -> dict[str, Any]:
        """Write it for the site file, in the zone and with the media of another one."""
        target = {"host": self._name, "transport": self.over}
        if self.over == "tls":
            target["server_name"] = f"{self.host}.{DOMAIN}"
        return {"zone": like["zone"], "media": like["media"], "target": target}

    @property
    def _name(self) -> str:
        return f"{self.alias}.example"
