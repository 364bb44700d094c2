"""The page's addresses: what each shows, as a table; what its forms do stands in `deeds`."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from gatewayd.web import doorway
from gatewayd.web.answers import DeclinedError
from gatewayd.web.asking import Asker
from gatewayd.web.credentials import Credentials
from gatewayd.web.doorway import Visitor, cookies
from gatewayd.web.errors import RefusedError
from gatewayd.web.gateway import Gateway
from gatewayd.web.page import deeds
from gatewayd.web.page.sentences import saying
from gatewayd.web.page.words import LANGUAGES, preferred, speaking
from gatewayd.web.sessions import COOKIE, Sessions
from vdx import management, versions
from vdx.control import BanList, CallList, StatusReport
from vdx.errors import VdxError
from vdx.management import AgreementList, RuleList
from vdx.pinhole import Listed
from vdx.site.exchange import KINDS

HOME: Final = Path(__file__).parent
LANGUAGE_COOKIE: Final = "__Host-language"
JOURNAL_ROWS: Final = 50
MAX_ROWS: Final = 200
"""Of a table: ten thousand agreements are found by a word, and nobody reads them down."""

SHORT: Final = 12
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
YEAR_SECONDS: Final = 365 * 86400

MENU: Final = (
    ("/", "Status", "situation"),
    ("/rules", "Rules", "list-rules"),
    ("/agreements", "Agreements", "list-agreements"),
    ("/changes", "Changes", "candidates"),
    ("/live", "Live", "look"),
    ("/journal", "Journal", "journal"),
)
"""Address, name, and what one must be able to ask to see it."""

Found = dict[str, Any]
Show = Callable[[Asker, Request], Awaitable[Found]]


class Pages:
    """Writes pages for visitors; `wall` gives seconds since 1970."""

    def __init__(self, gateway: Gateway, wall: Callable[[], float]) -> None:
        self._gateway = gateway
        self._wall = wall
        self._environment = Environment(
            loader=FileSystemLoader(HOME / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "date": _date,
            "moment": _moment,
            "duration": _duration,
            "count": _count,
            "short": _short,
        }

    def asker(self, request: Request) -> Asker:
        """Give who asks, to ask for."""
        return Asker(self._gateway, doorway.visitor(request).known.principal)

    async def page(self, request: Request, template: str, found: Mapping[str, Any], status: int = 200) -> Response:
        """Write a page for somebody who is known; every page says what waits to be confirmed."""
        asker = self.asker(request)
        who = await asker.get(versions.Whoami(1), versions.Who)
        situation = await asker.get(versions.Situation(1), versions.SituationReport)
        menu = [(path, name) for path, name, verb in MENU if verb in who.verbs]
        session = doorway.visitor(request).session
        forms = session.forms if session else ""
        known = {"who": who, "situation": situation, "menu": menu, "forms": forms}
        return self.bare(request, template, {**known, **found}, status)

    def bare(self, request: Request, template: str, found: Mapping[str, Any], status: int = 200) -> Response:
        """Write a page that needs no visitor."""
        accepted = request.headers.get("accept-language", "")
        language = preferred(cookies(request.headers).get(LANGUAGE_COOKIE, ""), accepted)
        written = self._environment.get_template(template).render(
            {
                "t": speaking(language),
                "say": saying(language),
                "language": language,
                "languages": LANGUAGES,
                "path": request.url.path,
                "now": self._wall(),
                "who": None,
                **found,
            }
        )
        return HTMLResponse(written, status, {"vary": "Accept-Language, Cookie", "content-language": language})


async def _status(asker: Asker, _: Request) -> Found:
    me = await asker.get(versions.Whoami(1), versions.Who)
    found: Found = {"report": None, "never": None}
    if "look" in me.verbs:
        found["report"] = await asker.get(management.Look(1, "status"), StatusReport)
    if "list-rules" in me.verbs:
        listed = await asker.get(management.ListRules(1), RuleList)
        found["never"] = sum(each.packets == 0 for each in listed.rules)
    return found | await _agreements(asker, _)


def _some(rows: Iterable[Struct], request: Request) -> Found:
    """Give the rows in which a word is found that was asked for, no more than a page holds."""
    word = request.query_params.get("find", "")[:100]
    found = [each for each in rows if word.lower() in str(each).lower()]
    return {"rows": found[:MAX_ROWS], "more": max(0, len(found) - MAX_ROWS), "find": word}


async def _rules(asker: Asker, request: Request) -> Found:
    return _some((await asker.get(management.ListRules(1), RuleList)).rules, request)


async def _agreements(asker: Asker, request: Request) -> Found:
    listed = await asker.get(management.ListAgreements(1), AgreementList)
    rows = sorted(listed.agreements, key=lambda each: each.ends)
    return {"listed": listed, "kinds": KINDS, **_some(rows, request)}


async def _changes(asker: Asker, _: Request) -> Found:
    candidates = await asker.get(versions.Candidates(1), versions.CandidateList)
    history = await asker.get(versions.History(1), versions.VersionList)
    return {"candidates": candidates.candidates, "history": history.versions}


async def _candidate(asker: Asker, request: Request) -> Found:
    ref = request.path_params["ref"]
    listed = await asker.get(versions.Candidates(1), versions.CandidateList)
    one = next((each for each in listed.candidates if each.ref == ref), None)
    if one is None:
        raise RefusedError("there is no such candidate any more: it runs, or was withdrawn")
    checked = await asker.get(versions.CheckVersion(1, ref, prove="prove" in request.query_params), versions.Checked)
    found: Found = {"one": one, "checked": checked, "differences": None}
    if not checked.faults or checked.proof is not None:
        found["differences"] = await asker.get(versions.DiffVersion(1, ref), versions.Differences)
    return found


async def _version(asker: Asker, request: Request) -> Found:
    number = int(request.path_params["number"])
    return {
        "number": number,
        "differences": await asker.get(versions.DiffVersion(1, number=number), versions.Differences),
    }


async def _live(asker: Asker, request: Request) -> Found:
    async def look(what: Any, kind: type[Struct]) -> Any:  # noqa: ANN401 - an answer of that kind
        try:
            return await asker.get(management.Look(1, what), kind)
        except DeclinedError as declined:
            if declined.status == 503:  # b2bua is away; media goes on
                return None
            raise

    return {
        "calls": await look("calls", CallList),
        **_some(leases.leases if isinstance(leases := await look("pinholes", Listed), Listed) else (), request),
        "bans": await look("bans", BanList),
    }


async def _journal(asker: Asker, request: Request) -> Found:
    newest = await asker.get(versions.Journal(1, 2**53, 1), versions.JournalLines)
    asked = request.query_params.get("after", "")
    after = int(asked) if asked.isdecimal() and len(asked) < 16 else max(0, newest.last - JOURNAL_ROWS)
    lines = await asker.get(versions.Journal(1, after, JOURNAL_ROWS), versions.JournalLines)
    return {"lines": lines, "after": after, "rows": JOURNAL_ROWS}


SHOWN: Final[Mapping[str, tuple[str, Show]]] = {
    "/": ("status.html", _status),
    "/rules": ("rules.html", _rules),
    "/agreements": ("agreements.html", _agreements),
    "/changes": ("changes.html", _changes),
    "/changes/{ref:str}": ("candidate.html", _candidate),
    "/versions/{number:int}": ("version.html", _version),
    "/live": ("live.html", _live),
    "/journal": ("journal.html", _journal),
}
"""Each address with its template, and what is found out for it."""


def install(
    app: FastAPI, gateway: Gateway, credentials: Credentials, sessions: Sessions, wall: Callable[[], float] = time.time
) -> None:
    """Serve the page."""
    pages = Pages(gateway, wall)
    for path, (template, show) in SHOWN.items():
        app.add_api_route(path, _shown(pages, template, show), methods=["GET"], include_in_schema=False)
    for name, deed in deeds.DEEDS.items():
        app.add_api_route(f"/{name}", _done(pages, deed), methods=["POST"], include_in_schema=False)
    _entrance(app, pages, credentials, sessions, wall)
    app.mount("/static", StaticFiles(directory=HOME / "static"))


def _shown(pages: Pages, template: str, show: Show) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if doorway.visitor(request).session is None:
            return RedirectResponse("/login", 303)
        try:
            found = await show(pages.asker(request), request)
            return await pages.page(request, template, found)
        except (RefusedError, DeclinedError) as error:
            return await _told(pages, request, error)

    return endpoint


def _done(pages: Pages, deed: deeds.Deed) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        visitor = doorway.visitor(request)
        if visitor.session is None:
            return RedirectResponse("/login", 303)
        async with request.form(max_files=deeds.MAX_FILES, max_fields=deeds.MAX_FIELDS) as form:
            try:
                doorway.check_forms(visitor.session, str(form.get(doorway.FORMS_FIELD, "")))
                return RedirectResponse(await deed(pages.asker(request), form), 303)
            except (RefusedError, DeclinedError) as error:
                return await _told(pages, request, error)

    return endpoint


async def _told(pages: Pages, request: Request, error: VdxError) -> Response:
    """Say on a page why nothing was done."""
    status = error.status if isinstance(error, RefusedError | DeclinedError) else 422
    reasons = error.told.reasons if isinstance(error, DeclinedError) else tuple(str(error).splitlines())
    try:
        return await pages.page(request, "problem.html", {"reasons": reasons}, status)
    except (RefusedError, DeclinedError):  # not even who asks can be looked up
        return pages.bare(request, "problem.html", {"reasons": reasons}, status)


def _entrance(
    app: FastAPI, pages: Pages, credentials: Credentials, sessions: Sessions, wall: Callable[[], float]
) -> None:
    def begun(by: str, known: Visitor | None) -> Response:
        if known is not None and known.cookie:
            sessions.end(known.cookie)
        response = RedirectResponse("/", 303)
        response.set_cookie(COOKIE, sessions.begin(by), secure=True, httponly=True, samesite="strict")
        return response

    async def asked(request: Request) -> Response:
        visitor = request.scope["visitor"]
        if visitor is not None:  # by a certificate, which the browser has shown
            return RedirectResponse("/", 303) if visitor.session else begun(visitor.known.by, visitor)
        return pages.bare(request, "login.html", {"failed": False})

    async def entered(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=4) as form:
            token = str(form.get("token", "")).strip()
        known = credentials.token(token, wall())
        if known is None:
            request.scope["failures"]()
            return pages.bare(request, "login.html", {"failed": True}, 401)
        return begun(known.by, request.scope["visitor"])

    async def left(request: Request) -> Response:
        visitor = doorway.visitor(request)
        async with request.form(max_files=0, max_fields=4) as form:
            if visitor.session:
                doorway.check_forms(visitor.session, str(form.get(doorway.FORMS_FIELD, "")))
        sessions.end(visitor.cookie)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict")
        return response

    async def spoken(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=4) as form:
            language = preferred(str(form.get("language", "")), "")
            response = RedirectResponse(deeds.local(str(form.get("back", "/"))), 303)
        response.set_cookie(
            LANGUAGE_COOKIE, language, max_age=YEAR_SECONDS, secure=True, httponly=True, samesite="strict"
        )
        return response

    app.add_api_route("/login", asked, methods=["GET"], include_in_schema=False)
    app.add_api_route("/login", entered, methods=["POST"], include_in_schema=False)
    app.add_api_route("/logout", left, methods=["POST"], include_in_schema=False)
    app.add_api_route("/language", spoken, methods=["POST"], include_in_schema=False)


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _short(text: str) -> str:
    """Cut the digests in a text to what a person compares."""
    return _DIGEST.sub(lambda found: found[0][:SHORT], text)


def _count(value: int) -> str:
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
