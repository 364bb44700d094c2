"""Requests too large for a datagram go over TCP, and back to UDP where TCP is refused (RFC 3261 18.1.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from b2bua.sip.flow import Flow, Target

LARGEST_DATAGRAM = 1_300
"""Octets of a request over UDP where the path MTU is not known; the answers need room as well."""

REFUSED_SECONDS = 600.0
"""How long a peer that refused TCP gets datagrams, whatever their size: asking before every call would delay it."""

MAX_REFUSED = 4_096
"""Peers of which that is remembered: more than a region has rooms on UDP."""


class Beside(NamedTuple):
    """The TCP way to a place that UDP was meant for, and what Via then says of us."""

    to: Target
    sent_by: tuple[str, int]


class Large:
    """Finds the TCP way for requests, by `beside`; None says that there is none."""

    def __init__(self, beside: Callable[[Flow | Target], Beside | None] = lambda _: None) -> None:
        self._beside = beside
        self._refused: dict[Target, float] = {}

    def way(self, to: Flow | Target, size: int, now: float) -> Beside | None:
        """Give the way over TCP for a request of `size` octets; None if it stays a datagram."""
        if to.reliable or size <= LARGEST_DATAGRAM:
            return None
        found = self._beside(to)
        return None if found is None or self._refused.get(found.to, now) > now else found

    def refused(self, to: Flow | Target, now: float) -> None:
        """Note that TCP came to nothing."""
        if len(self._refused) >= MAX_REFUSED:
            self._refused.clear()
        if isinstance(to, Target):
            self._refused[to] = now + REFUSED_SECONDS
