"""Class and field of use: found for a meeting, kept by administrators, and what share of the meetings is clinical."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.booking import organisations as office_work
from hub.booking.office import Office
from hub.domain import classes
from hub.domain.classes import Class, Keys, Level, Marks, Rule
from hub.domain.model import Caller, Meeting, Organisation, Template
from hub.domain.words import Field, Use
from hub.store import classes as store
from hub.store import organisations


def of(office: Office, levels: Sequence[Level], template: Template | None, marks: Marks) -> Class:
    """Find the class of a meeting; raises `InputError` for words that a client may use, but that we don't know."""
    keys = office.settings.classes
    return classes.classify(levels, template, marks, Keys(keys.use_key, keys.field_key))


def marks(meeting: Meeting) -> Marks:
    """Give what of a meeting tells its class."""
    return Marks(meeting.labels, meeting.project_code, meeting.additional_information)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What tells the classes of an organisation's meetings."""

    use: Use | None
    field: Field | None
    inherits: bool
    may_set_use: bool | None
    rules: tuple[Rule, ...]


async def read(connection: AsyncConnection, caller: Caller, code: str) -> Level:
    """Give what tells the classes of an organisation's meetings, as far as it is set there itself."""
    found = await office_work.find(connection, caller, code)
    return (await store.levels(connection, found.code))[0]


async def write(connection: AsyncConnection, office: Office, caller: Caller, code: str, wanted: Wanted) -> Level:
    """Set what tells the classes; whether clients may name them is decided by the administrators above.

    Raises `ForbiddenError`, `UnknownError`, `OutsideError`.
    """
    found = await office_work.find(connection, caller, code)
    if wanted.may_set_use != found.may_set_use:
        found = await office_work.governed(connection, caller, code)
    changed = replace(
        found, use=wanted.use, field=wanted.field, inherits=wanted.inherits, may_set_use=wanted.may_set_use
    )
    await organisations.change(connection, changed)
    await store.replace_rules(connection, changed, wanted.rules)
    await office_work.noted(connection, office, caller, "update", changed, "classes")
    return Level(changed, wanted.rules)


@dataclass(slots=True)
class Share:
    """How the meetings of an organisation are spread over classes and fields."""

    organisation: Organisation
    uses: dict[Use, int] = field(default_factory=lambda: dict.fromkeys(Use, 0))
    fields: dict[Field | None, int] = field(default_factory=dict)

    @property
    def meetings(self) -> int:
        """All of them."""
        return sum(self.uses.values())

    @property
    def clinical(self) -> float:
        """The part that is clinical, from 0 to 1; 0 where there are no meetings."""
        return self.uses[Use.CLINICAL] / self.meetings if self.meetings else 0.0


async def shares(
    connection: AsyncConnection, office: Office, caller: Caller, code: str, period: tuple[datetime, datetime]
) -> list[Share]:
    """Give the shares of an organisation and each below it, of meetings that start within a period (without its end).

    That somebody looked is noted in the journal.
    """
    above = await office_work.find(connection, caller, code)
    below = await organisations.descendants(connection, above)
    found = {each.id: Share(each) for each in below}
    for number, use, where, many in await store.counts(connection, [each.code for each in below], *period):
        share = found[number]
        share.uses[use] += many
        share.fields[where] = share.fields.get(where, 0) + many
    await office_work.noted(connection, office, caller, "read", above, "clinicalShare")
    return list(found.values())
