"""How long it takes from the POST of a meeting that begins now until an edge knows its room."""

from __future__ import annotations

import asyncio
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import yaml
from sqlalchemy import delete, text

from bench.hub.million import POOL
from hub.store.database import Database
from hub.store.tables import outbox
from lab.bus import BusServer
from tests.hub.issuer import Issuer
from tests.hub.running import hub
from vdx.bus import Address, Bus, Put, Watch
from vdx.bus.grants import STREAMS, Role
from vdx.bus.provision import bucket, provision, stream
from vdx.bus.replica import Change
from vdx.nodes import NODES
from vdx.placed import CALLS
from vdx.rooms import ROOMS, Room

PROGRAMS: dict[str, Role] = {"hub": "hub", "edge": "edge"}
PATIENCE_SECONDS = 60.0
APART_SECONDS = 0.1
"""Between two bookings: others of the same second are under way, as in the morning."""


def measure(url: str, rooms: int) -> list[float]:
    """Give the milliseconds of each of `rooms` bookings."""
    issuer = Issuer()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vdx-hub-bench-")))
        server = BusServer(folder / "bus")
        server.prepare(PROGRAMS)
        server.start()
        stack.callback(server.stop)
        asyncio.run(_prepare(url, server))
        (folder / "pin.key").write_bytes(secrets.token_bytes(32))
        told = {"servers": [server.url], "credentials": str(server.secret("hub")), "pin_key": str(folder / "pin.key")}
        others = {"bus": told, "provisioning": {"outside": [POOL]}}
        address = stack.enter_context(hub(url, issuer, folder, 2, **others))
        stack.enter_context(_provisioner(folder))
        return asyncio.run(_book(address, server, issuer, rooms))


async def _prepare(url: str, server: BusServer) -> None:
    """Make buckets and streams; what other measurements left to be told is not part of this one."""
    database = Database(url)
    async with database.write() as connection:
        await connection.execute(delete(outbox))
    async with database.engine.connect() as connection:
        if database.postgresql:
            await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(text("VACUUM outbox"))
    await database.close()
    bus = Bus(Address((server.url,), "hub", server.secret("hub")))
    running = asyncio.create_task(bus.run())
    await asyncio.wait_for(bus.until_connected(), PATIENCE_SECONDS)
    buckets = [bucket(kind, 1) for kind in (ROOMS, NODES, CALLS)]
    await provision(bus, buckets + [stream(name, 1) for name in STREAMS])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@contextmanager
def _provisioner(folder: Path) -> Iterator[None]:
    assert yaml.safe_load((folder / "hub.yaml").read_text())["bus"]  # noqa: S101 - the hub's own file
    command = [sys.executable, "-m", "hub", "provision", "--config", str(folder / "hub.yaml")]
    with (folder / "provision.log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, cwd=Path(__file__).parents[2])
    try:
        yield
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(PATIENCE_SECONDS)


async def _book(address: str, server: BusServer, issuer: Issuer, rooms: int) -> list[float]:
    seen: dict[str, float] = {}

    def told(change: Change[Room]) -> None:
        if isinstance(change, Put):
            seen.setdefault(change.key, time.perf_counter())

    bus = Bus(Address((server.url,), "edge", server.secret("edge")))
    watch = Watch(ROOMS, told=told)
    bus.add(watch)
    running = asyncio.create_task(bus.run())
    await asyncio.wait_for(watch.until_synced(), PATIENCE_SECONDS)
    headers = {"authorization": f"Bearer {issuer.token(['meeting-planner'], 'org-2', 'booker@org-2.example')}"}
    began: dict[str, float] = {}
    async with httpx2.AsyncClient(base_url=address, headers=headers) as client:
        first = await _post(client)
        await _until(lambda: first in seen)  # the provisioner is up and has done what was due before
        for _ in range(rooms):
            at = time.perf_counter()
            began[await _post(client)] = at
            await asyncio.sleep(APART_SECONDS)
    await _until(lambda: began.keys() <= seen.keys())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return [(seen[uuid] - at) * 1e3 for uuid, at in began.items()]


async def _post(client: httpx2.AsyncClient) -> str:
    now = datetime.now(UTC)
    body = {"subject": "Nu", "startTime": now.isoformat(), "endTime": (now + timedelta(hours=1)).isoformat()}
    made = await client.post("/v2/meetings", json=body)
    return str(made.raise_for_status().json()["uuid"])


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110 - told from another task
            await asyncio.sleep(0.01)
