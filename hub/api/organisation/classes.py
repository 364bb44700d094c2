"""Operations on classes of use and on trials."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.api.answers import Json, reply, time_text
from hub.api.context import Administrator
from hub.api.documents import SchedulingInfoAnswer, TimeText
from hub.api.organisation.routes import REFUSALS, OrganisationCode, good
from hub.api.values import Answer, Body, Flag, Int32, Text, Time
from hub.booking import classes, trials
from hub.booking.classes import Share
from hub.booking.trials import State
from hub.domain.classes import Level, Part, Rule
from hub.domain.trials import MOST_MEETINGS
from hub.domain.words import Field as FieldOfUse
from hub.domain.words import Use

MAX_RULES = 100
"""Rules of one organisation: each booking is held against all of them and of those above."""

router = APIRouter(prefix="/services/v2", tags=["classes of use"])


class RuleBody(Body):
    """Meetings of a label or project code that the pattern fits are of this class or field."""

    part: Part
    pattern: Annotated[Text, Field(min_length=1, max_length=200, description="* stands for any characters")]
    use: Use | None = None
    field: FieldOfUse | None = None

    @model_validator(mode="after")
    def _tells(self) -> Self:
        if self.use is None and self.field is None:
            raise ValueError("give use, field or both")
        return self


class ClassesBody(Body):
    """What tells the class of an organisation's meetings; null: as above it."""

    use: Use | None = None
    field: FieldOfUse | None = None
    inherits: Flag = True
    may_set_use: Flag | None = None
    rules: Annotated[tuple[RuleBody, ...], Field(max_length=MAX_RULES)] = ()

    def wanted(self) -> classes.Wanted:
        """Give it in the domain's words."""
        rules = tuple(Rule(each.part, each.pattern, each.use, each.field) for each in self.rules)
        return classes.Wanted(self.use, self.field, self.inherits, self.may_set_use, rules)


class ClassesAnswer(Answer):
    """What tells the class of an organisation's meetings, as far as it is set there itself."""

    code: str
    use: Use | None
    field: FieldOfUse | None
    inherits: bool
    may_set_use: bool | None
    rules: list[RuleBody]


class ShareAnswer(Answer):
    """How an organisation's meetings are spread; `clinicalShare` is from 0 to 1."""

    code: str
    name: str
    meetings: int
    clinical_share: float
    uses: dict[Use, int]
    fields: dict[str, int]


class TrialBody(Body):
    """An organisation on trial: until when, and with how many meetings in all."""

    ends: Time
    most_meetings: Annotated[Int32, Field(ge=1, le=MOST_MEETINGS)]


class TrialAnswer(Answer):
    """A trial; `warned` is the last warning, in days before the end."""

    code: str
    name: str
    ends: TimeText
    days_left: int
    most_meetings: int
    meetings: int
    warned: int | None


@router.get("/organisation-classes", responses=good(ClassesAnswer))
async def read(context: Administrator, code: OrganisationCode) -> Response:
    """Give what tells the class of an organisation's meetings."""
    async with context.database.read() as connection:
        return reply(_level(await classes.read(connection, context.caller, code)))


@router.put("/organisation-classes", responses=good(ClassesAnswer))
async def write(context: Administrator, code: OrganisationCode, body: ClassesBody) -> Response:
    """Set what tells the class; `maySetUse` is decided by the administrators above the organisation."""

    async def change(connection: AsyncConnection) -> Level:
        return await classes.write(connection, context.office, context.caller, code, body.wanted())

    return reply(_level(await context.database.retry(change)))


@router.get("/clinical-share", responses=good(list[ShareAnswer]))
async def shares(
    context: Administrator,
    code: OrganisationCode,
    begin: Annotated[Time, Query(alias="from-start-time")],
    end: Annotated[Time, Query(alias="to-start-time")],
) -> Response:
    """Tell how the meetings of a period are spread over classes, for an organisation and each below it."""
    found = await context.database.retry(
        lambda connection: classes.shares(connection, context.office, context.caller, code, (begin, end))
    )
    return reply([_share(each) for each in found])


@router.get("/trials", responses=good(list[TrialAnswer]))
async def find(context: Administrator) -> Response:
    """List the organisations on trial in the caller's part of the tree."""
    async with context.database.read() as connection:
        return reply([_trial(each) for each in await trials.below(connection, context.office, context.caller)])


@router.put("/trial", responses=good(TrialAnswer))
async def begin_trial(context: Administrator, code: OrganisationCode, body: TrialBody) -> Response:
    """Put an organisation and all below it on trial, or change the trial; by the administrators above it."""

    async def begin(connection: AsyncConnection) -> State:
        return await trials.begin(connection, context.office, context.caller, code, body.ends, body.most_meetings)

    return reply(_trial(await context.database.retry(begin)))


@router.delete("/trial", status_code=204, responses=REFUSALS)
async def convert(context: Administrator, code: OrganisationCode) -> Response:
    """Make an organisation on trial an ordinary one; its meetings to come get the class they have without it."""

    async def end(connection: AsyncConnection) -> None:
        await trials.convert(connection, context.office, context.caller, code)

    await context.database.retry(end)
    return Response(status_code=204)


@router.get("/trial-data", responses=good(list[SchedulingInfoAnswer]))
async def data(context: Administrator, code: OrganisationCode) -> Response:
    """Give every meeting of a trial with its room."""
    found = await context.database.retry(
        lambda connection: trials.data(connection, context.office, context.caller, code)
    )
    return reply([context.links.room(each) for each in found])


def _level(level: Level) -> Json:
    found = level.organisation
    return {
        "code": found.code,
        "use": _value(found.use),
        "field": _value(found.field),
        "inherits": found.inherits,
        "maySetUse": found.may_set_use,
        "rules": [
            {"part": each.part, "pattern": each.pattern, "use": _value(each.use), "field": _value(each.field)}
            for each in level.rules
        ],
    }


def _share(share: Share) -> Json:
    return {
        "code": share.organisation.code,
        "name": share.organisation.name,
        "meetings": share.meetings,
        "clinicalShare": round(share.clinical, 4),
        "uses": {use.value: many for use, many in share.uses.items()},
        "fields": {_value(each) or "": many for each, many in share.fields.items()},
    }


def _trial(state: State) -> Json:
    found = state.organisation
    ends: datetime | None = found.trial_ends
    return {
        "code": found.code,
        "name": found.name,
        "ends": time_text(ends),
        "daysLeft": state.days_left,
        "mostMeetings": found.trial_most_meetings,
        "meetings": state.meetings,
        "warned": found.trial_warned,
    }


def _value(word: Use | FieldOfUse | None) -> Any:  # noqa: ANN401 - a text of JSON, or null
    return word.value if word else None
