"""What keeps calls in order while they last: leases renewed in slices, and ends that vanished noticed.

Sans-IO. Every call is renewed once in RENEW_SECONDS; the questions are spread over that time, so that each is short and
none holds up the set-up of a call. What the answers tell of traffic shows calls in which a side is not heard any more:
both are asked with OPTIONS, and one that does not answer has lost the dialog (RFC 3261 12.2.1.2).

A side that should be heard is not asked but dead when none of its pinholes, those of RTCP included, received anything
for so long as the site file says. It should be heard while both sides talk on some stream: an endpoint whose camera is
off still sends RTCP every five seconds (RFC 3550 6.2); music on hold and the audience of a lecture need not be heard.
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from b2bua.call.call import Call
from b2bua.call.desk import Desk, Fault
from vdx.control import SipPeer
from vdx.ids import RENEW_SECONDS, CallId, LeaseId, call_of
from vdx.pinhole import Held, Renewed, Revoked, Side, Traffic, Usage

log = logging.getLogger(__name__)

SLICE_LEASES = 256
"""Leases in one question: `gatewayd` answers for them in a few milliseconds, and two hundred questions carry the
most that one owner may have."""

QUIET_SECONDS = 300.0
"""How long a side of a call is not heard before its ends are asked, and the least time between two such questions. RTCP
alone comes every five seconds (RFC 3550 6.2), so it is calls on hold that are asked: one OPTIONS in five minutes."""


SIDES: tuple[Side, Side] = ("a", "b")


class Upkeep:
    """Whose leases are renewed next; `calls` are the calls of the gateway, by name.

    A call that fails over what is heard of it must not stop the upkeep of others: `on_fault` is told.
    """

    def __init__(self, calls: Mapping[CallId, Call], desk: Desk, on_fault: Fault) -> None:
        self._calls = calls
        self._desk = desk
        self._on_fault = on_fault
        self._stated: frozenset[str] = frozenset()
        self._slices: deque[list[CallId]] = deque()
        self._step = RENEW_SECONDS
        self._due: float | None = None

    def start(self, now: float) -> tuple[str, ...]:
        """Begin a round: `gatewayd` is there; gives every lease that calls hold, for it to hear."""
        self._slices.clear()
        self._due = now + RENEW_SECONDS
        leases = tuple(lease for call in self._calls.values() for lease in call.session.leases)
        self._stated = frozenset(leases)
        return leases

    def stop(self) -> None:
        """Renew nothing: `gatewayd` went away."""
        self._due = None

    def next_timer(self) -> float | None:
        """Give when the next slice is due."""
        return self._due

    def on_timer(self, now: float) -> None:
        """Renew the next slice if it is due; the calls in it that hold no lease are asked: no traffic tells of them."""
        if self._due is None or self._due > now:
            return
        if not self._slices:
            self._slices.extend(_sliced(self._calls.values()))
            self._step = RENEW_SECONDS / max(1, len(self._slices))
        self._due = now + self._step
        names = self._slices.popleft() if self._slices else []
        calls = [self._calls[name] for name in names if name in self._calls]
        self._desk.renew(tuple(lease for call in calls for lease in call.session.leases))
        for call in calls:
            call.session.rest()
        self._ask_ends([call for call in calls if not call.session.leases], now)

    def hear(self, message: Revoked | Held | Renewed, now: float, silence: float) -> None:
        """Take in what became of leases; a call ends with them, and where a side was not heard for `silence` seconds.

        A call with a side that is not heard is asked.
        """
        if isinstance(message, Revoked):
            self._end_holders(set(message.leases), f"revoked: {message.reason}", now)
        elif isinstance(message, Held):
            self._end_holders(self._stated - set(message.leases), "its pinholes were closed", now)
        else:
            self._end_holders(set(message.gone), "its pinholes were closed", now)
            self._end_silent(message, now, silence)
            self._ask_ends(self._quiet(message), now)

    def disown(self, peers: Iterable[SipPeer], now: float) -> None:
        """End the calls of guests whose token is believed no more: it, its bearer, or all of their peer."""
        rules = {peer.name: peer.access.tokens for peer in peers}
        for call in list(self._calls.values()):
            for party in call.parties.values():
                guest = party.known.guest if party.known is not None else None
                if guest is not None and guest.is_cut_off(rules.get(party.peer.name)):
                    call.end(now, 403, "gateway", f"the token of {guest.name} is cut off")

    def _end_holders(self, leases: AbstractSet[str], why: str, now: float) -> None:
        for name in {call_of(LeaseId(lease)) for lease in leases}:
            call = self._calls.get(name)
            if call is not None and not leases.isdisjoint(call.session.leases):
                call.end(now, 480, "gateway", why)

    def _end_silent(self, reply: Renewed, now: float, seconds: float) -> None:
        for call, side in self._silent(reply, now, seconds):
            try:
                call.fall_silent(side, now)
            except Exception as error:
                log.exception("upkeep.fault: call %s", call.id)
                self._on_fault(call.id, error, now)

    def _ask_ends(self, calls: Iterable[Call], now: float) -> None:
        for call in calls:
            try:
                call.ask_ends(now, QUIET_SECONDS)
            except Exception as error:
                log.exception("upkeep.fault: call %s", call.id)
                self._on_fault(call.id, error, now)

    def _silent(self, reply: Renewed, now: float, seconds: float) -> list[tuple[Call, Side]]:
        """Give the calls of an answer with a side that has not been heard for `seconds` while both were to talk."""
        found: list[tuple[Call, Side]] = []
        for name, usage in _by_call(reply).items():
            call = self._calls.get(name)
            since = call.session.talking_since if call else None
            if call is None or since is None or now - since <= seconds or not usage.keys() >= {*call.session.leases}:
                continue
            side = _silent_side(usage, seconds)
            if side is not None:
                found.append((call, side))
        return found

    def _quiet(self, reply: Renewed) -> list[Call]:
        """Give the calls of an answer with a side that has not been heard for long, whether it should be or not."""
        return [
            call
            for name, usage in _by_call(reply).items()
            if (call := self._calls.get(name))
            and _silent_side(usage, QUIET_SECONDS) is not None
            and usage.keys() >= {*call.session.leases}
        ]


def _by_call(reply: Renewed) -> dict[CallId, dict[str, Usage]]:
    found: defaultdict[CallId, dict[str, Usage]] = defaultdict(dict)
    for usage in reply.usage:
        found[call_of(LeaseId(usage.lease))][usage.lease] = usage
    return found


def _silent_side(usage: Mapping[str, Usage], seconds: float) -> Side | None:
    """Give the side of a call of which no pinhole has been heard for so long; None where both have."""
    for side in SIDES:
        if all(_silent(each.a if side == "a" else each.b, seconds) for each in usage.values()):
            return side
    return None


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
