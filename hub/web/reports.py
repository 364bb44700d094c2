"""Pages of numbers: the use of a month, who still calls the first version of the API, how the hub is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from hub.api.answers import reply
from hub.api.context import Hub
from hub.api.health import routes as health
from hub.api.history import routes as figures
from hub.api.old import routes as old
from hub.booking import history
from hub.domain import access
from hub.domain.healthcheck import Check
from hub.domain.history import Usage
from hub.domain.words import Role
from hub.people.guard import Person
from hub.web import pages
from hub.web.pages import Page

FIGURES = ("meetings", "participants", "minutes", "ports")

MOST_BARS = 30
"""Organisations in a chart: those that used most."""

router = APIRouter(route_class=Page, include_in_schema=False)


@router.get("/reports/usage")
async def usage(
    request: Request,
    caller: Person,
    month: Annotated[str, Query(pattern=figures.MONTH)] = "",
    form: Annotated[Literal["csv", "json"] | None, Query(alias="as")] = None,
) -> Response:
    """Show an administrator the use of a month with charts; `as`, or `Accept: text/csv`: as a file."""
    access.require(caller, Role.ADMIN)
    hub: Hub = request.app.state.hub
    wanted = month or f"{hub.office.now():%Y-%m}"
    found = await hub.database.retry(lambda connection: history.usage(connection, hub.office, caller, None, wanted))
    if form == "json":
        return reply([figures.written(each) for each in found])
    if form == "csv" or "text/csv" in request.headers.get("accept", ""):
        return figures.table(found, wanted)
    totals = [each for each in found if each.use is None]
    year, number = datetime.strptime(wanted, "%Y-%m").timetuple()[:2]  # noqa: DTZ007 - a month has no zone
    return pages.page(
        request,
        "usage",
        caller,
        month=f"{year:04d}-{number:02d}",
        before=_month(year, number - 1),
        after=_month(year, number + 1),
        charts=[_chart(totals, name) for name in FIGURES],
        figures=FIGURES,
        rows=found,
    )


def _month(year: int, number: int) -> str:
    return f"{year + (number - 1) // 12:04d}-{(number - 1) % 12 + 1:02d}"


def _chart(totals: list[Usage], name: str) -> dict[str, Any]:
    shown = sorted(totals, key=lambda each: -getattr(each, name))[:MOST_BARS]
    most = max((getattr(each, name) for each in shown), default=0) or 1
    bars = [(each.name, getattr(each, name)) for each in shown]
    return {
        "name": name,
        "bars": [{"label": label, "value": value, "width": round(100 * value / most)} for label, value in bars],
    }


@router.get("/reports/old-callers")
async def callers(request: Request, caller: Person) -> Response:
    """Show an administrator who still calls the first version."""
    access.require(caller, Role.ADMIN)
    hub: Hub = request.app.state.hub
    async with hub.database.read() as connection:
        found = await old.found(connection, caller, old.MOST)
    return pages.page(request, "callers", caller, rows=found)


@router.get("/healthcheck")
async def last_check(request: Request) -> Response:
    """Show the last health check to anybody; it tells nothing of anybody."""
    return _health(request, await health.last_check(request.app.state.hub))


@router.get("/healthcheck/execute")
async def check_now(request: Request) -> Response:
    """Make a health check now, unless the last has just been made, and show it."""
    return _health(request, await health.check_now(request.app.state.hub))


def _health(request: Request, check: Check | None) -> Response:
    offered = request.app.state.hub.office.settings.healthcheck is not None
    return pages.page(request, "health", check=check, parts=health.parts(check), offered=offered)
