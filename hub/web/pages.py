"""Pages written: templates with escaping, the language somebody chose, headers that let nothing else in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.domain import wording
from hub.domain.model import Caller
from hub.domain.standing import Language
from hub.domain.words import Role
from hub.errors import Code, HubError, LoginNeededError
from hub.people import guard
from hub.web.words import FAULTS, SENTENCES, WORDS

FOLDER = Path(__file__).parent

COOKIE = "vdx-language"

YEAR_SECONDS = 365 * 24 * 3600

_environment = Environment(
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    loader=FileSystemLoader(FOLDER / "templates"),
)


def language(request: Request) -> Language:
    """Give the language that somebody chose, else the first we know of those the browser asks for, else Danish."""
    asked = (each.strip().lower()[:2] for each in request.headers.get("accept-language", "").split(","))
    return next(
        (Language(each) for each in (request.cookies.get(COOKIE), *asked) if each in set(Language)), Language.DANISH
    )


def headers(request: Request) -> dict[str, str]:
    """Give the headers of a page: only our own style and script, and forms that go to us (or out by the login)."""
    people = request.app.state.hub.office.settings.people
    issuers = [urlsplit(each.issuer) for each in people.providers] if people else []
    targets = " ".join(["'self'", *(f"{each.scheme}://{each.netloc}" for each in issuers)])
    return {
        "content-security-policy": (
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
            f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
        ),
        "cache-control": "no-store",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
        "vary": "accept-language, cookie",
    }


def page(
    request: Request, which: str, caller: Caller | None = None, *, status: int = 200, **values: object
) -> HTMLResponse:
    """Write the page `which`.html; `caller` is who is logged in."""
    spoken = language(request)
    office = request.app.state.hub.office
    zone = office.zone
    here = request.url.path.removeprefix(office.settings.base_path)

    def day(time: datetime) -> str:
        written = wording.day(time.astimezone(zone), spoken, long=True)
        return written[:1].upper() + written[1:]

    def clock(time: datetime) -> str:
        return wording.clock(time.astimezone(zone), spoken, long=False)

    shown: dict[str, Any] = {
        "base": office.settings.base_path,
        "caller": caller,
        "admin": caller is not None and caller.has(Role.ADMIN),
        "clock": clock,
        "csrf": guard.form_token(request),
        "day": day,
        "fault": "",
        "here": here,
        "here_again": here + (f"?{request.url.query}" if request.url.query else ""),
        "language": spoken.value,
        "said": "",
        "words": WORDS[spoken],
    }
    written = _environment.get_template(f"{which}.html").render(shown | values)
    return HTMLResponse(written, status, headers(request))


def word(request: Request, name: str) -> str:
    """Give one of the words in somebody's language."""
    return WORDS[language(request)][name]


def fault(request: Request, error: HubError) -> str:
    """Say in somebody's language why something was refused."""
    spoken = language(request)
    known = FAULTS[spoken].get(error.code) if error.code != Code.INPUT.number else None
    if known is None and spoken is Language.DANISH:
        known = SENTENCES.get(str(error))
    return known or f"{WORDS[spoken]['refused']} {error}"


def away(request: Request, path: str) -> Response:
    """Send somebody on to another page of ours, after a form."""
    return RedirectResponse(f"{request.app.state.hub.office.settings.base_path}{path}", 303, headers(request))


class Page(APIRoute):
    """A route whose refusals are pages, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give the handler."""
        handler = super().get_route_handler()

        async def written(request: Request) -> Response:
            try:
                return await handler(request)
            except LoginNeededError:
                raise
            except HubError as error:
                return page(request, "refused", status=error.status, fault=fault(request, error))
            except RequestValidationError:
                status = HTTPStatus.BAD_REQUEST
                return page(request, "refused", status=status, fault=WORDS[language(request)]["not_understood"])

        return written
