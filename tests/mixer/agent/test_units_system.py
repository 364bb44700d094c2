"""The units of a mixing server at work: systemd starts each room's worker, with a user, limits and no network."""

from __future__ import annotations

import json
import os
import shlex
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lab import namespace
from lab.authority import Authority
from tests.mixer.agent.booted import RELEASE, TLS, USERS, Booted, units
from tests.mixer.agent.conftest import ROOMS
from tests.mixer.agent.served import Served
from tests.mixer.agent.system import System

pytestmark = pytest.mark.system

SIP, FLOOR = 5060, 5070
KEYS = "/etc/vdx/tls"
CONFIGURATION = f"""
name: mixer1
sip:
  - {{address: 127.0.0.1, port: {SIP}}}
  - address: 127.0.0.1
    port: {SIP + 1}
    transport: tls
    certificate: {KEYS}/host.pem
    key: {KEYS}/host.key
    trust: {KEYS}/ca.pem
edge: [127.0.0.0/8]
media: {{address: 127.0.0.1, floor: {FLOOR}}}
pins: /run/credentials/mixer.service/pins.key
rooms: /etc/vdx/rooms.yaml
capacity: 20
workers: {{ready: 1, socket: /run/vdx-mixer-rooms.sock}}
"""
TRIES = """
import json, os, socket
from mixer.worker.confine import confine
def tried(what, *given):
    try:
        what(*given)
    except OSError:
        return "refused"
    return "done"
families = ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET")
said = {name: tried(socket.socket, getattr(socket, name), socket.SOCK_RAW) for name in families}
said |= {name + " datagram": tried(socket.socket, getattr(socket, name), socket.SOCK_DGRAM) for name in families}
for path in ("/etc/vdx/mixer/credentials", "/etc/vdx/tls", "/run/credentials/mixer.service"):
    said[path] = tried(os.listdir, path)
for path in ("/run/vdx-mixer", "/var/lib/vdx-mixer"):
    said[path] = tried(os.listdir, path)
for path in ("/var/lib/one", "/var/cache/vdx-mixer/one", "/etc/one", "/run/one"):
    said[path] = tried(open, path, "w")
said["before"] = tried(socket.socket, socket.AF_UNIX)
confine(None)
said["AF_UNIX"] = tried(socket.socket, socket.AF_UNIX)
said["a program"] = tried(os.execv, "/bin/true", ["true"])
print(json.dumps(said))
"""
"""What the program of a room might try, in the place of that program."""


@pytest.fixture(scope="module")
def server(prompts: Path) -> Iterator[Booted]:
    """Give a mixing server that systemd runs."""
    with TemporaryDirectory(prefix="vdx-units-") as folder:
        root = Path(folder) / "root"
        (root / "etc/vdx").mkdir(parents=True)
        (root / "etc/vdx/rooms.yaml").write_text(ROOMS)
        certify(root / KEYS.lstrip("/"))
        booted = Booted(root, f"vdxU{os.getpid()}", CONFIGURATION, prompts)
        try:
            booted.until(lambda: len(booted.workers) == 1, "a worker waits for a room")
            yield booted
        finally:
            booted.close()


def certify(folder: Path) -> None:
    """Put certificates where the role puts them, readable as there."""
    authority = Authority(folder, "ca")
    authority.issue("host", ["127.0.0.1"])
    (folder / "host.pem").chmod(0o644)
    (folder / "host.key").chmod(0o640)
    os.chown(folder / "host.key", 0, TLS)


def served(server: Booted) -> Served:
    """Give the same as its clients see it."""
    return Served(SIP, 0, FLOOR, Path(f"/proc/{server.pid}/root/run/vdx-mixer"), server.log)


def test_a_room_worker_has_a_user_and_limits_and_no_network(server: Booted) -> None:
    (unit, pid), *_ = server.workers.items()
    process = Path(f"/proc/{pid}")
    rows = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
    assert rows["Uid"].split() == rows["Gid"].split() == [str(USERS["vdx-room"])] * 4
    assert {rows[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "CapInh")} == {"0" * 16}
    assert (rows["NoNewPrivs"], rows["Seccomp"]) == ("1", "2")
    assert f"/mixerrooms.slice/{unit}" in (process / "cgroup").read_text()
    shown = server.tell("systemctl", "show", "--property=MemoryMax,TasksMax,CPUWeight,OOMPolicy", unit)
    assert set(shown.split()) == {f"MemoryMax={2 << 30}", "TasksMax=4096", "CPUWeight=100", "OOMPolicy=kill"}
    assert "Max open files            8192 " in (process / "limits").read_text()
    devices = (process / "net/dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]
    assert (process / f"task/{pid}/ns/net").readlink() != Path(f"/proc/{server.pid}/ns/net").readlink()
    assert stat.S_IMODE((process / "root/etc/vdx/mixer").stat().st_mode) == 0, "secrets are in sight"


def test_the_agent_reads_its_key_and_listens_over_tls(server: Booted) -> None:
    assert f" 0100007F:{SIP + 1:04X} 00000000:0000 0A " in server.tell("cat", "/proc/net/tcp")
    key = Path(f"/proc/{server.pid}/root{KEYS}/host.key").stat()
    assert (key.st_uid, stat.S_IMODE(key.st_mode)) == (0, 0o640)


def test_in_its_place_nothing_can_be_opened(server: Booted) -> None:
    room = units()["mixer-rooms@.service"]
    (start,) = [line for line in room.splitlines() if line.startswith("ExecStart=")]
    (server.root / "tries.py").write_text(TRIES)
    trial = room.replace(start, f"ExecStart={RELEASE}/bin/python -B /tries.py").replace("Type=exec", "Type=oneshot")
    (server.root / "etc/systemd/system/trial.service").write_text(trial)
    server.tell("systemctl", "daemon-reload")
    server.tell("systemctl", "start", "trial.service")
    said = server.journal("--unit=trial.service")
    (found,) = [json.loads(line) for line in said.splitlines() if line.startswith("{")] or pytest.fail(server.journal())
    assert found.pop("before") == "done"
    assert set(found.values()) == {"refused"}, found


def test_a_worker_that_is_killed_is_replaced_and_its_room_goes_on(server: Booted) -> None:
    one, before = served(server), restarts(server)

    def meet() -> None:
        with System(SIP) as caller:
            caller.invite(one.uri("1000"))
            server.until(lambda: bool(one.roster("1000").get("System")), "the room runs")
            server.until(lambda: len(server.workers) == 2, "another worker waits for the next room")
            inside = int(server.journal("VDX_EVENT=room.manned", "--output-fields=VDX_PID"))
            dead = next(pid for pid in server.workers.values() if numbered(pid) == inside)
            os.kill(dead, signal.SIGKILL)
            server.until(lambda: "room.revived" in server.journal(), "the room has another worker")
            server.until(lambda: len(server.workers) == 2 and dead not in server.workers.values(), "one waits again")
            assert one.roster("1000")["System"].phase == "inside"

    namespace.inside(server.name, meet)
    assert restarts(server) == before


def test_an_agent_that_is_killed_comes_back_and_its_workers_go(server: Booted) -> None:
    before, workers = restarts(server), set(server.workers)
    assert workers
    server.tell("systemctl", "kill", "--signal=KILL", "mixer.service")
    server.until(lambda: restarts(server) == before + 1, "the agent is started again")
    server.until(lambda: len(server.workers) == 1 and not workers & set(server.workers), "it has a worker of its own")
    server.until(lambda: server.active, "it serves again")


def restarts(server: Booted) -> int:
    return int(server.tell("systemctl", "show", "--value", "--property=NRestarts", "mixer.service"))


def numbered(pid: int) -> int:
    """Give the number of a process in its own container."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1])


def test_the_units_say_what_systemd_knows_and_are_closed(server: Booted) -> None:
    names = shlex.join(units())
    told = server.tell("sh", "-c", f"cd /etc/systemd/system && systemd-analyze verify {names} 2>&1 && echo passes")
    assert told == "passes\n"
    for name in ("mixer.service", "mixer-rooms@.service"):
        path = f"/etc/systemd/system/{name}"
        told = server.tell("sh", "-c", f"systemd-analyze security --offline=true --threshold=20 {path} && echo passes")
        assert told.rstrip().endswith("passes"), told
