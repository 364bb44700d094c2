"""How routers are asked to treat signalling (RFC 2474): before the data of others, after voices and pictures."""

from __future__ import annotations

import socket
from typing import Protocol

CS3 = 24 << 2
"""The octet of DSCP CS3, which RFC 4594 section 4.2 has for signalling, without ECN."""


class Markable(Protocol):
    """A socket, or what asyncio shows of one."""

    @property
    def family(self) -> int:
        """The family of its addresses."""

    def setsockopt(self, level: int, name: int, value: int, /) -> None:
        """Set an option."""


def mark(one: Markable) -> None:
    """Have a socket, and what it accepts, send with CS3; raises OSError as setsockopt(2) does."""
    if one.family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, CS3)
    else:
        one.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, CS3)
