"""The hub's web program: parts made once, the schema brought up to date, the API served."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path

from fastapi import FastAPI

from hub import settings
from hub.api import app as api
from hub.api.context import Hub
from hub.booking.office import Office
from hub.settings import Settings
from hub.store import schema
from hub.store.database import Database
from hub.tokens.bearer import Bearer
from hub.tokens.keys import Keys

CONFIG = "VDX_HUB_CONFIG"
"""The variable that names the configuration to the worker processes."""


def wire(configured: Settings) -> FastAPI:
    """Wire the parts of one process."""
    database = Database(configured.database)
    office = Office(configured)
    bearer = Bearer(configured.tokens, Keys(configured.tokens.jwks, time.monotonic), time.time)
    version = metadata.version("vdx")
    app = api.build(Hub(database, office, bearer.caller, {"version": version}), version)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await database.close()

    app.router.lifespan_context = lifespan
    return app


def application() -> FastAPI:
    """Make the application of a worker process."""
    return wire(settings.load(Path(os.environ[CONFIG])))


def prepare(configured: Settings) -> None:
    """Bring the database up to date before workers start; raises `AwayError`."""

    async def run() -> None:
        database = Database(configured.database)
        try:
            await schema.upgrade(database)
        finally:
            await database.close()

    asyncio.run(run())
