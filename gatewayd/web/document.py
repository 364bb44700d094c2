"""The OpenAPI document: made from the messages themselves, so that it cannot say anything else."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

import msgspec

from gatewayd.web.operations import OPERATIONS
from vdx import api
from vdx.api import Problem, Route

FAILURES: Final = {
    "401": "Nobody knows who asks.",
    "403": "This one may not ask for it.",
    "404": "There is nothing of that name or number.",
    "408": "The request did not come to its end.",
    "409": "Another content runs than was expected, or one waits to be confirmed; `running` says which.",
    "413": "The request is too large.",
    "422": "The request, or the content, has faults.",
    "423": "Changes are frozen, or this is no change window.",
    "428": "Another person has to approve it first.",
    "429": "Too many requests.",
    "502": "Kernel or b2bua refused; what ran runs on.",
    "503": "gatewayd or b2bua cannot be asked.",
    "507": "The disk is full or read-only; what ran runs on.",
}

_REF: Final = "#/components/schemas/{name}"


def document(version: str) -> dict[str, Any]:
    """Give the document."""
    bodies = {each.route: _body(each.route) for each in OPERATIONS}
    answers = [each.route.answer for each in OPERATIONS if each.route.answer is not msgspec.Struct]
    typed = [*dict.fromkeys(answers), *(body for body in bodies.values() if body), Problem]
    refs, components = msgspec.json.schema_components(typed, ref_template=_REF)
    schemas = dict(zip(typed, refs, strict=True))
    said = {body.__name__ for body in bodies.values() if body}
    for name, schema in components.items():
        if name not in said | {"Problem"}:
            _answered(schema)
    paths: dict[str, Any] = {}
    for each in OPERATIONS:
        route = each.route
        body = bodies[route]
        operation: dict[str, Any] = {
            "operationId": _name(route),
            "summary": (route.message.__doc__ or "").split(" -> ")[0].split("\n")[0].rstrip("."),
            "parameters": [*_in_path(route), *(() if body else _in_query(route))],
            "responses": {"200": _ok(route, schemas), **_failures()},
        }
        if body:
            needed = any(field.required for field in route.said)
            content = {"application/json": {"schema": schemas[body]}}
            operation["requestBody"] = {"required": needed, "content": content}
        if route.media == "raw":
            text = {"schema": {"type": "string"}}
            tables = {"schema": {"type": "object"}}
            operation["requestBody"] = {"required": True, "content": {"text/csv": text, "application/json": tables}}
        if route.media == "octets":
            octets = {"schema": {"type": "string", "format": "binary"}}
            operation["requestBody"] = {"required": True, "content": {"application/octet-stream": octets}}
        paths.setdefault(api.ROOT + route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Management of the edge",
            "version": version,
            "description": "Candidates, versions, agreements and the state of one appliance.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}, "certificate": {"type": "mutualTLS"}},
        },
        "security": [{"bearer": []}, {"certificate": []}],
    }


def _name(route: Route) -> str:
    words = [word for word in re.split(r"[^a-z]+", route.path) if word]
    return "-".join([route.method.lower(), *words])


def _body(route: Route) -> type[msgspec.Struct] | None:
    """Make the type of what a request carries, None where it carries nothing."""
    if route.method in {"GET", "DELETE"} or route.media in {"raw", "octets"}:
        return None
    fields: list[Any] = []
    for each in route.said:
        default = each.default if each.default_factory is msgspec.NODEFAULT else msgspec.field(default_factory=dict)
        fields.append((each.name, each.type) if each.required else (each.name, each.type, default))
    return _made(route.message, tuple(fields))


@cache
def _made(message: type[msgspec.Struct], fields: tuple[Any, ...]) -> type[msgspec.Struct]:
    """Make it once: several paths may stand for one message, and a name is that of one type."""
    made = msgspec.defstruct(f"{message.__name__}Request", fields, kw_only=True, forbid_unknown_fields=True)
    made.__doc__ = message.__doc__
    return made


def _in_path(route: Route) -> list[dict[str, Any]]:
    types = {each.name: each.type for each in msgspec.structs.fields(route.message)}
    return [{"name": name, "in": "path", "required": True, "schema": _plain(types[name])} for name in route.in_path]


def _in_query(route: Route) -> list[dict[str, Any]]:
    shown = [each for each in route.said if each.name not in {"table", "form"}]
    return [
        {"name": each.name, "in": "query", "required": each.required, "schema": _plain(each.type)} for each in shown
    ]


def _plain(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a type
    """Give the schema of a parameter: one that may be None is left out instead."""
    found: dict[str, Any] = msgspec.json.schema(kind)
    options = [each for each in found.get("anyOf", ()) if each != {"type": "null"}]
    return options[0] if len(options) == 1 else found


def _answered(schema: dict[str, Any]) -> None:
    """Say that an answer has every field but the number of its question."""
    if schema.get("type") != "object" or "properties" not in schema:
        return
    if "op" in schema["properties"]:
        schema["properties"].pop("id", None)
    schema["required"] = list(schema["properties"])
    for each in schema["properties"].values():
        each.pop("default", None)


def _ok(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if route.answer is not msgspec.Struct:
        content["application/json"] = {"schema": schemas[route.answer]}
    else:
        content[route.media] = {"schema": {"type": "string"}}
        if route.media == "text/csv":  # as a table, or all tables at once
            content["application/json"] = {"schema": {"type": "object"}}
    return {"description": "It is done, or this is what was asked for.", "content": content}


def _failures() -> dict[str, Any]:
    schema = {"application/json": {"schema": {"$ref": _REF.format(name="Problem")}}}
    return {status: {"description": text, "content": schema} for status, text in FAILURES.items()}
