"""The API: each route of `vdx.api` as a path, and agreements as forms and tables beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request
from starlette.responses import Response

from gatewayd.web import agreements, answers, doorway, machine
from gatewayd.web.agreements import FORMS, Brought, Demand, Export, Reply
from gatewayd.web.asking import Asker
from gatewayd.web.errors import RefusedError
from gatewayd.web.gateway import Gateway
from vdx import api, versions
from vdx.api import Route
from vdx.management import Look, SeeMachine, TendMachine
from vdx.metrics import MetricText

Do = Callable[[Asker, Any], Awaitable[msgspec.Struct | Response]]
Pour = Callable[[Asker, Any, AsyncIterator[bytes]], Awaitable[msgspec.Struct]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A route and what is done for it; None: its message is asked as it is. `pour`: the body is taken as it comes."""

    route: Route
    do: Do | None = None
    pour: Pour | None = None


async def _export(asker: Asker, request: Export) -> Response:
    text, media = await agreements.export(asker, request)
    return Response(text, media_type=media)


async def _metrics(asker: Asker, request: Look) -> Response:
    found = await asker.get(request, MetricText)
    return Response(found.text, media_type="text/plain; version=0.0.4")


_BUNDLE: Final = {"deed": "support-bundle"}

OPERATIONS: Final = (
    *(Operation(route) for route in api.ROUTES),
    Operation(Route("GET", "/metrics", Look, msgspec.Struct, {"what": "metrics"}, media="text/plain"), _metrics),
    Operation(Route("GET", "/machine", SeeMachine, machine.MachineVersions, {"what": "versions"}), machine.see),
    Operation(Route("GET", "/machine/doctor", SeeMachine, machine.Findings, {"what": "doctor"}), machine.see),
    Operation(
        Route("GET", "/machine/support-bundle", TendMachine, msgspec.Struct, _BUNDLE, media="application/gzip"),
        machine.tend,
    ),
    Operation(
        Route("PUT", "/machine/update", TendMachine, machine.Said, {"deed": "update"}, media="octets"),
        pour=machine.pour,
    ),
    Operation(Route("POST", "/machine/rollback", TendMachine, machine.Said, {"deed": "rollback"}), machine.tend),
    Operation(Route("POST", "/machine/restart", TendMachine, machine.Said, {"deed": "restart"}), machine.tend),
    Operation(Route("POST", "/agreements", Demand, versions.Candidate), agreements.demand),
    Operation(Route("POST", "/agreements/{name}/{verdict}", Reply, versions.Candidate), agreements.reply),
    Operation(Route("GET", "/agreements/export", Export, msgspec.Struct, media="text/csv"), _export),
    Operation(Route("POST", "/agreements/import", Brought, versions.Candidate, media="raw"), agreements.bring),
)
"""Everything that may be asked. `raw`: the body is a table, `octets`: an update; the rest is said in the query."""


def install(app: FastAPI, gateway: Gateway) -> None:
    """Serve every operation."""
    for each in sorted(OPERATIONS, key=lambda one: "{" in one.route.path):  # what is named goes before what is any
        app.add_api_route(
            api.ROOT + each.route.path, _endpoint(each, gateway), methods=[each.route.method], include_in_schema=False
        )


def _endpoint(operation: Operation, gateway: Gateway) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        asker = Asker(gateway, doorway.visitor(request).known.principal)
        said = await _said(request, operation.route)
        found: msgspec.Struct | Response
        if operation.pour is not None:
            found = await operation.pour(asker, said, request.stream())
        elif operation.do is None:
            found = await asker.ask(said)
        else:
            found = await operation.do(asker, said)
        return found if isinstance(found, Response) else answers.message(found)

    return endpoint


async def _said(request: Request, route: Route) -> Any:  # noqa: ANN401 - the message of the route
    """Read the message of a request; raises `RefusedError` that names the field."""
    if len(request.query_params.multi_items()) != len(request.query_params):
        raise RefusedError("a parameter of the query stands twice")
    if route.media == "raw":
        return _inexact(request, route, {"table": await _text(request), "form": _form(request)})
    if route.method in {"GET", "DELETE"} or route.media == "octets":
        return _inexact(request, route, {})
    return _exact(request, route, await request.body())


def _inexact(request: Request, route: Route, more: dict[str, Any]) -> Any:  # noqa: ANN401 - the message of the route
    """Read what is said in path and query, where everything is text."""
    said = {**request.query_params, **request.path_params}
    found = _message(route, {**said, **route.fixed, **more}, strict=False)
    for name in said:
        if getattr(found, name) is None:
            raise RefusedError(f"`{name}` is nothing: leave it out")
    return found


def _exact(request: Request, route: Route, body: bytes) -> Any:  # noqa: ANN401 - the message of the route
    """Read what is said in path and body."""
    if request.query_params:
        raise RefusedError("this takes what it needs to know in its body, not in the query")
    try:
        given = msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(f"the body is no JSON object: {error}") from error
    if body and request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RefusedError("the body has to be application/json, and say so in `Content-Type`")
    for name, value in request.path_params.items():
        if name in given:
            raise RefusedError(f"`{name}` stands in the path already")
        given[name] = int(value) if value.isdecimal() and name == "number" else value
    return _message(route, {**given, **route.fixed}, strict=True)


def _message(route: Route, fields: dict[str, Any], *, strict: bool) -> Any:  # noqa: ANN401 - the message of the route
    if hidden := fields.keys() & api.HIDDEN:
        raise RefusedError(f"`{min(hidden)}` is not said by a request")
    known = {each.name for each in msgspec.structs.fields(route.message)}
    if unknown := fields.keys() - known:
        raise RefusedError(f"`{min(unknown)[:40]}` is nothing that this takes")
    if "id" in known:
        fields["id"] = 1
    try:
        return msgspec.convert(fields, route.message, strict=strict)
    except msgspec.ValidationError as error:
        raise RefusedError(str(error)) from error


async def _text(request: Request) -> str:
    try:
        return (await request.body()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError("the table is not UTF-8: save it as CSV UTF-8") from error


def _form(request: Request) -> str:
    media = request.headers.get("content-type", "").partition(";")[0].strip()
    if media not in FORMS:
        raise RefusedError(f"a table is {' or '.join(FORMS)}: say which in `Content-Type`")
    return media
