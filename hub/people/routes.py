"""The way in and out: /people/login sends somebody to an identity provider, /people/callback takes him back."""

from __future__ import annotations

import hmac
import logging
import secrets
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import JSONResponse, RedirectResponse, Response

from hub.api.context import MAX_TOKEN, Hub
from hub.booking import events
from hub.domain.model import Caller
from hub.domain.words import Role
from hub.errors import AwayError, ForbiddenError, HubError, UnauthenticatedError
from hub.people import pages, seal, sessions
from hub.people.claims import Identity
from hub.people.guard import Person, check_origin, local
from hub.people.provider import Entrance, Provider
from hub.store import journal, organisations
from hub.store import sessions as store
from hub.store.sessions import Login
from hub.web import pages as web_pages
from hub.web.pages import Page

COOKIE = "__Host-vdx-login"
"""Ties the answer of a provider to the browser that asked."""

LASTS = timedelta(minutes=10)
"""Time to log in: long enough to look for a second factor."""

MOST_PENDING = 50_000
"""People on the way at once, each a row: whoever knows the address may begin logins, and must not shut others out."""

MAX_WORD = 2000
"""Characters of a parameter of the answer."""

NOT_KEPT = {"cache-control": "no-store"}

AGAIN = frozenset({"uq_persons_email"})
"""The journal's writer has just made somebody's pseudonym: another try finds it."""

router = APIRouter(prefix="/people", route_class=Page, include_in_schema=False)

log = logging.getLogger("hub.people")


def _entrance(request: Request) -> tuple[Hub, Entrance]:
    hub: Hub = request.app.state.hub
    if hub.entrance is None:
        raise ForbiddenError("login is not set up here: `people` is missing in the hub's configuration")
    return hub, hub.entrance


@router.get("/login", response_model=None)
async def login(
    request: Request, provider: str = "", destination: Annotated[str, Query(alias="next")] = "/"
) -> Response:
    """Send somebody to his provider; who has several to choose from is asked."""
    hub, entrance = _entrance(request)
    destination, known = local(destination), entrance.providers
    chosen = known.get(provider) or (next(iter(known.values())) if len(known) == 1 and not provider else None)
    base = hub.office.settings.base_path
    if chosen is None:
        listed = [
            {"title": each.settings.title, "address": f"{base}/people/login?{urlencode(asked)}"}
            for name, each in known.items()
            for asked in [{"provider": name, "next": destination}]
        ]
        return pages.page(request, providers=listed)
    return await _send(request, hub, chosen, destination, stepped=False)


async def _send(request: Request, hub: Hub, chosen: Provider, destination: str, *, stepped: bool) -> Response:
    secret = secrets.token_urlsafe(sessions.SECRET_OCTETS)
    begun = Login(
        digest=sessions.digest(secret),
        provider=chosen.settings.name,
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        destination=destination,
        stepped=stepped,
        ends_time=hub.office.now() + LASTS,
    )
    try:
        address = await chosen.address(begun)
    except AwayError as error:
        return _refused(request, error)

    async def begin(connection: AsyncConnection) -> None:
        await store.sweep(connection, hub.office.now())
        await store.begin(connection, begun)
        await store.crowd_out(connection, MOST_PENDING)

    await hub.database.retry(begin)
    response = RedirectResponse(address, 303, pages.HEADERS)
    sessions.set_cookie(response, COOKIE, secret, LASTS)
    return response


@router.get("/callback", response_model=None)
async def callback(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
    """Take somebody back from his provider and log him in."""
    hub, entrance = _entrance(request)
    try:
        begun = await _begun(request, hub, state)
        chosen = entrance.providers[begun.provider]
        if error or not 0 < len(code) <= MAX_WORD:
            raise ForbiddenError("the identity provider did not log you in")
        identity = await chosen.identity(code, begun)
        await _check_place(hub, chosen, identity)
        if identity.lacks_factor and not begun.stepped:
            return await _send(request, hub, chosen, begun.destination, stepped=True)
        if identity.lacks_factor:
            raise ForbiddenError("your roles need a second factor, and the identity provider was not shown one")
    except HubError as refused:
        log.warning("login.refused: %s", refused)
        return _refused(request, refused)
    return await _enter(request, hub, identity, begun.provider, begun.destination)


async def _begun(request: Request, hub: Hub, state: str) -> Login:
    digest = sessions.digest(request.cookies.get(COOKIE, ""))
    begun = await hub.database.retry(lambda connection: store.finish(connection, digest))
    if begun is None or begun.ends_time <= hub.office.now():
        raise ForbiddenError("the login took too long, or was begun in another browser: begin again")
    if not hmac.compare_digest(begun.state.encode(), state.encode()):
        raise ForbiddenError("the answer belongs to another login: begin again")
    return begun


async def _check_place(hub: Hub, chosen: Provider, identity: Identity) -> None:
    """Refuse an organisation that the provider may not speak for."""
    async with hub.database.read() as connection:
        found = await organisations.by_code(connection, identity.caller.organisation or "")
        above = await organisations.ancestors(connection, found) if found else []
    if found is None or chosen.settings.organisation not in {found.code, *(each.code for each in above)}:
        raise ForbiddenError("your organisation is not known here: ask its administrator")


async def _enter(request: Request, hub: Hub, identity: Identity, provider: str, destination: str) -> Response:
    caller = identity.caller
    before = request.cookies.get(sessions.COOKIE, "")

    async def begin(connection: AsyncConnection) -> tuple[str, str]:
        if before:
            await store.remove(connection, sessions.digest(before))
        data = {"provider": provider, "roles": sorted(caller.roles)}
        entry = events.Entry("create", "session", None, caller.organisation, data, "login")
        await events.note(connection, entry, caller, hub.office.now())
        people = await journal.pseudonyms(connection, [caller.email or ""], hub.office.now())
        made = await sessions.begin(connection, hub.office, caller, provider, identity.known)
        return made, next(iter(people.values()))

    secret, pseudonym = await hub.database.retry(begin, AGAIN)
    log.info("login.done person=%s provider=%s organisation=%s", pseudonym, provider or "-", caller.organisation)
    base = hub.office.settings.base_path
    response = RedirectResponse(f"{base}{destination.removeprefix(base)}", 303, pages.HEADERS)
    sessions.set_cookie(response, sessions.COOKIE, secret)
    sessions.drop_cookie(response, COOKIE)
    return response


@router.post("/logout", response_model=None)
async def logout(request: Request, person: Person) -> Response:
    """Log somebody out here, and at his provider where it has a page for that."""
    hub, entrance = _entrance(request)
    digest = sessions.digest(request.cookies.get(sessions.COOKIE, ""))

    async def end(connection: AsyncConnection) -> str:
        session = await store.find(connection, digest)
        await store.remove(connection, digest)
        entry = events.Entry("delete", "session", None, person.organisation, source="login")
        await events.note(connection, entry, person, hub.office.now())
        return session.provider if session else ""

    provider = entrance.providers.get(await hub.database.retry(end))
    after = f"{hub.office.settings.base_path}/people/login"
    address = await provider.farewell(entrance.settings.public + after) if provider else None
    response = RedirectResponse(address or after, 303, pages.HEADERS)
    sessions.drop_cookie(response, sessions.COOKIE)
    return response


@router.post("/logout/{name}", response_model=None)
async def told(
    request: Request, name: str, token: Annotated[str, Form(alias="logout_token", max_length=MAX_TOKEN)] = ""
) -> Response:
    """End the sessions of somebody who has logged out, or was, at his provider (Back-Channel Logout 1.0)."""
    hub, entrance = _entrance(request)
    provider = entrance.providers.get(name)
    if provider is None:
        return _unended("no identity provider has this name")
    try:
        known = await provider.ended(token)
    except (ForbiddenError, UnauthenticatedError) as refused:
        log.warning("logout.refused provider=%s: %s", name, refused)
        return _unended(str(refused))

    async def end(connection: AsyncConnection) -> None:
        for organisation in await store.remove_told(connection, name, known.subject, known.session):
            entry = events.Entry("delete", "session", None, organisation, {"provider": name}, "login")
            await events.note(connection, entry, None, hub.office.now())

    await hub.database.retry(end)
    return Response(status_code=200, headers=NOT_KEPT)


def _unended(why: str) -> Response:
    return JSONResponse({"error": "invalid_request", "error_description": why}, 400, NOT_KEPT)


@router.get("/break-glass", response_model=None)
async def sealed(request: Request) -> Response:
    """Show the form of the sealed account."""
    hub, entrance = _entrance(request)
    if entrance.settings.break_glass is None:
        raise ForbiddenError("there is no sealed account")
    return pages.page(request, sealed=f"{hub.office.settings.base_path}/people/break-glass")


@router.post("/break-glass", response_model=None)
async def break_glass(request: Request, passphrase: Annotated[str, Form(max_length=100)]) -> Response:
    """Let somebody in by the sealed account, and tell everybody."""
    hub, entrance = _entrance(request)
    check_origin(request)
    account = entrance.settings.break_glass
    if account is None or not seal.opened(account.seal, passphrase):
        log.warning("break-glass.refused")
        return _refused(request, ForbiddenError("the passphrase is not right"))
    caller = Caller(account.organisation, seal.NAME, frozenset({Role.ADMIN, Role.PLANNER}))
    log.critical("break-glass.used organisation=%s: seal the account anew: hub seal", account.organisation)

    async def tell(connection: AsyncConnection) -> None:
        entry = events.Entry("use", "breakGlass", None, account.organisation, {"alarm": True}, "login")
        await events.note(connection, entry, caller, hub.office.now())

    await hub.database.retry(tell)
    return await _enter(request, hub, Identity(caller, second_factor=True), "", "/")


def _refused(request: Request, error: HubError) -> Response:
    again = f"{request.app.state.hub.office.settings.base_path}/people/login"
    fault = web_pages.fault(request, error)
    return pages.page(request, 503 if isinstance(error, AwayError) else 403, fault=fault, again=again)
