"""The hub's programs, wired: the API, and the provisioner that makes its rooms."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from importlib import metadata
from pathlib import Path

from fastapi import FastAPI

from hub import settings, watched
from hub.api import app as api
from hub.api.context import Hub
from hub.booking import journal as journal_work
from hub.booking import surroundings
from hub.booking.healthcheck import Examiner
from hub.booking.office import Office
from hub.booking.personal import Retention
from hub.booking.trials import Trials
from hub.domain.journal import Verifier
from hub.errors import AwayError, SettingsError
from hub.people import provider
from hub.post.round import Round, carriers
from hub.provision import duty, health, history
from hub.provision.journal import Journal
from hub.provision.pools import Pools
from hub.provision.reconciler import Reconciler
from hub.provision.relay import Relay
from hub.provision.seldom import Seldom
from hub.provision.standing import Standing
from hub.settings import BusAddress, Settings
from hub.store import schema
from hub.store.database import Database
from hub.tokens import issuer
from hub.tokens.bearer import Bearer
from hub.tokens.keys import Keys
from hub.web.live import Presence
from vdx import parts, service
from vdx.bus import Address, Bucket, Bus, Reader, Watch
from vdx.nodes import NODES
from vdx.placed import CALLS
from vdx.quality import QUALITY
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
    bus, presence = _presence(configured.bus) if configured.bus else (None, None)
    app = api.build(Hub(database, office, bearer.caller, {"version": version}, people, presence), version)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with suppress(AwayError):  # requests will say so
            await database.warm()
        _settle(app)
        watching = asyncio.ensure_future(bus.run()) if bus else None
        async with watched.turning():
            yield
        if watching:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        await database.close()

    app.router.lifespan_context = lifespan
    return app


def _settle(app: FastAPI) -> None:
    """Make what is made once before anybody asks, and keep the garbage collector from looking at it ever again.

    A worker holds 200,000 objects from its start. Looking through all of them takes 0.1 s, in which nobody is answered;
    what requests leave behind is some thousands, and no cycles (a test holds them to it).
    """
    app.openapi()
    gc.collect()
    gc.freeze()


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
    """Do the hub's duties until told to end: rooms where there is a bus, messages, the journal, lifetimes."""
    database, office = Database(configured.database), Office(configured)
    journal = Journal(database, office, told=configured.bus is not None)
    seldom = [Seldom(step, office.now) for step in (Trials(database, office).round, Retention(database, office).round)]
    works = [service.feed_watchdog(), duty.run_forever(journal.round, *(each.round for each in seldom))]
    if made := carriers(configured.post):
        works.append(duty.run_forever(Round(database, office, made).round))
    if configured.bus is not None:
        works += _on_the_bus(configured.bus, database, office)
    else:
        works += _health(database, office, None)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tasks = [asyncio.ensure_future(work) for work in works]
    service.tell("READY=1")
    try:
        await parts.until_stopped(stop, tasks)
    finally:
        await parts.end(tasks)
        await database.close()


def _on_the_bus(configured: BusAddress, database: Database, office: Office) -> list[Coroutine[None, None, None]]:
    key = _key(configured.pin_key)
    bus = _bus(configured)
    rooms = Bucket(bus, ROOMS)
    reconciler = Reconciler(database, office, rooms, key)
    relay = Relay(database, bus, configured.name, reconciler.follow)
    past = history.History(database, office.settings.registrar.peer)
    bus.add(Reader(history.RECORDS, history.READER, past.take))
    bus.add(Reader(QUALITY, history.MEDIA_READER, past.take_media))
    rounds = (Pools(database, office).round, relay.round, reconciler.round, Standing(database, rooms, key).round)
    return [bus.run(), duty.run_forever(*rounds), *_health(database, office, bus)]


def _health(database: Database, office: Office, bus: Bus | None) -> list[Coroutine[None, None, None]]:
    settings = office.settings.healthcheck
    if settings is None:
        return []
    dial = None
    if bus is not None:
        nodes = Watch(NODES)
        bus.add(nodes)
        dial = health.Caller(bus, nodes.records).dial
    examiner = Examiner(database, office, settings, dial, beside=surroundings.steps(office.settings))
    schedule = health.Schedule(examiner, settings.every_minutes, office.now)
    return [duty.run_forever(schedule.round)]  # beside the rounds that make the room it waits for


def verify(configured: Settings) -> Verifier:
    """Go through the whole journal; raises `AwayError`."""

    async def run() -> Verifier:
        database = Database(configured.database)
        try:
            return await journal_work.verify(database)
        finally:
            await database.close()

    return asyncio.run(run())


def _bus(configured: BusAddress) -> Bus:
    return Bus(Address(configured.servers, configured.name, configured.credentials, configured.trust))


def _presence(configured: BusAddress) -> tuple[Bus, Presence]:
    """Watch who is in rooms, for the pages."""
    bus, calls = _bus(configured), Watch(CALLS)
    bus.add(calls)
    return bus, Presence(calls)


def _key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"bus.pin_key: {path}: {error.strerror}") from error
    if len(key) < MIN_KEY:
        raise SettingsError(f"bus.pin_key: {path} has {len(key)} bytes, it needs {MIN_KEY}: make it with openssl rand")
    return key
