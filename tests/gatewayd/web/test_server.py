from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from gatewayd.web import server
from gatewayd.web.errors import SetupError
from gatewayd.web.server import HEAD_SECONDS, MAX_HEAD, Protocol
from lab.authority import Authority

PEER = {"subjectAltName": (("DNS", "a.example"), ("IP Address", "192.0.2.1"), ("URI", "urn:x"), ("email", "a@b"))}


class Timer:
    def __init__(self, seconds: float, job: Callable[[], None]) -> None:
        self.seconds, self.job, self.live = seconds, job, True

    def cancel(self) -> None:
        self.live = False


class Loop:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []
        self.tasks: list[Any] = []

    def call_later(self, seconds: float, job: Callable[[], None]) -> Timer:
        self.timers.append(Timer(seconds, job))
        return self.timers[-1]

    def create_task(self, work: Any, **_: Any) -> Any:
        work.close()
        self.tasks.append(work)
        return self

    def add_done_callback(self, _: Any) -> None:
        """Be the task, too."""

    def pending(self) -> list[float]:
        return [each.seconds for each in self.timers if each.live]


class Transport:
    def __init__(self) -> None:
        self.closed, self.sent = False, b""

    def get_extra_info(self, name: str) -> Any:
        return PEER if name == "peercert" else None

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True


async def _app(scope: Scope, receive: Receive, send: Send) -> None: ...


@pytest.fixture
def connected() -> tuple[Protocol, Transport, Loop]:
    loop, transport = Loop(), Transport()
    protocol = Protocol(uvicorn.Config(_app, log_config=None, ws="none"), ServerState(), {}, loop)  # type: ignore[arg-type]
    protocol.connection_made(transport)  # type: ignore[arg-type]
    return protocol, transport, loop


def test_the_head_of_each_request_has_its_time(connected: tuple[Protocol, Transport, Loop]) -> None:
    protocol, transport, loop = connected
    assert loop.pending() == [HEAD_SECONDS]  # TLS was made, and nothing said yet
    protocol.data_received(b"GET / HTTP/1.1\r\nhost")
    assert loop.pending() == [HEAD_SECONDS]
    protocol.data_received(b": x\r\n\r\n")
    assert loop.pending() == []
    assert len(loop.tasks) == 1
    protocol.data_received(b"GET / HTTP/1.1\r\n")
    (slow,) = (each for each in loop.timers if each.live)
    slow.job()
    assert transport.closed


def test_a_head_that_is_too_large_is_refused(connected: tuple[Protocol, Transport, Loop]) -> None:
    protocol, transport, loop = connected
    protocol.data_received(b"GET / HTTP/1.1\r\n")
    for _ in range(MAX_HEAD // 1000 + 2):
        protocol.data_received(b"x: " + b"a" * 1000 + b"\r\n")
    assert transport.sent.startswith(b"HTTP/1.1 400")
    assert (transport.closed, loop.tasks) == (True, [])


def test_the_names_of_a_certificate_come_with_the_request(connected: tuple[Protocol, Transport, Loop]) -> None:
    protocol, _, _ = connected
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert protocol.scope["client_names"] == ("a.example", "urn:x", "a@b")  # type: ignore[typeddict-item]
    assert server.names(None) == ()


def test_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("edge", ["edge.example"])
    made = server.context(pair.certificate, pair.key, None)
    bad = tmp_path / "bad.pem"
    bad.write_text("nothing")
    with pytest.raises(SetupError, match=r"bad\.pem"):
        server.load(made, bad, pair.key)
    with pytest.raises(SetupError, match=r"bad\.pem"):
        server.context(pair.certificate, pair.key, bad)
