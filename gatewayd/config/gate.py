"""What holds up a change that is sound: a freeze, change windows, approvals. Pure.

What counts is what the running base says, so that no change removes what would hold it up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from gatewayd.config.state import Kept
from vdx.dialplan import RuleTime
from vdx.hours import Hours
from vdx.site.dialplan import When
from vdx.site.management import Management
from vdx.site.model import Site
from vdx.versions import DeclineCode, Frozen


class Hindrance(NamedTuple):
    """One thing that holds a change up: the code of the answer, and a sentence."""

    code: DeclineCode
    text: str


def open_at(site: Site, moment: float) -> bool:
    """Tell whether changes may be applied at a time by the change windows; without any, always."""
    at = datetime.fromtimestamp(moment, UTC)
    windows = site.management.windows
    return not windows or any(Hours(_rule_time(when, site.time_zone)).hold(at) for when in windows)


def frozen_at(frozen: Frozen | None, moment: float) -> bool:
    """Tell whether a freeze holds at a time."""
    return frozen is not None and (frozen.until is None or moment < frozen.until)


def freezes(frozen: Frozen | None, moment: float) -> Iterator[Hindrance]:
    """Yield the freeze that holds at a time."""
    if frozen is not None and frozen_at(frozen, moment):
        until = f" until {_shown(frozen.until)}" if frozen.until is not None else ""
        text = f"changes are frozen{until} by {frozen.who} ({frozen.why}): wait, or let an admin break the glass"
        yield Hindrance("closed", text)


def missing(management: Management, touched: Collection[str], kept: Kept, applying: str) -> tuple[str, ...]:
    """Give the zones in which somebody else than who pushed and applies still has to approve."""
    needed = [zone for zone in management.approvers if zone in touched]
    given = {
        zone
        for approval in kept.approvals
        for zone in approval.zones
        if approval.who not in {kept.who, applying} and approval.who in management.approvers.get(zone, ())  # type: ignore[call-overload]
    }
    return tuple(str(zone) for zone in needed if zone not in given)


def hindrances(
    site: Site, frozen: Frozen | None, moment: float, waits_for: Collection[str] = ()
) -> Iterator[Hindrance]:
    """Yield what holds up a change at a time: `site` is what runs, `waits_for` the zones without approval."""
    yield from freezes(frozen, moment)
    if not open_at(site, moment):
        yield Hindrance("closed", f"{_shown(moment)} lies in no change window: apply it `at` a time within one")
    if waits_for:
        asked = {zone: site.management.approvers[zone] for zone in site.management.approvers if zone in waits_for}
        who = "; ".join(f"zone {zone}: {' or '.join(names)}" for zone, names in asked.items())
        yield Hindrance("approval", f"another person has to approve this very content first ({who})")


def _rule_time(when: When, time_zone: str) -> RuleTime:
    since, until = (each.isoformat() if each else "" for each in (when.since, when.until))
    return RuleTime(when.time_zone or time_zone, when.days, when.hours, since, until)


def _shown(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
