"""The application: API, page and what every request passes, put together."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from gatewayd.web import answers, document, operations
from gatewayd.web.credentials import Credentials
from gatewayd.web.doorway import Doorway
from gatewayd.web.gateway import Gateway
from gatewayd.web.page import views
from gatewayd.web.sessions import Sessions
from vdx import api


def build(
    gateway: Gateway,
    credentials: Credentials,
    version: str,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
) -> FastAPI:
    """Put it together; `clock` only goes on, `wall` is the date, both in seconds."""
    sessions = Sessions(clock)
    app = FastAPI(
        title="Management of the edge",
        version=version,
        openapi_url=f"{api.ROOT}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    answers.install(app)
    operations.install(app, gateway)
    views.install(app, gateway, credentials, sessions, wall)
    app.add_middleware(Doorway, credentials=credentials, sessions=sessions, clock=clock, wall=wall)

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document.document(version)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # the way FastAPI documents
    return app
