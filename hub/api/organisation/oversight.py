"""Operations of those who answer for an organisation: the journal, agreements with providers, people's data."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.api.answers import Json, reply, time_text
from hub.api.context import Administrator
from hub.api.documents import TimeText
from hub.api.organisation.bodies import Code
from hub.api.organisation.routes import REFUSALS, OrganisationCode, good
from hub.api.values import MAX_INT64, Answer, Body, Text, Time
from hub.booking import agreements, journal, personal
from hub.domain.journal import Entry
from hub.domain.personal import By
from hub.errors import Code as InputCode
from hub.errors import InputError
from hub.store.agreements import Agreement
from hub.store.journal import Query as JournalQuery

MOST_ENTRIES = 1000
"""Entries of one answer."""

router = APIRouter(prefix="/services/v2", tags=["oversight"])

Email = Annotated[Text | None, Query(min_length=3, max_length=200, description="his mail address")]
Called = Annotated[
    Text | None, Query(min_length=1, max_length=200, description="his telephone number, or his name in calls")
]
Number = Annotated[int, Path(ge=1, le=MAX_INT64)]


class EntryAnswer(Answer):
    """An entry of the journal; `user` is a mail address while it is kept, then a pseudonym."""

    number: int
    time: str
    organisation_code: str | None
    resource: str
    operation: str
    identifier: str | None
    user: str | None
    source: str
    data: dict[str, Any]
    digest: str


class AgreementBody(Body):
    """A provider may handle the rooms of the organisation and all below it, for a time."""

    provider: Code
    organisation_code: Code
    begins: Time
    ends: Time


class AgreementAnswer(Answer):
    """An agreement."""

    id: int
    provider: str
    organisation_code: str
    begins: TimeText
    ends: TimeText
    holds: bool


class PersonAnswer(Answer):
    """What is kept about a person: rows by table, and entries of the journal."""

    email: str | None
    number: str | None
    rows: list[dict[str, Any]]
    journal: list[EntryAnswer]


class ForgottenAnswer(Answer):
    """Columns that were emptied, in how many rows, and the digest of which rows."""

    table: str
    columns: list[str]
    rows: int
    digest: str


@router.get("/audit", responses=good(list[EntryAnswer]))
async def entries(
    context: Administrator,
    code: OrganisationCode,
    after: Annotated[int, Query(ge=0, le=MAX_INT64)] = 0,
    begin: Annotated[Time | None, Query(alias="from-time")] = None,
    end: Annotated[Time | None, Query(alias="to-time")] = None,
    identifier: Annotated[Text | None, Query(max_length=250)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES)] = MOST_ENTRIES,
) -> Response:
    """Read the journal of an organisation and those below it, from the entry after `after` on; it is noted there."""
    query = JournalQuery((), after, time_text(begin), time_text(end), identifier, most=limit)

    async def read(connection: AsyncConnection) -> list[journal.Shown]:
        return await journal.read(connection, context.office, context.caller, code, query)

    found = await context.database.retry(read)
    return reply([_entry(each.entry, each.who) for each in found])


@router.get("/agreement", responses=good(list[AgreementAnswer]))
async def find_agreements(context: Administrator, code: OrganisationCode) -> Response:
    """List the agreements of an organisation and those below it."""
    async with context.database.read() as connection:
        found = await agreements.below(connection, context.caller, code)
    return reply([_agreement(each, context.office.now()) for each in found])


@router.post("/agreement", responses=good(AgreementAnswer))
async def add_agreement(context: Administrator, body: AgreementBody) -> Response:
    """Make an agreement; from now on the provider is held to what its agreements cover."""
    wanted = Agreement(0, body.provider, body.organisation_code, body.begins, body.ends)

    async def add(connection: AsyncConnection) -> Agreement:
        return await agreements.add(connection, context.office, context.caller, wanted)

    return reply(_agreement(await context.database.retry(add), context.office.now()))


@router.delete("/agreement/{number}", status_code=204, responses=REFUSALS)
async def end_agreement(context: Administrator, number: Number) -> Response:
    """End an agreement now."""

    async def end(connection: AsyncConnection) -> None:
        await agreements.remove(connection, context.office, context.caller, number)

    await context.database.retry(end)
    return Response(status_code=204)


@router.get("/person", responses=good(PersonAnswer))
async def export(context: Administrator, email: Email = None, number: Called = None) -> Response:
    """Give what is kept about a person in the caller's part of the tree, by mail address or by number."""
    by, value = _who(email, number)

    async def read(connection: AsyncConnection) -> tuple[list[tuple[str, dict[str, Any]]], list[Entry]]:
        return await personal.export(connection, context.office, context.caller, by, value)

    rows, noted = await context.database.retry(read)
    return reply(
        {
            "email": email,
            "number": number,
            "rows": [{"table": table, **{name: _plain(value) for name, value in row.items()}} for table, row in rows],
            "journal": [_entry(each, email) for each in noted],
        }
    )


@router.delete("/person", responses=good(list[ForgottenAnswer]))
async def erase(context: Administrator, email: Email = None, number: Called = None) -> Response:
    """Forget a person in the caller's part of the tree; the answer is the proof, and it is in the journal."""
    by, value = _who(email, number)

    async def forget(connection: AsyncConnection) -> list[dict[str, Any]]:
        return await personal.erase(connection, context.office, context.caller, by, value)

    return reply(await context.database.retry(forget))


def _who(email: str | None, number: str | None) -> tuple[By, str]:
    if email is not None and number is None:
        return By.EMAIL, email
    if number is not None and email is None:
        return By.NUMBER, number
    raise InputError("give one of email and number", InputCode.INPUT.number)


def _entry(entry: Entry, who: str | None) -> Json:
    return {
        "number": entry.number,
        "time": entry.time,
        "organisationCode": entry.organisation,
        "resource": entry.resource,
        "operation": entry.operation,
        "identifier": entry.identifier,
        "user": who,
        "source": entry.source,
        "data": entry.data,
        "digest": entry.digest,
    }


def _agreement(agreement: Agreement, now: datetime) -> Json:
    return {
        "id": agreement.id,
        "provider": agreement.provider,
        "organisationCode": agreement.organisation,
        "begins": time_text(agreement.begins),
        "ends": time_text(agreement.ends),
        "holds": agreement.holds(now),
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return time_text(value)
    return str(value) if isinstance(value, UUID) else value
