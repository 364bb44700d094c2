"""Room workers: started before they are needed, one for each room, watched, and let go.

A worker says `Ready` when its media engine is loaded; `Pool.take` gives such a one at once, or waits for the next.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import socket
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from mixer import channel, wire
from mixer.agent.config import Workers
from mixer.errors import WorkerError
from mixer.reports import AgentCodec, Done, Failed, FromWorker, Ready
from vdx.journal import fields
from vdx.wire import WireError

log = logging.getLogger("mixer.workers")

READY_SECONDS = 20.0
"""From the start of a worker to its `Ready`: 0.1 s on an idle server, several on one that starts sixteen."""

COMMAND_SECONDS = 10.0
"""For a command to be carried out: the slowest, a participant with new decoders, takes 20 ms."""

STOP_SECONDS = 5.0
"""For a worker to end by itself; a recording is completed in that time."""

RETRY_SECONDS = 2.0
"""Between attempts to start a worker where the last one failed."""

Heard = Callable[[FromWorker], None]
Died = Callable[[], None]


class Process(Protocol):
    """What runs at the other end."""

    async def wait(self) -> int:
        """Wait for its end; gives its status."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class Connection:
    """A process of a service manager: it lives as long as our connection, and whatever hangs its watchdog ends."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._over = asyncio.Event()

    async def wait(self) -> int:
        """Wait until the connection has ended; how the process did, the journal says."""
        await self._over.wait()
        return 0

    def kill(self) -> None:
        """End the connection."""
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._over.set()


class Worker:
    """One process. `heard` takes what it says, `died` that it has ended unasked; both are set by the room."""

    def __init__(self, process: Process, end: socket.socket) -> None:
        self._process = process
        self.heard: Heard = lambda _: None
        self.died: Died = lambda: None
        self.ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._end = end
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._stopping = False
        asyncio.get_running_loop().add_reader(end, self._readable)
        self._watch = asyncio.create_task(self._watched(), name="worker")
        self.pid = 0
        """The process id, from `Ready` on."""

    @classmethod
    async def start(cls, command: Sequence[str]) -> Worker:
        """Start a process; `command` takes the number of its end of the channel last. Raises `WorkerError`."""
        ours, theirs = channel.pair()
        try:
            process = await asyncio.create_subprocess_exec(
                *command, str(theirs.fileno()), pass_fds=(theirs.fileno(),), stdin=asyncio.subprocess.DEVNULL
            )
        except OSError as error:
            ours.close()
            raise WorkerError(f"a room worker cannot be started: {command[0]}: {error.strerror}") from error
        finally:
            theirs.close()
        return cls(process, ours)

    @classmethod
    async def connect(cls, path: Path) -> Worker:
        """Have a service manager start a process. Raises `WorkerError`."""
        try:
            ours = channel.connect(str(path))
        except OSError as error:
            raise WorkerError(f"no room worker is started at {path}: {error.strerror}: is its unit running?") from error
        return cls(Connection(ours), ours)

    def send(self, message: wire.ToWorker, descriptors: Sequence[int] = ()) -> None:
        """Tell it something; a worker that does not read is ended, and replaced like one that died."""
        try:
            channel.send(self._end, wire.WorkerCodec.encode(message), descriptors)
        except (OSError, WireError) as error:
            if not self._stopping:
                log.warning("worker.stuck: %s", error, extra=fields(pid=self.pid))
                self.kill()

    async def do(self, message: wire.ToWorker, descriptors: Sequence[int] = ()) -> None:
        """Tell it something and wait until it is done; `message.id` is filled in. Raises `WorkerError`."""
        number = next(self._ids)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = done
        self.send(_numbered(message, number), descriptors)
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                await done
        except TimeoutError as error:
            raise WorkerError(f"the room worker did not carry out {type(message).__name__} in time") from error
        finally:
            self._waiting.pop(number, None)

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        """Let it end."""
        self._stopping = True
        with suppress(OSError):
            channel.send(self._end, wire.WorkerCodec.encode(wire.Stop()))
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.shield(self._watch)
        except TimeoutError:
            log.warning("worker.slow: it did not end by itself", extra=fields(pid=self.pid))
            self.kill()
            await self._watch

    def _readable(self) -> None:
        while True:
            try:
                got = channel.receive(self._end)
            except BlockingIOError:
                return
            except (OSError, WireError):
                got = None
            if got is None:
                asyncio.get_running_loop().remove_reader(self._end)
                self.kill()
                return
            for descriptor in got.descriptors:
                os.close(descriptor)
            try:
                self._take(AgentCodec.decode(got.data))
            except WireError as error:
                log.warning("worker.unreadable: %s", error, extra=fields(pid=self.pid))

    def _take(self, said: FromWorker) -> None:
        if isinstance(said, Ready):
            self.pid = said.pid
            if said.confined and not self.ready.done():
                self.ready.set_result(said)
            elif not said.confined:
                log.error("worker.unconfined: it kept its rights: start it with --confine", extra=fields(pid=self.pid))
                self.kill()
        elif isinstance(said, Done | Failed):
            waiting = self._waiting.get(said.id)
            if waiting is not None and not waiting.done():
                if isinstance(said, Done):
                    waiting.set_result(None)
                else:
                    waiting.set_exception(WorkerError(said.reason))
            elif isinstance(said, Failed):
                log.warning("worker.refused: %s", said.reason, extra=fields(pid=self.pid))
        else:
            self.heard(said)

    async def _watched(self) -> None:
        status = await self._process.wait()
        asyncio.get_running_loop().remove_reader(self._end)
        self._end.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(WorkerError("the room worker died"))
        if not self.ready.done():
            self.ready.set_exception(WorkerError(f"a room worker ended with status {status} before it was ready"))
            self.ready.exception()  # whoever waits hears of it; nobody else has to
        if not self._stopping:
            log.error("worker.died", extra=fields(pid=self.pid, status=status))
            self.died()


Begin = Callable[[], Awaitable[Worker]]


class Pool:
    """Workers that wait for rooms, `size` of them; `begin` starts one."""

    def __init__(self, begin: Begin, size: int) -> None:
        self._begin = begin
        self._size = size
        self._waiting: deque[Worker] = deque()
        self._out: set[Worker] = set()
        self._changed = asyncio.Event()

    @property
    def ready(self) -> int:
        """How many wait for rooms."""
        return sum(1 for worker in self._waiting if worker.ready.done())

    async def run(self) -> None:
        """Keep as many ready as there should be, until cancelled."""
        try:
            while True:
                self._changed.clear()
                while len(self._waiting) < self._size:
                    if not await self._add():
                        break
                if len(self._waiting) < self._size:
                    await asyncio.sleep(RETRY_SECONDS)
                else:
                    await self._changed.wait()
        finally:
            await asyncio.gather(*(worker.stop() for worker in (*self._waiting, *self._out)), return_exceptions=True)

    async def take(self) -> Worker:
        """Give a ready worker; raises `WorkerError` where none can be had."""
        worker = self._waiting.popleft() if self._waiting else await self._begin()
        self._out.add(worker)
        self._changed.set()
        try:
            async with asyncio.timeout(READY_SECONDS):
                await asyncio.shield(worker.ready)
        except TimeoutError as error:
            worker.kill()
            self._out.discard(worker)
            raise WorkerError("a room worker was not ready in time: is the server overloaded?") from error
        except BaseException:
            worker.kill()
            self._out.discard(worker)
            raise
        return worker

    async def give_back(self, worker: Worker) -> None:
        """End a worker whose room has ended: none holds two rooms."""
        self._out.discard(worker)
        await worker.stop()

    async def _add(self) -> bool:
        try:
            worker = await self._begin()
        except WorkerError as error:
            log.error("worker.unstarted: %s", error)  # noqa: TRY400 - the sentence says it
            return False
        worker.died = lambda: self._lost(worker)
        self._waiting.append(worker)
        try:
            async with asyncio.timeout(READY_SECONDS):
                await asyncio.shield(worker.ready)
        except (TimeoutError, WorkerError) as error:
            log.error("worker.unready: %s", error)  # noqa: TRY400 - the sentence says it
            worker.kill()
            self._lost(worker)
            return False
        return True

    def _lost(self, worker: Worker) -> None:
        if worker in self._waiting:
            self._waiting.remove(worker)
            self._changed.set()


def beginning(told: Workers) -> Begin:
    """Give how a worker is started."""
    if told.socket is not None:
        return partial(Worker.connect, told.socket)
    extra = ("--user", told.user) if told.user else ()
    return partial(Worker.start, (sys.executable, "-m", "mixer.worker", *extra, "--confine", "--control"))


def _numbered(message: wire.ToWorker, number: int) -> wire.ToWorker:
    return msgspec.structs.replace(message, id=number)
