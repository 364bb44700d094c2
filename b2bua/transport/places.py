"""The places that listeners have for accepted connections: so many in all, so many for one host."""

from __future__ import annotations

from collections.abc import Hashable
from ipaddress import IPv6Network

from b2bua.transport.limits import MAX_CONNECTIONS, MAX_FROM_ONE_HOST
from b2bua.transport.listener import Listener


class Places:
    """Who holds a place; a connection is known by its number."""

    def __init__(self) -> None:
        self._held: dict[Hashable, set[int]] = {}  # by listener, and by listener and host

    def take(self, listener: Listener, address: str, ident: int) -> bool:
        """Take a place; False if the listener or the host has no more."""
        both = (listener, MAX_CONNECTIONS), ((listener, host(address)), MAX_FROM_ONE_HOST)
        if any(len(self._held.get(key, ())) >= most for key, most in both):
            return False
        for key, _ in both:
            self._held.setdefault(key, set()).add(ident)
        return True

    def leave(self, listener: Listener, address: str, ident: int) -> None:
        """Give a place back; nothing happens where there was none."""
        for key in (listener, (listener, host(address))):
            held = self._held.get(key, set())
            held.discard(ident)
            if not held:
                self._held.pop(key, None)

    def __len__(self) -> int:
        """Count what is held on; 0 when every place is free."""
        return len(self._held)


def host(address: str) -> str:
    """Give what one host can connect from: its IPv4 address, or the /64 it may number itself in (RFC 4291 2.5.1)."""
    if ":" not in address:
        return address
    return str(IPv6Network((address.partition("%")[0], 64), strict=False))
