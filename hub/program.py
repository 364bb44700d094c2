"""The hub's programs, wired: the API, and the provisioner that makes its rooms."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
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
from hub.errors import SettingsError
from hub.people import provider
from hub.provision import duty
from hub.provision.pools import Pools
from hub.provision.reconciler import Reconciler
from hub.provision.relay import Relay
from hub.provision.standing import Standing
from hub.settings import Settings
from hub.store import schema
from hub.store.database import Database
from hub.tokens import issuer
from hub.tokens.bearer import Bearer
from hub.tokens.keys import Keys
from vdx import service
from vdx.bus import Address, Bucket, Bus
from vdx.rooms import MIN_KEY, ROOMS

log = logging.getLogger("hub")

CONFIG = "VDX_HUB_CONFIG"
"""The variable that names the configuration to the worker processes."""


def wire(configured: Settings) -> FastAPI:
    """Wire the parts of one process."""
    database = Database(configured.database)
    office = Office(configured)
    bearer = Bearer(configured.tokens, Keys(configured.tokens.keys, time.monotonic), time.time)
    version = metadata.version("vdx")
    people = provider.entrance(configured, time.monotonic, time.time)
    app = api.build(Hub(database, office, bearer.caller, {"version": version}, people), version)

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
    """Bring the database up to date before workers start; raises `AwayError`, `SettingsError`."""
    issuer.prepare(configured.tokens)
    if configured.tokens.issuer_key is not None:
        log.warning("issuer.builtin: tokens of the built-in issuer count; in production set tokens.jwks in its place")

    async def run() -> None:
        database = Database(configured.database, patient=True)
        try:
            await schema.upgrade(database)
        finally:
            await database.close()

    asyncio.run(run())


async def provision(configured: Settings) -> None:
    """Make and remove rooms until told to end; raises `SettingsError` where there is no bus to make them on."""
    if configured.bus is None:
        raise SettingsError("`bus` is not set: without it rooms are made by whoever fetches them from the API")
    key = _key(configured.bus.pin_key)
    database, office = Database(configured.database), Office(configured)
    bus = Bus(Address(configured.bus.servers, configured.bus.name, configured.bus.credentials, configured.bus.trust))
    rooms = Bucket(bus, ROOMS)
    reconciler = Reconciler(database, office, rooms, key)
    relay = Relay(database, bus, configured.bus.name, reconciler.follow)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    rounds = (Pools(database, office).round, relay.round, reconciler.round, Standing(database, rooms, key).round)
    tasks = [asyncio.ensure_future(work) for work in (bus.run(), duty.run_forever(*rounds))]
    service.tell("READY=1")
    stopped = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (stopped, *tasks):
        task.cancel()
    await asyncio.gather(stopped, *tasks, return_exceptions=True)
    await database.close()
    for task in done - {stopped}:
        task.result()  # a part that ended by an error ends the program: systemd starts it anew


def _key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"bus.pin_key: {path}: {error.strerror}") from error
    if len(key) < MIN_KEY:
        raise SettingsError(f"bus.pin_key: {path} has {len(key)} bytes, it needs {MIN_KEY}: make it with openssl rand")
    return key
