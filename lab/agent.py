"""A running user agent on a host, steered over baresip's control port."""

import json
import os
import select
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from lab import baresip, processes, sound
from lab.baresip import CALLER_PORT, AgentPlan, Registrar, Secure
from lab.errors import CallError
from lab.host import Host
from lab.lab import Lab
from lab.netstring import Decoder, encode
from lab.processes import Process
from lab.topology import SIP_PORT
from lab.users import AGENT

START_S = 20.0  # loading ffmpeg on a busy machine takes seconds
REPLY_S = 5.0
CONNECT_PAUSE_S = 0.05
REFRESH_S = sound.SECONDS * 0.75  # baresip hangs up when its file ends, so it is begun anew before


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an agent: baresip's type (CALL_ESTABLISHED, ...) and its parameter."""

    type: str
    param: str
    peer: str
    at: float


class Agent:
    """A baresip on a host of the lab; answers every call, rings nobody until told to `dial`.

    A host has room for two: one that is there to be called, and one that `calls`. With a `registrar` it registers.
    One that is `secure` speaks TLS, and is called one port above the others.
    """

    def __init__(  # noqa: PLR0913 - what a user agent may differ in
        self,
        lab: Lab,
        host: Host,
        user: str,
        family: Literal[4, 6] = 4,
        *,
        calls: bool = False,
        record: bool = False,
        registrar: Registrar | None = None,
        codecs: str = baresip.ALL_CODECS,
        secure: Secure | None = None,
    ) -> None:
        directory = lab.state.agents / f"{host.name}-{time.monotonic_ns()}"
        self.plan = AgentPlan(
            user=user,
            address=host.address(family),
            directory=directory,
            sound=directory / "scale.wav",
            port=CALLER_PORT if calls else SIP_PORT,
            record=record,
            registrar=registrar,
            codecs=codecs,
            secure=secure,
        )
        self.host = host
        self.log = directory / "log"
        self.events: list[Event] = []
        self._decoder = Decoder()
        self._replies: dict[str, dict[str, Any]] = {}
        self._count = 0
        self._refreshed = time.monotonic()
        self._check_alone()
        self._child = self._start(directory)
        try:
            self._control = self._connect()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def dial(self, uri: str) -> None:
        """Call a SIP URI; CallError if the agent does not take the command."""
        self.command("dial", uri)

    def hangup(self) -> None:
        """End the call; harmless if there is none."""
        with suppress(CallError):
            self.command("hangup")

    def command(self, name: str, parameters: str = "") -> str:
        """Give a command of baresip's menu and return what it answers; CallError if it refuses or is gone."""
        self._count += 1
        token = str(self._count)
        message = {"command": name, "params": parameters, "token": token}
        try:
            self._control.sendall(encode(json.dumps(message).encode()))
        except OSError as gone:
            raise CallError(f"The user agent on {self.host.name} is gone: {self._last_words()}") from gone
        deadline = time.monotonic() + REPLY_S
        while token not in self._replies:
            self._read(deadline)
        reply = self._replies.pop(token)
        if not reply.get("ok"):
            raise CallError(f"The user agent on {self.host.name} refused {name} {parameters}: {reply.get('data')}")
        return str(reply.get("data", ""))

    def wait(self, *types: str, seconds: float) -> Event:
        """Return the first event of these types that is not consumed yet; CallError if none comes in time."""
        deadline = time.monotonic() + seconds
        while True:
            for event in self.events:
                if event.type in types:
                    self.events.remove(event)
                    return event
            self._read(deadline)

    def talk(self, seconds: float) -> bool:
        """Let the call go on for that long; return early, and False, if it ended."""
        deadline = time.monotonic() + seconds
        while (now := time.monotonic()) < deadline:
            if self.ended():
                return False
            if now - self._refreshed >= REFRESH_S:
                self.command("ausrc", self.plan.source)
                self._refreshed = now
            with suppress(TimeoutError):
                self._receive(min(deadline, self._refreshed + REFRESH_S))
        return not self.ended()

    def ended(self) -> bool:
        """Tell whether a call of this agent was closed."""
        return any(event.type == "CALL_CLOSED" for event in self.events)

    def stop(self) -> None:
        """Hang up and end the process; without a hang-up it would wait for the other side's answer to its BYE."""
        if hasattr(self, "_control"):
            self.hangup()
            self._control.close()
        if self._child.poll() is None and (process := Process.of(self._child.pid)):
            processes.end([process])
        self._child.wait()

    def _check_alone(self) -> None:
        with self.host.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(self.plan.control)
            except OSError:
                raise CallError(
                    f"There is a user agent on {self.host.name} already, in another call; choose another host."
                ) from None

    def _start(self, directory: Path) -> subprocess.Popen[bytes]:
        directory.mkdir(parents=True)
        os.chown(directory, AGENT.uid, AGENT.gid)
        (directory / "config").write_text(baresip.config(self.plan))
        (directory / "accounts").write_text(baresip.accounts(self.plan))
        (directory / "contacts").write_text("")
        if self.plan.secure is not None:
            self.plan.root.write_bytes(self.plan.secure.root.read_bytes())
            self.plan.pair.touch(0o600)
            self.plan.pair.write_bytes(self.plan.secure.certificate.read_bytes() + self.plan.secure.key.read_bytes())
        sound.write_scale(self.plan.sound, baresip.SOUND_RATE)
        for file in directory.iterdir():
            os.chown(file, AGENT.uid, AGENT.gid)
        with self.log.open("wb") as log:
            try:
                return self.host.popen(
                    ["baresip", "-f", str(directory)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=directory,
                    env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory)},
                    user=AGENT.uid,
                    group=AGENT.gid,
                    extra_groups=[],
                    start_new_session=True,
                )
            except FileNotFoundError:
                raise CallError("There is no baresip: apt-get install baresip-core baresip-ffmpeg.") from None

    def _connect(self) -> socket.socket:
        deadline = time.monotonic() + START_S
        while self._child.poll() is None and time.monotonic() < deadline:
            control = self.host.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                control.connect(self.plan.control)
            except ConnectionRefusedError:
                control.close()
                time.sleep(CONNECT_PAUSE_S)
            else:
                return control
        raise CallError(f"The user agent on {self.host.name} did not start: {self._last_words()}")

    def _read(self, deadline: float) -> None:
        try:
            self._receive(deadline)
        except TimeoutError:
            raise CallError(f"The user agent on {self.host.name} was silent: {self._last_words()}") from None

    def _receive(self, deadline: float) -> None:
        """Take in what the agent says, waiting for it until `deadline`; TimeoutError if it says nothing."""
        ready, _, _ = select.select([self._control], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        try:
            data = self._control.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise CallError(f"The user agent on {self.host.name} is gone: {self._last_words()}")
        for raw in self._decoder.receive(data):
            message = json.loads(raw)
            if message.get("response"):
                self._replies[message.get("token", "")] = message
            elif message.get("event"):
                self.events.append(
                    Event(
                        message.get("type", ""), message.get("param", ""), message.get("peeruri", ""), time.monotonic()
                    )
                )

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
            return " / ".join(lines[-3:]) or "it said nothing"
        return "it said nothing"
