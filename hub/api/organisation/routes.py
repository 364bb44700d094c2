"""Operations of the organisation API. Codes may hold slashes, so those with more after the code come first."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.api.answers import reply
from hub.api.context import Administrator
from hub.api.organisation.bodies import (
    Code,
    CodeAnswer,
    OrganisationAnswer,
    OrganisationBody,
    RefusalAnswer,
    TreeAnswer,
    tree,
    written,
)
from hub.api.values import MAX_INT64
from hub.booking import organisations as work
from hub.domain.model import Organisation
from hub.domain.tree import grown
from hub.errors import Code as ErrorCode
from hub.errors import InputError
from hub.store import organisations as store

router = APIRouter(prefix="/services/v2", tags=["organisations"])

Described = dict[int | str, dict[str, Any]]

REFUSALS: Described = {
    400: {"model": RefusalAnswer, "description": "The request is not usable as it stands"},
    401: {"description": "No token, or an organisation outside the caller's part of the tree"},
    403: {"model": RefusalAnswer, "description": "The caller is no administrator"},
    404: {"model": RefusalAnswer, "description": "There is no such organisation"},
    503: {"model": RefusalAnswer, "description": "The database cannot be reached; the request may be sent again"},
}


def good(model: Any) -> Described:  # noqa: ANN401 - a model, a list of it, or one of two
    """Describe the answers of an operation."""
    return {200: {"model": model, "description": "Done"}} | REFUSALS


One = good(OrganisationAnswer)
Tree = good(TreeAnswer)

OrganisationCode = Annotated[Code, Query(alias="organisationCode")]
MaybeCode = Annotated[Code | None, Query(alias="organisationCode")]
MaybeGroup = Annotated[int | None, Query(alias="groupId", ge=1, le=MAX_INT64)]


@router.get(
    "/organisation",
    responses=good(OrganisationAnswer | list[OrganisationAnswer]),
)
async def find(context: Administrator, code: MaybeCode = None) -> Response:
    """Give one organisation, or without a code all of the caller's part of the tree."""
    async with context.database.read() as connection:
        if code is not None:
            return reply(written(await work.find(connection, context.caller, code)))
        return reply([written(each) for each in await work.below(connection, context.caller)])


@router.post("/organisation", responses=One)
async def create(
    context: Administrator, body: OrganisationBody, above: Annotated[Code, Query(alias="parent_code")]
) -> Response:
    """Add an organisation under the one that the query names."""
    return await _create(context, above, body)


@router.get(
    "/organisation/{code:path}/descendants",
    responses=good(list[CodeAnswer]),
)
async def descendants(context: Administrator, code: Code) -> Response:
    """List the codes of an organisation and all below it."""
    async with context.database.read() as connection:
        found = await work.find(connection, context.caller, code)
        return reply([{"code": each.code} for each in await store.descendants(connection, found)])


@router.api_route("/organisation/{code:path}/descendants", methods=["POST", "PUT"], include_in_schema=False)
async def not_an_organisation(code: str) -> Response:
    """Refuse to take the word for a part of a code."""
    del code
    raise HTTPException(405)


@router.get("/organisation/{code:path}", responses=One)
async def read(context: Administrator, code: Code) -> Response:
    """Give an organisation."""
    async with context.database.read() as connection:
        return reply(written(await work.find(connection, context.caller, code)))


@router.put("/organisation/{code:path}", responses=One)
async def replace(context: Administrator, code: Code, body: OrganisationBody) -> Response:
    """Change an organisation to what the body says."""

    async def change(connection: AsyncConnection) -> Organisation:
        return await work.change(connection, context.office, context.caller, code, body.values(), body.kind)

    return reply(written(await work.run(context.database, change)))


@router.post("/organisation/{code:path}", responses=One)
async def create_under(context: Administrator, code: Code, body: OrganisationBody) -> Response:
    """Add an organisation under the one that the path names."""
    return await _create(context, code, body)


@router.get("/organisationtree", responses=Tree)
async def chain_of(context: Administrator, code: MaybeCode = None, group: MaybeGroup = None) -> Response:
    """Give those above an organisation and itself as a tree from the root; by exactly one of code and group."""
    async with context.database.read() as connection:
        return await _chain(context, connection, await _one(context, connection, code, group))


@router.get("/organisationtree/{code:path}", responses=Tree)
async def chain(context: Administrator, code: Code) -> Response:
    """Give those above an organisation and itself as a tree from the root."""
    async with context.database.read() as connection:
        return await _chain(context, connection, await work.find(connection, context.caller, code))


@router.get("/organisationtree-children", responses=Tree)
async def children(context: Administrator, code: MaybeCode = None, group: MaybeGroup = None) -> Response:
    """Give an organisation with all below it; by exactly one of code and group."""
    async with context.database.read() as connection:
        found = await _one(context, connection, code, group)
        below = await store.descendants(connection, found)
    (node,) = [each for each in grown(below) if each.organisation.id == found.id]
    return reply(tree(node))


async def _create(context: Administrator, above: str, body: OrganisationBody) -> Response:
    async def add(connection: AsyncConnection) -> Organisation:
        return await work.add(connection, context.office, context.caller, above, body.values(), body.kind)

    return reply(written(await work.run(context.database, add)))


async def _one(
    context: Administrator, connection: AsyncConnection, code: str | None, group: int | None
) -> Organisation:
    if code is not None and group is None:
        return await work.find(connection, context.caller, code)
    if group is not None and code is None:
        return await work.find_by_group(connection, context.caller, group)
    raise InputError("give exactly one of organisationCode and groupId", ErrorCode.INPUT.number)


async def _chain(context: Administrator, connection: AsyncConnection, found: Organisation) -> Response:
    del context
    above = await store.ancestors(connection, found)
    (root,) = grown([found, *above])
    return reply(tree(root))
