"""Notice before agreements end: as an event, a number and an alarm, so that nobody has to look for it.

The event is told when an agreement comes within the site's time of notice, and again when a month, a week and a day are
left. The alarm comes late, because one that stands for three months is one that nobody sees.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field

from gatewayd.version import Version
from nft.policy.agreement import DAY, Agreement, Agreements
from vdx.journal import fields
from vdx.metrics import Sample, Series

STEPS = (30, 7, 1)
"""Days before the end at which it is told again."""

ALARM_DAYS = 14
"""From when an end is an alarm: time enough to ask, and to have it approved."""

TOLD = 20
"""Events of one look: who lets a thousand agreements end at once reads the list."""

LOOK_SECONDS = 15.0
"""Between two looks at whether another version runs."""

STALE_SECONDS = 3600.0
"""Until the same version is counted again, for time alone."""

ALARM = "agreements"
STATES = ("running", "planned", "asked", "ended")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Count:
    """How the agreements of a version stood at a time; `ending` are within the notice, soonest first."""

    at: float
    states: Counter[str]
    ending: tuple[Agreement, ...]


def count(known: Agreements, now: float) -> Count:
    """Count agreements by their state."""
    effective = {each.id for each in known.effective()}

    def state(one: Agreement) -> str:
        if one.ends <= now:
            return "ended"
        if one.id not in effective:
            return "asked"
        return "planned" if one.starts > now else "running"

    return Count(now, Counter(map(state, known.agreements)), known.ending(now))


@dataclass(slots=True)
class Notice:
    """`active` gives the version that runs, `alarms` are where an operator looks, `wall` is seconds since 1970."""

    active: Callable[[], Version | None]
    alarms: MutableMapping[str, str]
    wall: Callable[[], float] = time.time
    last: Count | None = None
    _of: Version | None = None
    _told: dict[str, int] = field(default_factory=dict)

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Count where another version runs, or the last count is old; tell what is new."""
        version, now = self.active(), self.wall()
        if version is None or (version is self._of and self.last and 0 <= now - self.last.at < STALE_SECONDS):
            return
        known = version.transit.policy.agreements
        self._of, self.last = version, await asyncio.to_thread(count, known, now)
        self._tell(self.last)

    def series(self) -> Iterator[Series]:
        """Give the numbers; none before the first look."""
        if self.last is None:
            return
        states = tuple(Sample(self.last.states[state], (state,)) for state in STATES)
        yield Series("vdx_agreements", "gauge", "Agreements by their state.", states, ("state",))
        ending = self.last.ending
        yield Series("vdx_agreements_ending", "gauge", "Agreements within their notice.", (Sample(len(ending)),))
        if ending:
            text = "When the first of these ends, in seconds since 1970."
            yield Series("vdx_agreement_ends_seconds", "gauge", text, (Sample(ending[0].ends),))

    def _tell(self, found: Count) -> None:
        steps = {each.id: _step(each.ends - found.at) for each in found.ending}
        fresh = [each for each in found.ending if self._told.get(each.id, len(STEPS) + 1) > steps[each.id]]
        self._told = steps
        for each in fresh[:TOLD]:
            told = fields(agreement=each.id, client=each.client, service=each.service, days=_days(each, found.at))
            log.warning("agreement.ends: renew it, or its flows are cut then", extra=told)
        if len(fresh) > TOLD:
            log.warning("agreement.ends: and %d more, see `gatewayctl check`", len(fresh) - TOLD)
        near = [each for each in found.ending if each.ends - found.at <= ALARM_DAYS * DAY]
        if near:
            first = f"{near[0].id!r} of {near[0].client!r} for {near[0].service!r} in {_days(near[0], found.at)} days"
            more = f", and {len(near) - 1} more" if len(near) > 1 else ""
            self.alarms[ALARM] = f"agreements end within {ALARM_DAYS} days: {first}{more}; renew them or let them go"
        else:
            self.alarms.pop(ALARM, None)


def _step(left: float) -> int:
    """Return how many of the steps are still to come."""
    return sum(left > days * DAY for days in STEPS)


def _days(one: Agreement, now: float) -> int:
    return int((one.ends - now) // DAY)
