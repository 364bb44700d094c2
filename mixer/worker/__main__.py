"""Start a room worker: load the engine, give up rights, then do what the agent says until it goes or says `Stop`."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import socket
import sys
from collections import deque
from collections.abc import Sequence

from mixer import channel
from mixer.reports import Failed, FromWorker, Levels, Ready, Stats
from mixer.wire import Change, Join, Record, Snapshot, Start, Stop, WorkerCodec
from mixer.worker.alive import Alive
from mixer.worker.confine import confine
from mixer.worker.engine import GLib, load
from mixer.worker.errors import RoomWorkerError
from mixer.worker.room import Room
from vdx import journal
from vdx.wire import WireError

log = logging.getLogger("mixer.worker")

BACKLOG = 1000
"""Messages kept for an agent that is busy; of levels and counts the latest ones replace what waits."""

SWITCH_SECONDS = 0.0005
"""How long one thread may keep the others waiting for the interpreter: a block of sound is due every 20 ms."""


class Worker:
    """The control socket, and the room once there is one."""

    def __init__(self, control: socket.socket, engine: str, *, confined: bool) -> None:
        self._control = control
        self._control.setblocking(False)
        self._waiting: deque[bytes] = deque(maxlen=BACKLOG)
        self._loop = GLib.MainLoop()
        self._room: Room | None = None
        self._writing = 0
        GLib.unix_fd_add_full(
            GLib.PRIORITY_DEFAULT, control.fileno(), GLib.IOCondition.IN | GLib.IOCondition.HUP, self._readable
        )
        self.say(Ready(os.getpid(), engine, confined))

    def run(self) -> None:
        """Serve until the end."""
        try:
            self._loop.run()
        finally:
            if self._room is not None:
                self._room.close()
            self._flush()

    def say(self, message: FromWorker) -> None:
        """Send one message, now or when the agent reads again."""
        packet = WorkerCodec.encode(message)
        if self._waiting and isinstance(message, Levels | Stats):
            return
        self._waiting.append(packet)
        if not self._writing and not self._flush():
            self._writing = GLib.unix_fd_add_full(
                GLib.PRIORITY_DEFAULT, self._control.fileno(), GLib.IOCondition.OUT, self._writable
            )

    def _flush(self) -> bool:
        while self._waiting:
            try:
                channel.send(self._control, self._waiting[0])
            except BlockingIOError:
                return False
            except WireError as error:
                log.error("message.dropped reason=%r", str(error))  # noqa: TRY400 - the words say all
            except OSError:
                self._waiting.clear()
                self._loop.quit()
                return True
            self._waiting.popleft()
        return True

    def _writable(self, *_: object) -> bool:
        if self._flush():
            self._writing = 0
            return False
        return True

    def _readable(self, *_: object) -> bool:
        try:
            received = channel.receive(self._control)
        except BlockingIOError:
            return True
        except (OSError, WireError) as error:
            log.info("control.lost error=%r", str(error))  # the agent has gone, and the room with it
            received = None
        if received is None:
            self._loop.quit()
            return False
        return self._obey(received)

    def _obey(self, received: channel.Received) -> bool:
        number = 0
        try:
            message = WorkerCodec.decode(received.data)
            if isinstance(message, Stop):
                self._loop.quit()
                return False
            number = message.id
            if not isinstance(message, Join | Change | Record | Snapshot):
                channel.discard(received)
            if self._room is not None:
                self._room.obey(message, received.descriptors)
            elif isinstance(message, Start):
                self._room = Room(message, self.say)
                self._room.started(number)
            else:
                self.say(Failed(number, "the room has not been started: send start first"))
        except WireError as error:
            channel.discard(received)
            self.say(Failed(number, str(error)))
        except (RoomWorkerError, OSError) as error:
            log.warning("command.failed reason=%r", str(error))
            self.say(Failed(number, str(error)))
        except Exception as error:  # a fault of ours ends one command, not the room
            log.exception("command.broken")
            self.say(Failed(number, f"a fault in the worker: {error!r}"))
        return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status (2 where it cannot start)."""
    options = _options(arguments)
    journal.begin()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        control = socket.socket(fileno=options.control)
        control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, channel.SEND_BUFFER)
        alive = Alive()
        engine = load()
        gc.collect()
        gc.freeze()  # what is there from the start is not looked through again each time somebody leaves
        if options.confine:
            confine(options.user)
    except (RoomWorkerError, OSError) as error:
        print(f"room worker: {error}", file=sys.stderr)  # noqa: T201 - the one sentence a person reads
        return 2
    if alive.seconds:
        alive.tell()
        GLib.timeout_add_seconds(alive.seconds, alive.tell)
    Worker(control, engine, confined=options.confine).run()
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mixer.worker", description=__doc__)
    parser.add_argument("--control", type=int, required=True, metavar="FD", help="the inherited control socket")
    parser.add_argument("--user", help="whom to become, where started as root")
    parser.add_argument("--confine", action="store_true", help="give up every right a room does not need")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    sys.stderr.flush()
    os._exit(status)  # all is closed; what the engine's libraries do at exit, beside threads of theirs, can only fail
