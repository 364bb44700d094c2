"""Every error as the body that clients know; nothing a client sends makes a 500, and no answer tells of our inside."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from hub.api.answers import HAL, time_text
from hub.api.values import YEAR_FAULT
from hub.errors import AwayError, Code, HubError, UnauthenticatedError
from hub.web import pages

RETRY_SECONDS = 2
"""After what time a request is worth sending again when the database was away."""

APIS = ("/v2/", "/services/", "/apikey/", "/sms/")
"""What paths for programs begin with."""

log = logging.getLogger("hub.api")


def install(app: FastAPI) -> None:
    """Answer the errors of every operation."""
    app.add_exception_handler(HubError, _hub_error)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _fault)


async def _hub_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)  # noqa: S101 - registered for it
    if isinstance(error, UnauthenticatedError):
        return Response(status_code=401, headers={"www-authenticate": "Bearer"})
    response = body(request, error.status, str(error), error.code)
    if isinstance(error, AwayError):
        response.headers["retry-after"] = str(RETRY_SECONDS)
    return response


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    faults = error.errors()
    if any(each["type"] == YEAR_FAULT for each in faults):
        return body(request, 400, Code.YEAR.sentence, Code.YEAR.number)
    texts = sorted({_fault_text(each["loc"], each["msg"]) for each in faults})
    return body(request, 400, ", ".join(texts), Code.INPUT.number)


def _fault_text(place: tuple[str | int, ...], message: str) -> str:
    field = ".".join(str(step) for step in place if step not in {"body", "query", "path"}) or "body"
    return f"{field}: {message}"


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    if _for_people(request):
        return pages.page(request, "refused", status=error.status_code, fault=pages.word(request, "no_page"))
    response = body(request, error.status_code, str(error.detail), Code.BASIC.number)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["allow"] = ", ".join(sorted(_methods(request)))
    return response


def _for_people(request: Request) -> bool:
    """Tell whether a browser asked, for anything but the API."""
    wanted = "text/html" in request.headers.get("accept", "")
    return wanted and not request.scope["path"].startswith(APIS)


def _methods(request: Request) -> set[str]:
    """Collect what the path can be asked: the framework names only the first route that has it."""
    paths = request.app.openapi()["paths"]
    path = request.scope["path"]
    fitting = [path] if path in paths else [each for each in paths if compile_path(each)[0].match(path)]
    return {method.upper() for each in fitting for method in paths[each]}


async def _fault(request: Request, error: Exception) -> Response:
    log.error("request.failed method=%s path=%s", request.method, request.url.path, exc_info=error)
    return body(request, 500, Code.BASIC.sentence, Code.BASIC.number)


def body(request: Request, status: int, sentence: str, code: int) -> Response:
    """Answer an error in the form of the API that was asked; in the video API the code is a text."""
    if request.scope["path"].startswith("/services/"):
        return _of_organisations(request, status, sentence)
    written = {
        "timestamp": time_text(datetime.now(UTC)),
        "status": status,
        "error": HTTPStatus(status).phrase,
        "path": request.url.path,
        "detailed_error": sentence,
        "detailed_error_code": str(code),
    }
    return Response(msgspec.json.encode(written), status, media_type=HAL)


def _of_organisations(request: Request, status: int, sentence: str) -> Response:
    written = {
        "error": sentence,
        "path": request.url.path,
        "status": status,
        "status_text": HTTPStatus(status).phrase,
        "timestamp": time_text(datetime.now(UTC)),
    }
    return Response(msgspec.json.encode(written), status, media_type=HAL)
