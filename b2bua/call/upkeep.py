"""What keeps calls in order while they last: leases renewed in slices, and ends that vanished noticed.

Sans-IO. Every call is renewed once in RENEW_SECONDS; the questions are spread over that time, so that each is short and
none holds up the set-up of a call. What the answers tell of traffic shows calls in which nobody is heard any more:
their ends are asked with OPTIONS, and one that does not answer has lost the dialog (RFC 3261 12.2.1.2).

A side that should be heard is not asked but dead when none of its pinholes, those of RTCP included, received anything
for so long as the site file says. It should be heard while both sides talk on some stream: an endpoint whose camera is
off still sends RTCP every five seconds (RFC 3550 6.2); music on hold and the audience of a lecture need not be heard.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from b2bua.call.call import Call
from b2bua.call.desk import Desk
from vdx.ids import RENEW_SECONDS, CallId, LeaseId, call_of
from vdx.pinhole import Renewed, Side, Traffic, Usage

SLICE_LEASES = 256
"""Leases in one question: `gatewayd` answers for them in a few milliseconds, and two hundred questions carry the
most that one owner may have."""

QUIET_SECONDS = 300.0
"""How long no end of a call is heard before its ends are asked, and the least time between two such questions. RTCP
alone comes every five seconds (RFC 3550 6.2), so it is calls on hold that are asked: one OPTIONS in five minutes."""


SIDES: tuple[Side, Side] = ("a", "b")


class Upkeep:
    """Whose leases are renewed next; `calls` are the calls of the gateway, by name."""

    def __init__(self, calls: Mapping[CallId, Call], desk: Desk) -> None:
        self._calls = calls
        self._desk = desk
        self._slices: deque[list[CallId]] = deque()
        self._step = RENEW_SECONDS
        self._due: float | None = None

    def start(self, now: float) -> None:
        """Begin a round: `gatewayd` is there, and has heard what the calls hold."""
        self._slices.clear()
        self._due = now + RENEW_SECONDS

    def stop(self) -> None:
        """Renew nothing: `gatewayd` went away."""
        self._due = None

    def next_timer(self) -> float | None:
        """Give when the next slice is due."""
        return self._due

    def on_timer(self, now: float) -> list[Call]:
        """Renew the next slice if it is due; gives the calls in it that hold no lease, of whom no traffic will tell."""
        if self._due is None or self._due > now:
            return []
        if not self._slices:
            self._slices.extend(_sliced(self._calls.values()))
            self._step = RENEW_SECONDS / max(1, len(self._slices))
        self._due = now + self._step
        names = self._slices.popleft() if self._slices else []
        calls = [self._calls[name] for name in names if name in self._calls]
        self._desk.renew(tuple(lease for call in calls for lease in call.session.leases))
        return [call for call in calls if not call.session.leases]

    def silent(self, reply: Renewed, now: float, seconds: float) -> list[tuple[Call, Side]]:
        """Give the calls of an answer with a side that has not been heard for `seconds` while both were to talk."""
        found: list[tuple[Call, Side]] = []
        for name, usage in _by_call(reply).items():
            call = self._calls.get(name)
            since = call.session.talking_since if call else None
            if call is None or since is None or now - since <= seconds or not usage.keys() >= {*call.session.leases}:
                continue
            for side in SIDES:
                if all(_silent(each.a if side == "a" else each.b, seconds) for each in usage.values()):
                    found.append((call, side))
                    break
        return found

    def quiet(self, reply: Renewed) -> list[Call]:
        """Give the calls of an answer in which no end of any stream has been heard for long."""
        return [
            call
            for name, usage in _by_call(reply).items()
            if (call := self._calls.get(name))
            and all(_silent(end, QUIET_SECONDS) for each in usage.values() for end in (each.a, each.b))
            and usage.keys() >= {*call.session.leases}
        ]


def _by_call(reply: Renewed) -> dict[CallId, dict[str, Usage]]:
    found: defaultdict[CallId, dict[str, Usage]] = defaultdict(dict)
    for usage in reply.usage:
        found[call_of(LeaseId(usage.lease))][usage.lease] = usage
    return found


def _silent(end: Traffic, seconds: float) -> bool:
    return end.idle is None or end.idle > seconds


def _sliced(calls: Iterable[Call]) -> Iterable[list[CallId]]:
    """Put calls together up to SLICE_LEASES; a call is never split, and one without leases counts as one."""
    names: list[CallId] = []
    size = 0
    for call in calls:
        more = max(1, len(call.session.leases))
        if names and size + more > SLICE_LEASES:
            yield names
            names, size = [], 0
        names.append(call.id)
        size += more
    if names:
        yield names
