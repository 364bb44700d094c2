"""The application: operations, errors and what happens around them, put together."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.responses import JSONResponse

from hub.api import refusals
from hub.api.answers import HAL
from hub.api.context import Hub
from hub.api.health import routes as health
from hub.api.history import routes as history
from hub.api.invitations import routes as invitations
from hub.api.metrics import Metered
from hub.api.middleware import Bounded, Origins, Plain
from hub.api.old import routes as old
from hub.api.organisation import classes, keys, oversight
from hub.api.organisation import routes as organisations
from hub.api.standing import routes as standing
from hub.api.v2 import meetings, rooms, templates
from hub.people import guard
from hub.people import routes as people
from hub.web import keeping, links, reports
from hub.web import routes as web


class HalResponse(JSONResponse):
    """What every answer is; handlers have written it already."""

    media_type = HAL


def build(hub: Hub, version: str) -> FastAPI:
    """Put the application together."""
    settings = hub.office.settings
    app = FastAPI(
        title="Video API",
        version=version,
        description="Meetings, their rooms and the templates that rooms are made from.",
        root_path=settings.base_path,
        default_response_class=HalResponse,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v2/openapi.json",
        separate_input_output_schemas=False,
    )
    app.state.hub = hub
    refusals.install(app)
    guard.install(app)
    video = meetings, rooms, templates
    ours = keys, classes, oversight, standing, invitations, organisations, history, health
    for each in (*video, *ours, people, web, keeping, reports, links, old):
        app.include_router(each.router)
    app.add_middleware(Bounded)
    app.add_middleware(Plain, header=settings.correlation_header)
    app.add_middleware(Origins, origins=settings.origins)
    app.add_middleware(Metered)
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """Say in the OpenAPI document what FastAPI does not know: the bearer token, and our form of refused input."""
    written = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = written()
            schema["components"]["securitySchemes"] = {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            }
            schema["security"] = [{"bearer": []}]
            for path in schema["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
            for unused in ("HTTPValidationError", "ValidationError"):
                schema["components"]["schemas"].pop(unused, None)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the way FastAPI documents
