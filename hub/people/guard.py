"""Who stands behind a page's request: the dependency of every page for people, and protection of its forms.

A form is taken only with the token of the session it was written for, and where the browser says that it comes from
our own pages: another site can make a browser send a form, but neither knows the token nor chooses that header.
"""

from __future__ import annotations

import hmac
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from starlette.responses import RedirectResponse, Response

from hub.api.context import Hub
from hub.domain.model import Caller
from hub.errors import ForbiddenError, LoginNeededError
from hub.people import sessions
from hub.store import sessions as store

FIELD = "csrf"
"""The hidden field of every form."""

HEADER = "x-csrf-token"
"""The same for scripts of our pages."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

LOGIN = "/people/login"

MAX_DESTINATION = 500
"""Characters of the address that somebody is sent to after the login."""


async def person(request: Request) -> Caller:
    """Give who is logged in; raises `LoginNeededError`, and `ForbiddenError` for a form that is not of our pages."""
    hub: Hub = request.app.state.hub
    secret = request.cookies.get(sessions.COOKIE, "")
    async with hub.database.read() as connection:
        session = await sessions.find(connection, hub.office, secret) if secret else None
    if session is None:
        raise LoginNeededError("log in first")
    if request.method not in SAFE:
        await _check_form(request, secret)
    if sessions.stale(session, hub.office):
        async with hub.database.write() as connection:
            await store.seen(connection, session.digest, hub.office.now())
    return session.caller


Person = Annotated[Caller, Depends(person)]


def form_token(request: Request) -> str:
    """Give the value of the hidden field `csrf` for the forms of a page."""
    return sessions.form_token(request.cookies.get(sessions.COOKIE, ""))


def check_origin(request: Request) -> None:
    """Refuse what a browser sends from another site; raises `ForbiddenError`."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        raise ForbiddenError("the form was sent from another site")
    origin, people = request.headers.get("origin"), request.app.state.hub.office.settings.people
    if origin is not None and people is not None and origin != people.public:
        raise ForbiddenError("the form was sent from another site")


async def _check_form(request: Request, secret: str) -> None:
    check_origin(request)
    given: object = request.headers.get(HEADER)
    if given is None and request.headers.get("content-type", "").partition(";")[0] in FORMS:
        given = (await request.form()).get(FIELD)
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), sessions.form_token(secret).encode()):
        raise ForbiddenError("the form is not of this session: load the page again and send it once more")


def local(destination: str) -> str:
    """Give an address of ours that somebody may be sent to; anything else becomes the first page."""
    plain = destination.isascii() and destination.isprintable() and "\\" not in destination
    ours = destination.startswith("/") and not destination.startswith("//")
    return destination if plain and ours and len(destination) <= MAX_DESTINATION else "/"


def install(app: FastAPI) -> None:
    """Send browsers that need somebody logged in to the login."""
    app.add_exception_handler(LoginNeededError, _to_login)


async def _to_login(request: Request, error: Exception) -> Response:
    del error
    if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
        return Response(status_code=401)
    base = request.app.state.hub.office.settings.base_path
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{base}{LOGIN}?next={quote(local(path), safe='/')}", 303)
