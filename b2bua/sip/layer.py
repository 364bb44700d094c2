"""The ground that transactions and legs stand on: the clock's last word, the timers, the way out, who is alive."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from b2bua.sip.flow import Outgoing
from b2bua.sip.large import Large
from b2bua.sip.standing import Standing

if TYPE_CHECKING:
    from b2bua.sip.events import Event
    from b2bua.sip.flow import Flow, Target
    from b2bua.sip.leg import Leg
    from b2bua.sip.transaction import ClientTransaction, ServerTransaction


class Ids(Protocol):
    """Where unguessable words and chance come from; tests hand in one that counts."""

    def token(self) -> str:
        """Give a new token of at least 64 random bits (tags, branches, Call-IDs)."""
        ...

    def fraction(self) -> float:
        """Give a number from 0.0 up to 1.0 (waits of RFC 3261 14.1)."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """How an element behaves; times in seconds, defaults of RFC 3261 17.1.1.1."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    timer_d: float = 32.0
    trying_delay: float = 0.2
    """RFC 3261 17.2.1: 100 is owed only if nothing else was sent within 200 ms."""
    allow: tuple[str, ...] = (
        *("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "PRACK", "UPDATE", "INFO", "NOTIFY", "REFER"),
    )
    """Methods that reach the owner; others are answered 405 or 501."""
    supported: frozenset[str] = frozenset({"100rel", "timer"})
    """Option tags (lower case) that a peer may require; what stands here is offered to every peer."""
    session_expires: int = 1800
    """Seconds between refreshes of a session with a peer that knows timers (RFC 4028 4 recommends 1800)."""
    min_se: int = 90
    """The shortest interval taken from a peer (RFC 4028 5: not under 90)."""

    @property
    def life(self) -> float:
        """64*T1: how long a transaction waits."""
        return 64 * self.t1

    def abilities(self, *, reliable: bool = True) -> str:
        """Write Allow and Supported; without `reliable` nothing is said of 100rel."""
        tags = sorted(self.supported if reliable else self.supported - {"100rel"})
        return f"Allow: {', '.join(self.allow)}\r\n" + (f"Supported: {', '.join(tags)}\r\n" if tags else "")


class Alarmed(Protocol):
    """Whoever sets a timer."""

    def fire(self, name: str) -> None:
        """Act on the timer called `name`."""
        ...


class Timer:
    """One set timer, due `at`. Cancelling leaves its place in the queue empty; the place goes when it comes first."""

    __slots__ = ("at", "name", "owner")

    def __init__(self, owner: Alarmed, name: str, at: float) -> None:
        self.owner: Alarmed | None = owner
        self.name = name
        self.at = at

    def cancel(self) -> None:
        """Make the timer do nothing."""
        self.owner = None


class Layer:
    """Shared state of one SIP element. `now` is the time, in seconds, of the call that is being handled.

    Nearly all timers wait as long as one of a few constants says. Those of one length are due in the order in which
    they were set: each length has a queue of its own, and any other wait a place in a heap.
    """

    __slots__ = (
        *("_heap", "_queues", "_set", "abilities", "clients", "events", "ids", "large", "legs", "merged", "now"),
        *("outbox", "servers", "settings", "standing"),
    )

    def __init__(self, settings: Settings, ids: Ids) -> None:
        self.settings = settings
        self.abilities = settings.abilities()
        self.ids = ids
        self.now = 0.0
        self.outbox: list[Outgoing] = []
        self.events: list[Event] = []
        self.clients: dict[str, ClientTransaction] = {}
        self.servers: dict[str, ServerTransaction] = {}
        # Per zone, what tells requests outside dialogs apart (RFC 3261 8.2.2.2), one for each server transaction
        self.merged: defaultdict[str, set[str]] = defaultdict(set)
        self.legs: dict[str, Leg] = {}
        self.standing = Standing()
        self.large = Large()
        lengths = {settings.trying_delay, settings.t1, settings.t2, settings.t4, settings.timer_d, settings.life}
        self._queues: dict[float, deque[Timer]] = {length: deque() for length in sorted(lengths)}
        self._heap: list[tuple[float, int, Timer]] = []
        self._set = 0

    def start(self, delay: float, owner: Alarmed, name: str) -> Timer:
        """Set a timer `delay` seconds from now."""
        at = self.now + delay
        timer = Timer(owner, name, at)
        queue = self._queues.get(delay)
        if queue is not None and (not queue or queue[-1].at <= at):
            queue.append(timer)
        else:
            self._set += 1
            heapq.heappush(self._heap, (at, self._set, timer))
        return timer

    def send(self, to: Flow | Target, data: bytes, key: str = "") -> None:
        """Queue octets for the transport layer."""
        self.outbox.append(Outgoing(to, data, key))

    def next_timer(self) -> float | None:
        """Give the time of the earliest timer, None if none is set."""
        first = self._first()
        return first.at if first is not None else None

    def _first(self) -> Timer | None:
        """Give the earliest timer; places that were left empty before it go."""
        first: Timer | None = None
        for queue in self._queues.values():
            while queue and queue[0].owner is None:
                queue.popleft()
            if queue and (first is None or queue[0].at < first.at):
                first = queue[0]
        heap = self._heap
        while heap and heap[0][2].owner is None:
            heapq.heappop(heap)
        return heap[0][2] if heap and (first is None or heap[0][0] < first.at) else first

    def on_timer(self, now: float) -> None:
        """Fire every timer that is due."""
        self.now = now
        while True:
            timer = self._first()
            if timer is None or timer.at > now:
                return
            owner, timer.owner = timer.owner, None
            if owner is not None:
                owner.fire(timer.name)

    @property
    def timers(self) -> int:
        """How many timers are set."""
        waiting = chain(chain.from_iterable(self._queues.values()), (timer for _, _, timer in self._heap))
        return sum(1 for timer in waiting if timer.owner is not None)
