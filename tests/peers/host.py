"""Where a peer lives: a host of the lab, or this machine as it is."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence
from typing import Any, Protocol


class Host(Protocol):
    """What peers need of a host: sockets and processes that belong to it. `lab.host.Host` is one."""

    def socket(self, family: int = ..., kind: int = ..., protocol: int = ...) -> socket.socket:
        """Return a new socket of the host."""
        ...

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program on the host."""
        ...


class Here:
    """This process's own network: unit tests of the peers talk over loopback."""

    def socket(self, family: int = socket.AF_INET, kind: int = socket.SOCK_DGRAM, protocol: int = 0) -> socket.socket:
        """Return a new socket."""
        return socket.socket(family, kind, protocol)

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program."""
        return subprocess.Popen(command, **options)


def family(address: str) -> socket.AddressFamily:
    """Return the family of a literal address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def hostport(address: str, port: int) -> str:
    """Write an address and a port as SIP does: IPv6 in brackets (RFC 3261 section 25.1, hostport)."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
