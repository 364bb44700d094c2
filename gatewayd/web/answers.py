"""Answers of the API: messages as JSON, and what was refused or declined as a problem with its status."""

from __future__ import annotations

import logging
import math
from http import HTTPStatus

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from gatewayd.web.errors import OftenError, RefusedError, UnknownError
from vdx import api
from vdx.api import Problem
from vdx.errors import VdxError
from vdx.management import Look
from vdx.pinhole import Refused
from vdx.versions import DECLINED_STATUS, Declined

log = logging.getLogger(__name__)


class DeclinedError(VdxError):
    """`gatewayd` did nothing: the status and problem of its answer."""

    def __init__(self, status: int, told: Problem) -> None:
        super().__init__("\n".join(told.reasons))
        self.status = status
        self.told = told


def accepted(request: msgspec.Struct, answer: msgspec.Struct) -> msgspec.Struct:
    """Give an answer of `gatewayd` that is one; raises `DeclinedError`."""
    if isinstance(answer, Declined):
        raise DeclinedError(DECLINED_STATUS[answer.code], Problem(answer.code, answer.reasons, answer.running))
    if isinstance(answer, Refused):
        away = answer.code == "unknown" and isinstance(request, Look)  # b2bua is not there to be asked
        raise DeclinedError(503 if away else api.REFUSED_STATUS[answer.code], Problem(answer.code, (answer.reason,)))
    return answer


def message(answer: msgspec.Struct) -> Response:
    """Answer with a message."""
    return Response(msgspec.json.encode(api.told(answer)), media_type="application/json")


def problem(status: int, told: Problem) -> Response:
    """Answer with a problem."""
    return Response(msgspec.json.encode(told), status, media_type="application/json")


def refused(request: Request, error: RefusedError) -> Response:
    """Answer what was refused here; a page that needs to know who asks leads to where one says so."""
    called = request.url.path.startswith(api.ROOT)
    if isinstance(error, UnknownError) and not called and "x-live" not in request.headers:
        return RedirectResponse("/login", 303)
    response: Response = PlainTextResponse(str(error), error.status)
    if called:
        response = problem(error.status, Problem(error.code, (str(error),)))
    if isinstance(error, UnknownError):
        response.headers["www-authenticate"] = "Bearer"
    if isinstance(error, OftenError):
        response.headers["retry-after"] = str(math.ceil(error.seconds))
    return response


def _methods(request: Request) -> set[str]:
    """Collect what a path can be asked: the framework names only the first route that has it."""
    routes = [each for each in request.app.routes if isinstance(each, Route)]
    fitting = [each for each in routes if each.path_regex.match(request.url.path)]
    named = [each for each in fitting if "{" not in each.path] or fitting  # what is named goes before what is any
    return {method for each in named for method in each.methods or ()}


def install(app: FastAPI) -> None:
    """Answer the errors of every operation."""

    async def declined(_: Request, error: Exception) -> Response:
        assert isinstance(error, DeclinedError)  # noqa: S101 - registered for it
        return problem(error.status, error.told)

    async def refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)  # noqa: S101 - registered for it
        return refused(request, error)

    async def sentence(_: Request, error: Exception) -> Response:
        return problem(422, Problem("invalid", tuple(str(error).splitlines())))

    async def odd(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
        response = problem(error.status_code, Problem("invalid", (str(error.detail),)))
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["allow"] = ", ".join(sorted(_methods(request)))
        return response

    async def fault(request: Request, error: Exception) -> Response:
        log.error("request.failed method=%s path=%s", request.method, request.url.path, exc_info=error)
        return problem(500, Problem("fault", ("this is a fault of gatewayd-web: its log says more",)))

    app.add_exception_handler(DeclinedError, declined)
    app.add_exception_handler(RefusedError, refusal)
    app.add_exception_handler(VdxError, sentence)
    app.add_exception_handler(RequestValidationError, sentence)
    app.add_exception_handler(HTTPException, odd)
    app.add_exception_handler(Exception, fault)
