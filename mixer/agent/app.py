"""The program: configuration, prompts, workers, sockets, bus and orders, wired together."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

from b2bua.transport import Credentials, Listener, Shell
from b2bua.transport.limits import CREDENTIALS_SECONDS
from mixer import calibration
from mixer.agent import orders, workers
from mixer.agent.config import Config, Sip
from mixer.agent.directory import Directory, load, read_key
from mixer.agent.floors import Floors
from mixer.agent.focus import ZONE
from mixer.agent.node import Alone, Membership
from mixer.agent.probing import Prober
from mixer.agent.server import Server
from mixer.agent.workers import Pool
from mixer.errors import ConfigError
from mixer.prompts import build
from vdx import ports, wire
from vdx.control import ListenerTls, SipListener
from vdx.errors import VdxError
from vdx.journal import fields
from vdx.meetings import (
    Denied,
    ListRooms,
    LocalOrder,
    OrderAnswer,
    Reload,
    Reloaded,
    ShowRoster,
    ShowStatus,
    SnapshotTaken,
    Steer,
    Steered,
    TakeSnapshot,
)
from vdx.parts import end, until_stopped
from vdx.service import feed_watchdog, tell

log = logging.getLogger("mixer")

SOCKET = "mixer.sock"
"""In the run directory; `mixerctl` connects to it."""

OrderCodec: wire.Codec[LocalOrder] = wire.Codec(LocalOrder)


async def run(read: Callable[[], Config]) -> None:
    """Serve until SIGTERM; `read` gives the configuration. Raises `VdxError` where it cannot start."""
    config = await asyncio.to_thread(read)
    key = await asyncio.to_thread(read_key, config.pins)
    prompts = await asyncio.to_thread(build, config.cache_dir)
    directory = Directory(await asyncio.to_thread(load, config.rooms, key))
    capacity = config.capacity * ports.PORT or calibration.known(config.state_dir)
    for folder in (config.run_dir, config.state_dir):
        folder.mkdir(parents=True, exist_ok=True)
    pool = Pool(workers.beginning(config.workers), config.workers.ready)
    place = Membership(config, directory) if config.bus is not None else Alone()
    server = Server(config, directory, pool, prompts, place, key, capacity)
    credentials = Credentials()
    shell = Shell(server.focus, server.focus.settle, credentials)
    server.focus.flush = shell.flush
    if errors := await asyncio.to_thread(credentials.prepare, [_tls(sip) for sip in config.sip], ()):
        raise ConfigError("; ".join(errors))
    credentials.activate()
    await shell.open([Listener(ZONE, sip.transport, sip.address, sip.port) for sip in config.sip])
    floors = Floors()
    await floors.listen(config.media.address, config.media.floor)
    server.watchers.append(floors)
    desk = Desk(server, _spool(config), read)
    socket = await wire.serve(config.run_dir / SOCKET, OrderCodec, desk.serve, mode=0o660)

    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    parts: list[Coroutine[object, object, None]] = [pool.run(), feed_watchdog(), _watch(credentials)]
    if isinstance(place, Membership):
        place.room_changed, place.room_gone = server.record_changed, server.record_gone
        place.answer(desk.steer, Prober(server).probe)
        parts.append(place.run(lambda: (server.capacity, server.used, len(server.meetings.running), server.draining)))
    tasks = [asyncio.create_task(part) for part in parts]
    tell("READY=1")
    log.info("mixer.ready")
    try:
        await until_stopped(stop, tasks)
    finally:
        tell("STOPPING=1")
        socket.close()
        await server.close()
        shell.flush()
        await asyncio.sleep(0)
        await end(tasks)
        await floors.close()
        await shell.close()


class Desk:
    """Where orders come in; workers write pictures to `spool`, `read` gives the configuration as it is now."""

    def __init__(self, server: Server, spool: Path, read: Callable[[], Config]) -> None:
        self._server = server
        self._spool = spool
        self._read = read

    async def serve(self, connection: wire.Connection[LocalOrder]) -> None:
        """Answer one connection of the UNIX socket, order by order."""
        try:
            async for order in connection:
                connection.send(await self._do(order))
        except wire.WireError as error:
            connection.send(Denied(str(error)))

    async def steer(self, asked: Steer) -> Steered:
        """Answer an order of the bus; files of this server are nobody's there."""
        if isinstance(asked.order, TakeSnapshot):
            return Steered(Denied("a snapshot is taken by `mixerctl` on the server itself"))
        return Steered(await self._do(asked.order))

    async def _do(self, order: LocalOrder) -> OrderAnswer:
        level = logging.DEBUG if isinstance(order, ListRooms | ShowRoster | ShowStatus) else logging.INFO
        log.log(level, "order.came", extra=fields(order=type(order).__name__, room=getattr(order, "room", None)))
        if isinstance(order, TakeSnapshot):
            return await self._snapshot(order)
        if isinstance(order, Reload):
            return await self._reload()
        return orders.carry_out(self._server, order, time.time())

    async def _snapshot(self, order: TakeSnapshot) -> OrderAnswer:
        try:
            meeting = self._server.meetings.get(order.room)
            path = self._spool / f"{meeting.key}.png"
            await meeting.snapshot(path)
        except VdxError as error:
            return Denied(str(error))
        return SnapshotTaken(str(path))

    async def _reload(self) -> OrderAnswer:
        try:
            return Reloaded(self._server.reload(await asyncio.to_thread(self._read)))
        except VdxError as error:
            return Denied(str(error))


def _spool(config: Config) -> Path:
    """Make the folder that workers write to, whoever they run as."""
    folder = config.run_dir / "pictures"
    folder.mkdir(mode=0o750, exist_ok=True)
    if config.workers.user and os.geteuid() == 0:
        shutil.chown(folder, config.workers.user)
    config.run_dir.chmod(0o711)
    return folder


def _tls(sip: Sip) -> SipListener:
    tls = None
    if sip.transport == "tls":
        tls = ListenerTls(((sip.certificate, sip.key),), sip.trust, clients="required")
    return SipListener(ZONE, sip.transport, sip.address, sip.port, sip.address, sip.port, tls=tls)


async def _watch(credentials: Credentials) -> None:
    while True:
        await asyncio.sleep(CREDENTIALS_SECONDS)
        await asyncio.to_thread(credentials.refresh)
