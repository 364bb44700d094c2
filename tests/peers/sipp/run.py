"""Run sipp on a host and read what it counted and saw."""

from __future__ import annotations

import csv
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from tests.peers import message as sip
from tests.peers.host import Host, hostport
from tests.peers.message import Message
from tests.peers.sipp.steps import Step, scenario

PATIENCE = 40.0
"""Seconds until a run counts as stuck: all of SIP's timers fit (64 * T1 = 32 s, RFC 3261 section 17.1.1.2)."""

SHOWN = 4_000  # characters of its error log where a test fails: thousands of calls say the same
READY_SECONDS = 5.0
BUFFER = "1048576"
"""Octets of its socket's buffers, as far as the kernel allows: 64 kB lose what comes while it has no processor."""
# "UDP message sent (9 bytes):" and "UDP message received [9] bytes :" after a line of dashes with the date
LOGGED = re.compile(rb"(?m)^-{10,} .*\n(?:UDP|TCP) message (sent|received) [(\[](\d+)\]? bytes ?\)?:\n\n")
STATUSES = {0: "all calls passed", 1: "calls failed", 97: "ended by its own timeout", 99: "no call was made"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; `status` is sipp's exit status, `errors` what it complained about."""

    status: int
    successful: int
    failed: int
    errors: str
    received: tuple[Message, ...]
    sent: tuple[Message, ...]

    @property
    def text(self) -> str:
        """Return everything that was received, to look for addresses in."""
        return "\n".join(str(one) for one in self.received)

    def last(self, name: str) -> Message:
        """Return the last message received of that name (``INVITE``, ``200 INVITE``)."""
        for one in reversed(self.received):
            if one.name == name:
                return one
        raise AssertionError(f"no {name} was received, only {[one.name for one in self.received]}")


@dataclass(slots=True)
class Sipp:
    """A sipp that plays a scenario from the moment it is made; use it with ``with``, then `succeed` or `finish`.

    Without `remote` it waits for calls, and it is listening when the constructor returns. `name` is the user it calls
    itself, `service` the one it calls.
    """

    host: Host
    steps: Sequence[Step]
    directory: Path
    address: str
    port: int
    remote: tuple[str, int] | None = None
    transport: Literal["udp", "tcp"] = "udp"
    service: str = "service"
    name: str = "sipp"
    calls: int = 1
    rate: float = 10
    trace: bool = True
    _process: subprocess.Popen[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.directory = self.directory / f"{self.name}-{self.port}"
        self.directory.mkdir()
        (self.directory / "scenario.xml").write_text(scenario(self.name, self.steps))
        with (self.directory / "output.log").open("w") as output:
            self._process = self.host.popen(
                self._command(), cwd=self.directory, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        if self.remote is None:
            try:
                self._wait_until_listening()
            except BaseException:
                self.stop()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()
        if error is not None:
            error.add_note(f"sipp in {self.directory}:\n{self._read('errors.log')[:SHOWN]}")

    def finish(self, timeout: float = PATIENCE) -> Outcome:
        """Wait until all calls are done and return what they came to; raises TimeoutExpired (sipp is then killed)."""
        try:
            status = self._process.wait(timeout)
        finally:
            self.stop()
        counts = self._counts()
        received, sent = self._messages()
        return Outcome(
            status,
            counts.get("SuccessfulCall(C)", 0),
            counts.get("FailedCall(C)", 0),
            self._read("errors.log") + (self._read("output.log") if status > 1 or status < 0 else ""),
            received,
            sent,
        )

    def succeed(self, timeout: float = PATIENCE) -> Outcome:
        """Wait until all calls are done and return what they came to; raises AssertionError where one failed."""
        outcome = self.finish(timeout)
        reason = STATUSES.get(outcome.status, "it could not run")
        assert outcome.status == 0, f"sipp exit {outcome.status}: {reason}\n{outcome.errors}\n{outcome.text}"
        return outcome

    def stop(self) -> None:
        """Kill it if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _command(self) -> list[str]:
        command = ["sipp", "-sf", "scenario.xml", "-nostdin", "-aa", "-i", self.address, "-bind_local"]
        command += ["-p", str(self.port), "-t", "u1" if self.transport == "udp" else "t1"]
        command += ["-m", str(self.calls), "-r", str(self.rate), "-buff_size", BUFFER]
        command += ["-s", self.service, "-key", "caller", self.name, "-key", "callee", self.name]
        command += ["-trace_stat", "-stf", "statistics.csv", "-fd", "1", "-trace_err", "-error_file", "errors.log"]
        command += ["-trace_msg", "-message_file", "messages.log"] if self.trace else []
        # It insists on media sockets of its own (two, two ports apart): below 30000, away from those that probes bind.
        command += ["-mi", self.address, "-mp", str(20000 + self.port % 2500 * 4)]
        return command if self.remote is None else [*command, hostport(*self.remote)]

    def _wait_until_listening(self) -> None:
        """Look at the process's own view of its namespace; no packet is sent to find out."""
        suffix = "6" if ":" in self.address else ""
        state = "07" if self.transport == "udp" else "0A"  # and no connection of who was there before
        table = Path(f"/proc/{self._process.pid}/net/{self.transport}{suffix}")
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise AssertionError(f"sipp ended at once:\n{self._read('output.log')}{self._read('errors.log')}")
            if re.search(rf"(?m)^\s*\d+: [0-9A-F]+:{self.port:04X} [0-9A-F]+:0000 {state} ", table.read_text()):
                return
            time.sleep(0.02)
        raise AssertionError(f"sipp does not listen on port {self.port} within {READY_SECONDS} s")

    def _counts(self) -> dict[str, int]:
        rows = list(csv.DictReader(self._read("statistics.csv").splitlines(), delimiter=";"))
        return {name: int(value) for name, value in rows[-1].items() if name and value.isdigit()} if rows else {}

    def _messages(self) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
        """Read the message log: what was received, what was sent."""
        path = self.directory / "messages.log"
        log = path.read_bytes() if path.exists() else b""
        found: dict[bool, list[Message]] = {True: [], False: []}
        for match in LOGGED.finditer(log):
            data = log[match.end() : match.end() + int(match[2])]
            found[match[1] == b"sent"].append(sip.read(data))
        return tuple(found[False]), tuple(found[True])

    def _read(self, name: str) -> str:
        path = self.directory / name
        return path.read_text(errors="replace") if path.exists() else ""
