"""What is carried, where: in all, in each zone, at each peer. Every number is the size of a set, counted when asked."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable
from functools import lru_cache

from b2bua.call.plan import ALL, Plan
from vdx.admission import Load, Scope
from vdx.control import SipPeer
from vdx.ids import CallId

ASSUMED_KBPS = 2_000
"""kbit/s of a call whose offer names no bandwidth: sound and 720p at 30 frames."""

# b=<bwtype>:<bandwidth> (RFC 8866 5.8): AS and CT in kbit/s, TIAS in bit/s (RFC 3890)
_BANDWIDTH = re.compile(rb"^b=(AS|CT|TIAS):([0-9]{1,12})\r?$", re.MULTILINE)
_UNITS = {b"AS": 1, b"CT": 1, b"TIAS": 1000}


def scopes(caller: SipPeer, callee: SipPeer | None = None) -> tuple[str, ...]:
    """Name the scopes that a call between peers counts in, each once."""
    return _scopes(caller.zone, caller.name, *(() if callee is None else (callee.zone, callee.name)))


@lru_cache(maxsize=1024)  # one for each pair of peers that call each other
def _scopes(zone: str, name: str, other: str = "", callee: str = "") -> tuple[str, ...]:
    names = [ALL, f"zone {zone}", *([f"zone {other}"] if other else []), f"peer {name}"]
    return tuple(dict.fromkeys([*names, f"peer {callee}"] if callee else names))


class Tally:
    """The calls of each scope, with the kbit/s of each, and when the last ones began."""

    def __init__(self) -> None:
        self._calls: defaultdict[str, dict[CallId, int]] = defaultdict(dict)
        self._scopes: dict[CallId, tuple[str, ...]] = {}
        self._begun: defaultdict[str, deque[float]] = defaultdict(deque)

    def begin(self, call: CallId, names: tuple[str, ...], kbps: int, now: float, *, fresh: bool = True) -> None:
        """Count a call in its scopes; one that is not `fresh` only goes elsewhere, and has begun before."""
        self._scopes[call] = names
        for name in names:
            self._calls[name][call] = kbps
            if fresh:
                self._recent(name, now).append(now)

    def end(self, call: CallId) -> bool:
        """Count a call no more; tells whether it was. The second in which it began stays counted."""
        names = self._scopes.pop(call, ())
        for name in names:
            del self._calls[name][call]
            if not self._calls[name]:
                del self._calls[name]
        return bool(names)

    def __len__(self) -> int:
        """Count the calls."""
        return len(self._scopes)

    def load(self, plan: Plan, names: Iterable[str], now: float) -> list[Scope]:
        """Give the scopes that have a limit, with what they carry now."""
        return [self._scope(name, plan, now) for name in names if name in plan.ceilings]

    def _scope(self, name: str, plan: Plan, now: float) -> Scope:
        ceiling = plan.ceilings[name]
        calls = self._calls.get(name, {})
        taken = sum(calls.values()) if ceiling.kbps is not None else 0
        return Scope(name, Load(len(calls), len(self._recent(name, now)), taken), ceiling, own=name == ALL)

    def _recent(self, name: str, now: float) -> deque[float]:
        begun = self._begun[name]
        while begun and begun[0] <= now - 1.0:
            begun.popleft()
        return begun


def kbps(offer: bytes, *peers: SipPeer) -> int:
    """Give what a call may take by its offer, in kbit/s, held to what its peers may send (RFC 8866 5.8).

    That of the session where it is told, else the sum of its streams; ASSUMED_KBPS where nothing is told.
    """
    session, *media = offer.split(b"\nm=")
    told = _told(session) or sum(_told(stream) for stream in media) or ASSUMED_KBPS
    return min([told, *(peer.media.bandwidth for peer in peers if peer.media.bandwidth is not None)])


def _told(section: bytes) -> int:
    """Give the bandwidth of one section: its b= lines say the same in different units."""
    return max((int(value) // _UNITS[unit] for unit, value in _BANDWIDTH.findall(section)), default=0)
