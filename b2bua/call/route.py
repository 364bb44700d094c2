"""The dial plan: from who dials what, to where the call may go or why it may not; calls and `explain` take these steps.

Theory of operation. Rules are tried in order. One that matches and

    leads to peers or a room   decides; a room that is not there leaves the call to the next rule
    leads out by DNS           decides; a domain of ours leaves the call to the next rule
    refuses                    decides
    rewrites                   changes what was dialled, and the rules after it go on: no rule is tried twice

`note` hears of each step, as (step, sentence); without it no sentence is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from b2bua.call.dialled import Dialled, Ourselves
from b2bua.call.headers import may_pass
from b2bua.call.identify import Peers
from b2bua.call.rooms import Found, Place, Rooms, Unheld
from b2bua.locate.order import by_weight
from vdx.control import SipPeer
from vdx.dialplan import TO_DNS, TO_ROOM, Alternative, DialRule, HostTarget
from vdx.hours import Hours
from vdx.pattern import Pattern, fill

Note = Callable[[str, str], None]


class Lead(NamedTuple):
    """One peer that may take the call, dialled there as `user`.

    `host` is a name to look up, `place` an address that the bus tells; None of both: the peer's own address.
    """

    peer: SipPeer
    user: str
    host: HostTarget | None = None
    place: Place | None = None


class Route(NamedTuple):
    """Where a call may go, the first choice first; `origin` is the rule that says so, `room` the uuid of a room."""

    leads: tuple[Lead, ...]
    dialled: Dialled
    origin: str
    room: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call is refused with a SIP status and reason; `why` is for operators, not for the caller."""

    status: int
    why: str
    reason: str = ""


class Dial(NamedTuple):
    """One question to the dial plan: `at` gives the time of day, `chance` numbers from 0.0 up to 1.0."""

    zone: str
    caller: SipPeer
    dialled: Dialled
    at: Callable[[], datetime]
    chance: Callable[[], float]


class DialPlan:
    """The rules of a site version, in order."""

    def __init__(self, rules: tuple[DialRule, ...], peers: Peers, rooms: Rooms, ourselves: Ourselves) -> None:
        self._rules = [_Rule(rule) for rule in rules]
        self._peers = peers
        self._ourselves = ourselves
        self.rooms = rooms

    def route(self, dial: Dial, note: Note | None = None) -> Route | Refusal:
        """Decide where a call goes."""
        for rule in self._rules:
            kept = rule.match(dial)
            if kept is None:
                if note:
                    note("rule", f"{rule.origin} does not match: {rule.mismatch(dial)}")
                continue
            if note:
                note("rule", f"{rule.origin} matches {dial.dialled}")
            if rule.rewrite is not None:
                dial = dial._replace(dialled=self._rewritten(dial.dialled, fill(rule.rewrite, kept)))
                if note:
                    note("rewrite", f"it is read as {dial.dialled} from here on")
                continue
            found = self._act(rule, kept, dial, note)
            if found is not None:
                return found
        who = f"{dial.caller.name} in {dial.zone}"
        return Refusal(404, f"no rule of the dial plan takes {dial.dialled} from {who}")

    def _rewritten(self, dialled: Dialled, text: str) -> Dialled:
        alias, at, domain = text.partition("@")
        if not at:
            return replace(dialled, alias=alias)
        own = self._ourselves.domain(domain.lower())
        return replace(dialled, alias=alias, domain=domain.lower() if own is None else own, ours=own is not None)

    def _act(self, rule: _Rule, kept: dict[str, str], dial: Dial, note: Note | None) -> Route | Refusal | None:
        told, dialled = rule.rule, dial.dialled
        if told.refuse is not None:
            return Refusal(told.refuse, f"refused by {rule.origin}", told.reason)
        user = fill(told.user, kept) if told.user else dialled.alias
        if told.to == TO_ROOM:
            found = self.rooms.find(user, dialled.domain)
            if found is None:
                if note:
                    note("room", f"no room is called {user!r}: the next rule decides")
                return None
            return self._room(rule, found, user, dialled, note)
        if told.to == TO_DNS:
            return self._out(rule, user, dialled, note)
        peers = [told.to] if told.to is not None else [each.peer for each in _shared(told.among, dial.chance)]
        if note and any(each.weight is not None for each in told.among):
            note("weights", "drawn by chance: another call may find another order")
        if fault := _unwritable(user, written=told.user):
            return fault
        return _route(rule, list(self._leads(peers, user, note)), dialled)

    def _room(
        self, rule: _Rule, found: Found | Unheld, user: str, dialled: Dialled, note: Note | None
    ) -> Route | Refusal:
        if isinstance(found, Unheld):
            return Refusal(found.status, found.why, found.reason)
        if note:
            note("room", found.why())
        user = found.user or user
        if fault := _unwritable(user, written=rule.rule.user):
            return fault
        peer = self._peers.named(found.peer)
        if not found.places or peer is None:
            return _route(rule, list(self._leads([found.peer], user, note)), dialled)
        return _route(rule, [Lead(peer, user, place=place) for place in found.places], dialled, found.room)

    def _leads(self, names: Iterable[str], user: str, note: Note | None) -> Iterable[Lead]:
        for name in names:
            peer = self._peers.named(name)
            if peer is not None and (peer.target or peer.dial.host or peer.access.registers):
                yield Lead(peer, user, peer.dial.host)
            elif note:
                note("target", f"peer {name} has no target: it is left out")

    def _out(self, rule: _Rule, user: str, dialled: Dialled, note: Note | None) -> Route | Refusal | None:
        """Send a call out to the dialled domain: by its name only, an address would be anybody's choice."""
        if dialled.ours:
            if note:
                note("dns", "the domain is ours, and not looked up: the next rule decides")
            return None
        peer = self._peers.named(rule.rule.via or "")
        if peer is None:
            return Refusal(404, f"{rule.origin} leaves as {rule.rule.via!r}, which is no peer")
        if not _is_domain(dialled.domain):
            return Refusal(404, f"{rule.origin}: {dialled.domain} is no domain that could be looked up")
        if fault := _unwritable(user, written=rule.rule.user):
            return fault
        return Route((Lead(peer, user, HostTarget(dialled.domain)),), dialled, rule.origin)


class _Rule:
    """One rule, ready to be tried."""

    __slots__ = ("_alias", "_domain", "_hours", "origin", "rewrite", "rule")

    def __init__(self, rule: DialRule) -> None:
        self.rule = rule
        self.origin = rule.origin
        self.rewrite = rule.rewrite
        self._alias = Pattern(rule.alias)
        self._domain = Pattern(rule.domain) if rule.domain is not None else None
        self._hours = Hours(rule.when) if rule.when is not None else None

    def match(self, dial: Dial) -> dict[str, str] | None:
        """Give what the patterns keep, None where the rule does not match."""
        rule, dialled = self.rule, dial.dialled
        if rule.zone not in {None, dial.zone} or rule.peer not in {None, dial.caller.name}:
            return None
        if self._domain is None and not dialled.ours:
            return None
        kept = self._alias.match(dialled.alias)
        if kept is None or (self._hours is not None and not self._hours.hold(dial.at())):
            return None
        if self._domain is None:
            return kept
        more = self._domain.match(dialled.domain)
        return None if more is None else kept | more

    def mismatch(self, dial: Dial) -> str:
        """Say why the rule does not match."""
        rule, dialled = self.rule, dial.dialled
        if rule.zone not in {None, dial.zone}:
            return f"it is for callers in {rule.zone}"
        if rule.peer not in {None, dial.caller.name}:
            return f"it is for calls from {rule.peer}"
        if self._domain is None and not dialled.ours:
            return f"{dialled.domain} is not ours, and the rule names no domain"
        if self._alias.match(dialled.alias) is None:
            return f"{dialled.alias!r} is not {rule.alias!r}"
        if self._hours is not None and not self._hours.hold(dial.at()):
            return f"not at this time ({self._hours.local(dial.at())})"
        return f"{dialled.domain or 'no domain'} is not {rule.domain!r}"


def _shared(among: tuple[Alternative, ...], chance: Callable[[], float]) -> list[Alternative]:
    """Order alternatives: as written, but neighbours with weights by these and chance."""
    ordered: list[Alternative] = []
    for weighted, neighbours in groupby(among, lambda each: each.weight is not None):
        group = list(neighbours)
        ordered += by_weight(group, lambda each: each.weight or 0, chance) if weighted else group
    return ordered


def _unwritable(user: str, *, written: str | None) -> Refusal | None:
    """Refuse a name that could not go on: none, or one that shows an address; what the site file wrote is meant."""
    if not user:
        return Refusal(484, "nobody was dialled, and the zone has no reception")
    if user != written and not may_pass(user):
        return Refusal(404, "the dialled name holds an address")
    return None


def _route(rule: _Rule, leads: list[Lead], dialled: Dialled, room: str = "") -> Route | Refusal:
    if dialled.secure:
        leads = [lead for lead in leads if _secure(lead)]
    if not leads:
        why = "over TLS, as sips asks for" if dialled.secure else "with a target"
        return Refusal(480 if dialled.secure else 404, f"{rule.origin} leads to no peer {why}")
    return Route(tuple(leads), dialled, rule.origin, room)


def _secure(lead: Lead) -> bool:
    if lead.host is not None:
        return lead.host.transport in {"", "tls"}
    if lead.place is not None:
        return lead.place[2] == "tls"
    return lead.peer.target is None or lead.peer.target[2] == "tls"


def _is_domain(host: str) -> bool:
    """Tell whether a host can be a public name: labels, the last one not a number (RFC 3261 25.1: toplabel)."""
    labels = host.split(".")
    return len(labels) > 1 and all(labels) and ":" not in host and labels[-1][0].isalpha() and len(host) <= 253
