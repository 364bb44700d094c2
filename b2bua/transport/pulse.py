"""When a connection is asked whether anybody is there, and when it is given up. Pure: time in, what to do out.

Who opened a connection keeps it alive (RFC 5626 4.4.1), so we ping those of ours that are idle; a browser cannot ping,
so its WebSocket is pinged by us. A peer that has answered one ping and leaves another unanswered is gone; one that
never answers may just not know of pings, and loses nothing.
"""

from __future__ import annotations

from typing import Literal

from b2bua.transport.limits import (
    FIRST_MESSAGE_SECONDS,
    HANDSHAKE_SECONDS,
    IDLE_SECONDS,
    PING_SECONDS,
    PONG_SECONDS,
)

Act = Literal["wait", "ping", "close"]


class Pulse:
    """The life signs of one connection; `due` is when to `act`, in seconds of any clock."""

    def __init__(self, now: float, *, accepted: bool, ping_every: float | None) -> None:
        self._accepted = accepted
        self._every = ping_every
        self._began = self._heard = self._said = now
        self._open = self._spoke = self._answers = False
        self._asked: float | None = None

    @classmethod
    def of(cls, transport: str, now: float, *, accepted: bool) -> Pulse:
        """Give the pulse of a connection as its transport wants it."""
        every = PING_SECONDS["wss"] if transport == "wss" else PING_SECONDS["tcp"]
        pulse = cls(now, accepted=accepted, ping_every=every if transport == "wss" or not accepted else None)
        pulse._answers = pulse._spoke = transport == "wss"  # RFC 6455 5.5.3: it has to; and it may wait for its user
        return pulse

    def opened(self, now: float) -> None:
        """Note that handshakes are over."""
        self._open, self._began, self._heard = True, now, now

    def heard(self, now: float, *, message: bool, pong: bool) -> None:
        """Note that something came."""
        self._heard = now
        self._asked = None
        self._spoke = self._spoke or message
        self._answers = self._answers or pong

    @property
    def due(self) -> float:
        """When to `act` next; infinity for never."""
        if not self._open:
            return self._began + HANDSHAKE_SECONDS
        return min(self._end, self._ask)

    def act(self, now: float) -> Act:
        """Say what is to be done; after "ping" the owner sends one."""
        if now < self.due:
            return "wait"
        if not self._open or now >= self._end:
            return "close"
        self._said = self._asked = now
        return "ping"

    @property
    def _end(self) -> float:
        if self._asked is not None and self._answers:
            return self._asked + PONG_SECONDS
        if not self._accepted:
            return float("inf")
        return self._heard + IDLE_SECONDS if self._spoke else self._began + FIRST_MESSAGE_SECONDS

    @property
    def _ask(self) -> float:
        if self._every is None or (self._asked is not None and self._answers):
            return float("inf")
        return max(self._heard, self._said) + self._every
