"""Whose addresses and keys are whose: owners of dialled addresses, keys of the history API."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.api.answers import reply
from hub.api.context import Administrator
from hub.api.organisation.bodies import KeyAnswer, KeyBody, OwnerAnswer, TreeAnswer, tree
from hub.api.organisation.routes import REFUSALS, OrganisationCode, good
from hub.api.requests import Text200
from hub.booking import organisations, owners
from hub.domain.tree import grown
from hub.store import organisations as store

MAX_ADDRESSES = 500
"""Addresses of one question."""

router = APIRouter(prefix="/services/v2", tags=["organisations"])

Addresses = Annotated[list[Text200], Body(), Field(max_length=MAX_ADDRESSES)]


@router.post("/organisation/uri", responses=good(list[OwnerAnswer]))
async def owners_of(context: Administrator, dialled: Addresses) -> Response:
    """Tell who owns dialled addresses: rooms of meetings, rooms that are always there, room systems, then domains.

    Those that are nobody's are left out.
    """
    async with context.database.read() as connection:
        found = await owners.find(connection, dialled)
    return reply(
        [
            {
                "code": each.organisation.code,
                "name": each.organisation.name,
                "groupId": each.organisation.id,
                "uri": each.dialled,
                "booked": each.booked,
                "groupName": each.organisation.name,
            }
            for each in found
        ]
    )


@router.api_route("/organisation/uri", methods=["GET", "PUT"], include_in_schema=False)
async def not_an_organisation() -> Response:
    """Refuse to take the word for a code; an organisation of this code is found by the query."""
    raise HTTPException(405)


@router.post("/organisation-tree-for-api-key", responses=good(TreeAnswer))
async def tree_of_key(context: Administrator, body: KeyBody) -> Response:
    """Give the organisation that a key was made for, with all below it."""
    async with context.database.read() as connection:
        found = await organisations.of_key(connection, body.api_key)
        below = await store.descendants(connection, found)
    (node,) = [each for each in grown(below) if each.organisation.id == found.id]
    return reply(tree(node))


@router.post("/history-api-key", responses=good(KeyAnswer))
async def new_key(context: Administrator, code: OrganisationCode) -> Response:
    """Make an organisation's key of the history API anew; it is shown this once, and the one before is void."""

    async def make(connection: AsyncConnection) -> str:
        return await organisations.new_key(connection, context.office, context.caller, code)

    return reply({"historyApiKey": await context.database.retry(make)})


@router.delete("/history-api-key", status_code=204, responses=REFUSALS)
async def drop_key(context: Administrator, code: OrganisationCode) -> Response:
    """Take an organisation's key of the history API away."""

    async def drop(connection: AsyncConnection) -> None:
        await organisations.drop_key(connection, context.office, context.caller, code)

    await context.database.retry(drop)
    return Response(status_code=204)
