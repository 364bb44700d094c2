"""What every request passes before anything of it is read: how often, who, from which page, how large.

Who asks is told by a bearer token, by the cookie of a session of the page, or by a client certificate. The last two a
browser adds by itself, also where a page of somebody else sends the request. So those have to come from our own page:
the browser says where from (`Sec-Fetch-Site`, `Origin`), and in a session every change carries a secret of its own.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatewayd.web import answers, pace
from gatewayd.web.credentials import Credentials, Known
from gatewayd.web.errors import (
    AwayError,
    ForgedError,
    LargeError,
    OftenError,
    RefusedError,
    SetupError,
    SlowError,
    UnknownError,
)
from gatewayd.web.pace import Paces
from gatewayd.web.sessions import COOKIE, Session, Sessions
from vdx import api
from vdx.desks import MAX_UPDATE

MAX_BODY = 64 * 1024
"""Octets of a request that carries no content of a fragment."""

MAX_CONTENT = 24 * 1024 * 1024
"""Octets of a push: a text and lists of 16 MiB, and what escapes in JSON add; the socket behind takes 32."""

CONTENT_PATHS = (f"{api.ROOT}/candidates", f"{api.ROOT}/agreements/import", "/push", "/agreements/import")

UPDATE = ("PUT", f"{api.ROOT}/machine/update")
"""The request whose body is handed on as it comes: an update, of at most `MAX_UPDATE` octets."""

CONTENTS_AT_ONCE = 2
"""Pushes that are held in memory at the same time."""

BODY_SECONDS = 60.0
"""In which a body has to come: 24 MiB over a line of 4 Mbit/s."""

FORMS_HEADER = "x-forms"
FORMS_FIELD = "forms"
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
PUBLIC = (f"{api.ROOT}/openapi.json", "/login", "/language", "/static/")
"""Paths that anybody may ask: they tell nothing of this appliance."""

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with none, a browser would not say either which page a form came from
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
"""Of every answer that says nothing else."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: recognised by a token, a session or a certificate."""

    known: Known
    session: Session | None = None
    cookie: str = ""


class Doorway:
    """The outermost part of the application. `wall` gives seconds since 1970, `clock` those that only go on."""

    def __init__(
        self,
        app: ASGIApp,
        credentials: Credentials,
        sessions: Sessions,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._credentials = credentials
        self._sessions = sessions
        self._wall = wall
        self._sources = Paces(pace.PER_SOURCE, clock)
        self._names = Paces(pace.PER_NAME, clock)
        self._changes = Paces(pace.CHANGES, clock)
        self._failures = Paces(pace.FAILURES, clock)
        self._contents = asyncio.Semaphore(CONTENTS_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = _guarded(send)
        try:
            await self._enter(scope, receive, guarded)
        except RefusedError as error:
            await answers.refused(Request(scope), error)(scope, receive, guarded)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, source = Headers(scope=scope), _source(scope)
        _paced(self._sources.take(source))
        public = scope["path"].startswith(PUBLIC)
        visitor = None
        try:
            visitor = self._visitor(scope, headers, source)
        except UnknownError:
            if not public:
                raise
        if visitor is None and not public:
            raise UnknownError("say who asks: with `Authorization: Bearer vdx_...`, a client certificate, or the page")
        changes = scope["method"] not in SAFE
        if visitor is not None:
            _paced(self._names.take(visitor.known.principal.name))
            if changes:
                _paced(self._changes.take(visitor.known.principal.name))
        if changes and "authorization" not in headers:
            _same_origin(headers)
        scope["visitor"] = visitor
        scope["failures"] = lambda: _paced(self._failures.take(source))
        content = visitor is not None and scope["path"] in CONTENT_PATHS
        update = visitor is not None and (scope["method"], scope["path"]) == UPDATE
        limit = MAX_UPDATE if update else MAX_CONTENT if content else MAX_BODY
        stated = headers.get("content-length", "0")
        if not stated.isdecimal() or int(stated) > limit:
            raise LargeError(f"such a request has at most {limit} octets")
        if update:
            _of_session(scope, headers)
            await self._app(scope, _paced_body(receive, limit), send)
        elif content:
            async with self._contents:
                await self._whole(scope, receive, send, limit)
        else:
            await self._whole(scope, receive, send, limit)

    async def _whole(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        """Read the body, which the rest finds in one piece."""
        kept = await _body(receive, limit)
        if kept is None:
            return
        _of_session(scope, Headers(scope=scope))
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": kept, "more_body": False}

        await self._app(scope, replay, send)

    def _visitor(self, scope: Scope, headers: Headers, source: str) -> Visitor | None:
        try:
            return self._recognised(scope, headers, source)
        except SetupError as error:
            log.error("credentials.unreadable: %s", error)  # noqa: TRY400 - a sentence
            raise AwayError("the file of credentials cannot be read: the log on the appliance says why") from error

    def _recognised(self, scope: Scope, headers: Headers, source: str) -> Visitor | None:
        now = self._wall()
        given = headers.get("authorization")
        if given is not None:
            _paced(self._failures.wait(source))
            scheme, _, token = given.partition(" ")
            known = self._credentials.token(token.strip(), now) if scheme.lower() == "bearer" else None
            if known is None:
                _paced(self._failures.take(source))
                log.warning("token.refused source=%s", source)
                raise UnknownError("this token is unknown, over or was taken back: `gatewayd-web token` makes one")
            return Visitor(known)
        value = cookies(headers).get(COOKIE, "")
        session = self._sessions.find(value, touch="x-live" not in headers) if value else None
        if session is not None:
            known = self._credentials.still(session.by, now)
            if known is not None:
                return Visitor(known, session, value)
            self._sessions.end(value)
        names = scope.get("client_names", ())
        known = self._credentials.certificate(names) if names else None
        return Visitor(known) if known else None


def cookies(headers: Headers) -> dict[str, str]:
    """Give the cookies of a request; none where they cannot be read."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _of_session(scope: Scope, headers: Headers) -> None:
    """Raise `ForgedError` where a session asks the API for a change without its secret."""
    visitor: Visitor | None = scope["visitor"]
    if visitor and visitor.session and scope["path"].startswith(api.ROOT) and scope["method"] not in SAFE:
        check_forms(visitor.session, headers.get(FORMS_HEADER, ""))


def check_forms(session: Session, given: str) -> None:
    """Raise `ForgedError` where a change does not carry the secret of its session."""
    if not hmac.compare_digest(session.forms.encode(), given.encode()):
        raise ForgedError("this form is of another session: load the page again")


def _same_origin(headers: Headers) -> None:
    """Raise `ForgedError` for what a browser says was sent by another page; programs say nothing of it."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForgedError("this was sent by a page of another site")
    origin = headers.get("origin")
    if origin is not None and origin != f"https://{headers.get('host', '')}":
        raise ForgedError("this was sent by a page of another site")


def _paced(seconds: float) -> None:
    if seconds:
        raise OftenError("too many requests: wait a little", seconds)


def _source(scope: Scope) -> str:
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return str(host)
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


async def _body(receive: Receive, limit: int) -> bytes | None:
    kept = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None  # gone before it was said
                kept += message.get("body", b"")
                if len(kept) > limit:
                    raise LargeError(f"such a request has at most {limit} octets")
                if not message.get("more_body", False):
                    return bytes(kept)
    except TimeoutError:
        raise SlowError(f"the request did not come within {BODY_SECONDS:.0f} s") from None


def _paced_body(receive: Receive, limit: int) -> Receive:
    """Hand on a body part by part: none may be late, and all together not larger than the limit."""
    left = limit

    async def part() -> Message:
        nonlocal left
        try:
            async with asyncio.timeout(BODY_SECONDS):
                message = await receive()
        except TimeoutError:
            raise SlowError(f"nothing of the request came for {BODY_SECONDS:.0f} s") from None
        left -= len(message.get("body", b""))
        if left < 0:
            raise LargeError(f"such a request has at most {limit} octets")
        return message

    return part


def _guarded(send: Send) -> Send:
    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            written = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                written.setdefault(name, value)
        await send(message)

    return marked


def visitor(request: Request) -> Visitor:
    """Give who asks; raises `UnknownError` where nobody knows."""
    found: Any = request.scope.get("visitor")
    if not isinstance(found, Visitor):
        raise UnknownError("say who asks")
    return found
