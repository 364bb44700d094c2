"""Trials: begun and ended by the administrators above, held to their end and ceiling, warned of in time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import classes as class_work
from hub.booking import events, templates
from hub.booking import organisations as office_work
from hub.booking.office import Office, home
from hub.domain import trials
from hub.domain.classes import Level
from hub.domain.model import Caller, Organisation, SchedulingInfo
from hub.errors import Code, InputError, UnknownError
from hub.store import classes, meetings, organisations, rooms
from hub.store import trials as store
from hub.store.database import Database

log = logging.getLogger("hub.trials")


async def check(connection: AsyncConnection, levels: Sequence[Level], start: datetime, now: datetime) -> None:
    """Refuse a meeting that a trial does not allow; raises `ForbiddenError`. Two at once do not pass the ceiling."""
    trial = trials.of(levels)
    if trial is None:
        return
    trials.check(trial, start, now)
    await organisations.lock(connection, trial)
    trials.check_ceiling(trial, await store.held(connection, await organisations.descendants(connection, trial)))


@dataclass(frozen=True, slots=True)
class State:
    """Where a trial is."""

    organisation: Organisation
    meetings: int
    days_left: int


async def below(connection: AsyncConnection, office: Office, caller: Caller) -> list[State]:
    """List the trials of the caller's part of the tree."""
    own = await home(connection, caller)
    found = [each for each in await organisations.descendants(connection, own) if each.trial_ends is not None]
    return [await _state(connection, office, each) for each in found]


async def _state(connection: AsyncConnection, office: Office, trial: Organisation) -> State:
    held = await store.held(connection, await organisations.descendants(connection, trial))
    return State(trial, held, trials.days_left(trial, office.now()))


async def begin(
    connection: AsyncConnection, office: Office, caller: Caller, code: str, ends: datetime, most: int
) -> State:
    """Put an organisation on trial, or change the end and the ceiling; its meetings from now on are trials."""
    found = await office_work.governed(connection, caller, code)
    if ends <= office.now():
        raise InputError("ends: must be a time to come", Code.INPUT.number)
    changed = replace(found, trial_ends=ends, trial_most_meetings=most, trial_warned=None)
    await organisations.change(connection, changed)
    await office_work.noted(connection, office, caller, "update", changed, "trial", ends=ends.isoformat(), most=most)
    return await _state(connection, office, changed)


async def convert(connection: AsyncConnection, office: Office, caller: Caller, code: str) -> None:
    """Make an organisation an ordinary one; its meetings to come get the class they have without the trial."""
    found = await _on_trial(connection, caller, code)
    changed = replace(found, trial_ends=None, trial_most_meetings=None, trial_warned=None)
    await organisations.change(connection, changed)
    for each in await organisations.descendants(connection, changed):
        levels = await classes.levels(connection, each.code)
        for room in await rooms.to_come(connection, each, office.now()):
            await _reclassify(connection, office, levels, room)
    await office_work.noted(connection, office, caller, "delete", changed, "trial")


async def _reclassify(
    connection: AsyncConnection, office: Office, levels: Sequence[Level], room: SchedulingInfo
) -> None:
    meeting = room.meeting
    if meeting is None:
        return
    template = await templates.choose(connection, office, levels, room.template_id)
    found = class_work.of(office, levels, template, class_work.marks(meeting))
    meeting = replace(meeting, use=found.use, field=found.field)
    await meetings.change(connection, meeting, relabel=False)
    await events.room(connection, "UPDATE", replace(room, meeting=meeting), office.now())


async def data(connection: AsyncConnection, office: Office, caller: Caller, code: str) -> list[SchedulingInfo]:
    """Give all meetings of a trial with their rooms, to be taken along."""
    found = await _on_trial(connection, caller, code)
    await office_work.noted(connection, office, caller, "read", found, "trialData")
    listed = []
    for each in await organisations.descendants(connection, found):
        listed += await rooms.of_organisation(connection, each)
    return listed


async def _on_trial(connection: AsyncConnection, caller: Caller, code: str) -> Organisation:
    found = await office_work.governed(connection, caller, code)
    if found.trial_ends is None:
        raise UnknownError(f"organisation {code} is not on trial")
    return found


class Trials:
    """Warns of trials that come to their end."""

    def __init__(self, database: Database, office: Office) -> None:
        self._database = database
        self._office = office

    async def round(self) -> int:
        """Give the warnings that are due; gives how many. Raises `AwayError`."""

        async def warn(connection: AsyncConnection) -> int:
            now, given = self._office.now(), 0
            for each in await store.all_of_them(connection):
                days = trials.warning(each, now)
                if days is None or each.trial_ends is None:
                    continue
                await organisations.change(connection, replace(each, trial_warned=days))
                about = {"daysLeft": days, "ends": each.trial_ends.isoformat()}
                entry = events.Entry("warn", "trial", each.code, each.code, about, "hub")
                await events.note(connection, entry, None, now)
                log.warning("trial.ends organisation=%s days=%d", each.code, days)
                given += 1
            return given

        return await self._database.retry(warn)
