"""A small edge for system tests: one namespace for it and one for a host in each of two zones."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from pyroute2 import IPRoute

from lab import namespace
from vdx.pinhole import Event, OwnerCodec, Reply

T = TypeVar("T")

CHECKOUT = Path(__file__).resolve().parents[2]
READY_SECONDS = 20.0  # gatewayd is ready within half a second on an idle machine
ANSWER_SECONDS = 10.0
OWNER, STRANGER, OTHER_OWNER, MEDIAD = 64311, 64399, 64312, 64313
SETRESUID = 117  # of x86-64; glibc's own call would change every thread
IFA_F_NODAD = 0x02  # linux/if_addr.h

SITE: dict[str, Any] = {
    "name": "test-edge",
    "zones": {
        "sdn": {
            "interface": "sdn0",
            "addresses": ["10.0.0.1/24", "2001:db8:a::1/64"],
            "routes": [{"to": "default", "via": "10.0.0.2"}],
            "media": {"addresses": ["10.0.0.1", "2001:db8:a::1"], "ports": "40000-40199"},
            "sip": [{"transport": "udp", "address": "10.0.0.1"}],
        },
        "internet": {
            "interface": "net0",
            "addresses": ["198.51.100.1/24", "2001:db8:b::1/64"],
            "media": {"addresses": ["198.51.100.1", "2001:db8:b::1"], "ports": "40000-40199"},
        },
    },
    "peers": {
        "hospital": {"zone": "sdn", "sources": ["10.0.0.0/24", "10.9.0.0/16", "2001:db8:a::/64"]},
        "citizen": {"zone": "internet"},
        "clinic": {"zone": "internet", "learn": False, "media": ["198.51.100.2/32", "2001:db8:b::2/128"]},
    },
    "limits": {"calls": 50, "streams_per_call": 4},
}


@dataclass
class Owner:
    """One connection to the pinhole socket, blocking, as a given user."""

    socket: socket.socket
    events: list[Event] = field(default_factory=list)
    _buffer: bytes = b""

    def ask(self, message: msgspec.Struct) -> Reply:
        """Send a request and give its answer; events that come before it are kept."""
        self.send(message)
        while True:
            answer = self.receive()
            if isinstance(answer, Event):
                self.events.append(answer)
            else:
                return answer

    def send(self, message: msgspec.Struct) -> None:
        """Send a request."""
        self.socket.sendall(OwnerCodec.encode(message))

    def event(self) -> Event:
        """Give the next event."""
        if self.events:
            return self.events.pop(0)
        answer = self.receive()
        assert isinstance(answer, Event), answer
        return answer

    def receive(self) -> Reply | Event:
        """Give the next message."""
        while b"\n" not in self._buffer:
            more = self.socket.recv(1 << 16)
            if not more:
                raise EOFError("gatewayd closed the connection")
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        return OwnerCodec.decode(line)

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()


@dataclass
class Edge:
    """The namespaces, and gatewayd in one of them."""

    names: dict[str, str]
    directory: Path
    site: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None
    opened: list[socket.socket] = field(default_factory=list)
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def run_dir(self) -> Path:
        """Where the sockets are."""
        return self.directory / "run"

    def on(self, host: str, job: Callable[[], T]) -> T:
        """Do something in the namespace of a host."""
        return namespace.inside(self.names[host], job)

    def route(self, host: str, job: Callable[[IPRoute], T]) -> T:
        """Do something with rtnetlink in the namespace of a host."""

        def with_route() -> T:
            with IPRoute() as route:
                return job(route)

        return self.on(host, with_route)

    def line(self, text: str) -> int:
        """Give the first line of the site file that holds a text, from 1."""
        lines = self.write_site().read_text().splitlines()
        return next(number for number, line in enumerate(lines, 1) if text in line)

    def write_site(self) -> Path:
        """Write the site file as it is now."""
        path = self.directory / "site.yaml"
        path.write_text(yaml.safe_dump(self.site, sort_keys=False))
        return path

    def command(self, *arguments: str) -> list[str]:
        """Give the command that starts gatewayd."""
        state = self.directory / "state"
        return [
            sys.executable, "-m", "gatewayd", "--site", str(self.directory / "site.yaml"),
            "--run-dir", str(self.run_dir), "--state-dir", str(state),
            f"--owner=b2bua={OWNER}", f"--owner=mixer={OTHER_OWNER}", f"--mediad={MEDIAD}", *arguments,
        ]  # fmt: skip

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start gatewayd and wait until it says that it is ready."""
        self.write_site()
        notify = self.directory / "notify"
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, (self.directory / "log").open("ab") as log:
            ready.bind(str(notify))
            ready.settimeout(0.1)
            environment = {**os.environ, "NOTIFY_SOCKET": str(notify), "PYTHONUNBUFFERED": "1"}
            self.process = self.on(
                "edge",
                lambda: subprocess.Popen(
                    self.command(*arguments), cwd=CHECKOUT, env=environment, stdout=log, stderr=log
                ),
            )
            self.children.append(self.process)
            self._wait(ready, self.process)
        return self.process

    def _wait(self, ready: socket.socket, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + READY_SECONDS
        while True:
            with suppress(TimeoutError):
                if b"READY=1" in ready.recv(4096):
                    return
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"gatewayd is not ready: {self.log()}")

    def refuse(self, *arguments: str, user: int | None = None) -> tuple[int, str]:
        """Start a gatewayd that is expected not to serve; gives exit status and what it said last."""
        done = self.on(
            "edge",
            lambda: subprocess.run(
                self.command(*arguments),
                cwd=CHECKOUT,
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
                user=user,
            ),
        )
        return done.returncode, done.stderr.strip().splitlines()[-1]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End gatewayd; gives its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(10)
        self.process = None
        return status

    def log(self) -> str:
        """Give what gatewayd has said so far."""
        return (self.directory / "log").read_text()

    def owner(self, user: int = OWNER) -> Owner:
        """Connect to the pinhole socket as a user."""
        made = socket.socket(socket.AF_UNIX)
        self.opened.append(made)
        made.settimeout(ANSWER_SECONDS)

        def connect() -> None:
            # the user of a thread alone: what the kernel notes as the peer's is the thread's
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.syscall(SETRESUID, -1, user, -1):
                raise OSError(ctypes.get_errno(), "setresuid")
            made.connect(str(self.run_dir / "pinhole.sock"))

        namespace.in_thread(connect)
        return Owner(made)

    def ctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run gatewayctl."""
        command = [sys.executable, "-m", "gatewayd.ctl", "--run-dir", str(self.run_dir), *arguments]
        return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=30, check=False)

    def udp(self, host: str, address: str, port: int = 0) -> socket.socket:
        """Give a bound UDP socket on a host."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = self.on(host, lambda: socket.socket(family, socket.SOCK_DGRAM))
        made.bind((address, port))
        made.settimeout(3)
        self.opened.append(made)
        return made


def arrives(sender: socket.socket, to: tuple[str, int], receiver: socket.socket, payload: bytes = b"media") -> Any:
    """Send one packet and give (payload, source) as received, None where nothing comes."""
    sender.sendto(payload, to)
    receiver.settimeout(0.5)
    try:
        return receiver.recvfrom(2048)
    except TimeoutError:
        return None


def eventually(condition: Callable[[], T], seconds: float = 10.0) -> T:
    """Wait until a condition holds and give its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            assert value
            return value
        time.sleep(0.05)


def _wire(names: dict[str, str]) -> None:
    def link(one: str, name: str, other: str) -> None:
        def make() -> None:
            fd = os.open(namespace.path(names[other]), os.O_RDONLY)
            try:
                with IPRoute() as route:
                    route.link("add", ifname=name, kind="veth", peer={"ifname": "eth0", "net_ns_fd": fd})
            finally:
                os.close(fd)

        namespace.inside(names[one], make)

    def address(host: str, addresses: dict[str, int], gateways: tuple[str, ...]) -> None:
        def make() -> None:
            with IPRoute() as route:
                index = route.link_lookup(ifname="eth0")[0]
                route.link("set", index=route.link_lookup(ifname="lo")[0], state="up")
                route.link("set", index=index, state="up")
                for text, length in addresses.items():
                    route.addr("add", index=index, address=text, prefixlen=length, flags=IFA_F_NODAD)
                for gateway in gateways:
                    route.route("add", dst="::/0" if ":" in gateway else "0.0.0.0/0", gateway=gateway, oif=index)

        namespace.inside(names[host], make)

    link("edge", "sdn0", "left")
    link("edge", "net0", "right")
    address("left", {"10.0.0.2": 24, "10.0.0.3": 24, "10.9.0.2": 24, "2001:db8:a::2": 64}, ("10.0.0.1",))
    address("right", {"198.51.100.2": 24, "198.51.100.3": 24, "2001:db8:b::2": 64}, ("198.51.100.1",))


@contextmanager
def edge() -> Iterator[Edge]:
    """Make the namespaces; at the end end what runs in them and remove them."""
    with tempfile.TemporaryDirectory(prefix="vdx-gw") as directory:
        Path(directory).chmod(0o755)  # owners are other users, and connect to the socket below
        with _edge(Path(directory)) as made:
            yield made


@contextmanager
def _edge(directory: Path) -> Iterator[Edge]:
    label = f"vdx-gw{os.getpid()}"
    names = {host: f"{label}-{host}" for host in ("edge", "left", "right")}
    made = Edge(names, directory, yaml.safe_load(yaml.safe_dump(SITE)))
    try:
        for name in names.values():
            namespace.remove(name)
            namespace.create(name)
        _wire(names)
        yield made
    finally:
        for each in made.opened:
            each.close()
        for pid in namespace.processes(list(names.values())):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for child in made.children:
            child.wait(10)
        for name in names.values():
            namespace.remove(name)
