"""What happens around every request: sizes bounded, trailing slashes, origins (CORS), a correlation id."""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.api.refusals import body

MAX_BODY = 256 * 1024
"""Octets of a request: the largest meeting, with every label and piece of information, has 150,000."""

CORRELATION = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Bounded:
    """Refuse bodies that are too large before they are read, and while they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting what it brings."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stated = Headers(scope=scope).get("content-length", "0")
        if not stated.isdecimal() or int(stated) > MAX_BODY:
            await self._refuse(scope, receive, send)
            return
        kept = b""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # gone before it was said
            kept += message.get("body", b"")
            more = message.get("more_body", False)
            if len(kept) > MAX_BODY:
                await self._refuse(scope, receive, send)
                return

        async def whole() -> Message:
            nonlocal more
            if not more:
                more = True
                return {"type": "http.request", "body": kept, "more_body": False}
            return await receive()

        await self._app(scope, whole, send)

    @staticmethod
    async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
        response = body(Request(scope), 413, f"a request has at most {MAX_BODY} octets", 10)
        await response(scope, receive, send)


class Plain:
    """Take paths with a slash at the end as without, and give every request a correlation id."""

    def __init__(self, app: ASGIApp, header: str) -> None:
        self._app = app
        self._header = header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/") or "/"}
        given = Headers(scope=scope).get(self._header, "")
        correlation = given if CORRELATION.fullmatch(given) else uuid.uuid4().hex

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[self._header] = correlation
            await send(message)

        await self._app(scope, receive, named)


class Origins:
    """Let pages of known origins read answers, with credentials; questions from elsewhere are refused (403)."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass the request on and mark its answer."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        if origin is None:
            await self._app(scope, receive, send)
            return
        known = origin in self._origins
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            response: Response = self._preflight(origin, headers) if known else PlainTextResponse("", 403)
            await response(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if known and message["type"] == "http.response.start":
                written = MutableHeaders(scope=message)
                written["access-control-allow-origin"] = origin
                written["access-control-allow-credentials"] = "true"
                written.add_vary_header("Origin")
            await send(message)

        await self._app(scope, receive, marked)

    @staticmethod
    def _preflight(origin: str, headers: Headers) -> Response:
        allowed = {
            "access-control-allow-origin": origin,
            "access-control-allow-methods": headers["access-control-request-method"],
            "access-control-allow-headers": headers.get("access-control-request-headers", ""),
            "access-control-allow-credentials": "true",
            "access-control-max-age": "1800",
            "vary": "Origin",
        }
        return PlainTextResponse("", 200, {name: value for name, value in allowed.items() if value})
