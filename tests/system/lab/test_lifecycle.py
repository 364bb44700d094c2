"""Labs come and go without a trace, side by side, and also after a crash at any stage."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lab import namespace, state
from lab.errors import LabBusyError, LabUpError, UnknownLabError
from lab.lab import Lab
from lab.processes import Process
from lab.topology import STANDARD

pytestmark = pytest.mark.system

Probe = Callable[..., str | None]
CHECKOUT = Path(__file__).resolve().parents[3]

# Builds a lab and dies, as by SIGKILL, when it calls the named function for the nth time.
CRASH = """
import os, signal, subprocess, sys
from lab import lab, namespace, processes, state, wiring
from lab.lab import Lab
name, where, count, verb = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
module, function = where.split(".")
owner = {"namespace": namespace, "wiring": wiring, "processes": processes}.get(module) or state.State
original = getattr(owner, function)
def die(*arguments, **options):
    global count
    count -= 1
    if count == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)
lab_ = Lab(name)
if verb == "down":
    lab_.up()
    lab_.host("home").popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
setattr(owner, function, die)
getattr(lab_, verb)()
"""

STAGES = [
    ("up", "State.prepare", 1),
    ("up", "namespace.create", 1),
    ("up", "namespace.create", 5),
    ("up", "namespace.in_thread", 1),  # the name exists, nothing is bound to it yet
    ("up", "namespace.in_thread", 10),
    ("up", "wiring.loopback", 3),
    ("up", "wiring.connect", 1),
    ("up", "wiring.connect", 9),
    ("up", "wiring.configure", 9),
    ("up", "State.mark_up", 1),
    ("down", "processes.end", 1),
    ("down", "namespace.remove", 1),
    ("down", "namespace.remove", 6),
    ("down", "State.remove", 1),
]


@pytest.fixture
def name() -> Iterator[str]:
    """Give a lab name of this test, and clear up whatever the test left."""
    unique = f"life{os.getpid()}"
    yield unique
    with suppress(UnknownLabError):
        Lab(unique).down()


def _links() -> set[str]:
    return {link for _, link in socket.if_nameindex()}


def _traces(name: str) -> list[str]:
    """Return all that is left of a lab: names, files."""
    found = namespace.named(f"vdx-{name}-")
    return found + [str(path) for path in state.ROOT.glob(f"{name}*")]


def _crash(name: str, verb: str, where: str, count: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASH, name, where, str(count), verb],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_lab_leaves_nothing(name: str) -> None:
    links = _links()
    lab = Lab(name)
    lab.up()
    child = lab.host("home").popen(["sleep", "600"])
    inside = namespace.processes([lab.namespaces["home"]])
    assert inside == [child.pid]
    assert len(namespace.named(f"vdx-{name}-")) == len(STANDARD.hosts)
    assert not _links() - links
    lab.down()
    assert child.returncode == -signal.SIGTERM
    assert _traces(name) == []


def test_a_failure_while_building_leaves_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no more")

    monkeypatch.setattr("lab.wiring.configure", fail)
    with pytest.raises(RuntimeError, match="no more"):
        Lab(name).up()
    assert _traces(name) == []


def test_a_program_that_ignores_the_end_is_ended() -> None:
    with Lab.temporary("stub") as lab:
        child = lab.host("clinic").popen(
            ["sh", "-c", "trap '' TERM; echo set; while :; do read line; done"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"set\n"
    child.stdin.close()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL


@pytest.mark.parametrize(("verb", "where", "count"), STAGES)
def test_up_clears_what_a_crash_left(name: str, verb: str, where: str, count: int) -> None:
    _crash(name, verb, where, count)
    lab = Lab(name)
    lab.up()
    assert namespace.processes(list(lab.namespaces.values())) == []
    lab.down()
    assert _traces(name) == []


@pytest.mark.parametrize(("verb", "where", "count"), STAGES)
def test_down_clears_what_a_crash_left(name: str, verb: str, where: str, count: int) -> None:
    _crash(name, verb, where, count)
    with suppress(UnknownLabError):  # where it died before it had made anything
        Lab(name).down()
    assert _traces(name) == []


def test_a_crash_ends_no_stranger_whose_number_stands_in_a_pid_file(name: str) -> None:
    _crash(name, "up", "State.mark_up", 1)
    with subprocess.Popen(["sleep", "600"]) as stranger:
        wreck = state.State(name)
        wreck.remember("b2bua", Process(stranger.pid, 1), ["b2bua"])
        Lab(name).down()
        identity = Process.of(stranger.pid)
        assert identity is not None
        assert identity.alive()
        stranger.kill()


def test_a_living_lab_is_not_cleared_by_another_process(name: str) -> None:
    holder, other = Lab(name), Lab(name)
    holder.up()
    with pytest.raises(LabBusyError):
        other.up()
    with pytest.raises(LabBusyError):
        other.down()
    holder.leave()
    with pytest.raises(LabUpError):
        other.up()
    other.down()
    assert _traces(name) == []


def test_the_next_test_clears_what_a_killed_one_left(name: str) -> None:
    _crash(name, "down", "processes.end", 1)
    assert state.State(name).wrecked
    with Lab.temporary("next"):
        assert _traces(name) == []


def test_a_lab_that_is_not_there_cannot_be_taken_down(name: str) -> None:
    with pytest.raises(UnknownLabError):
        Lab(name).down()
    assert _traces(name) == []


def test_two_labs_do_not_disturb_each_other(probe: Probe) -> None:
    with Lab.temporary("left") as left:
        with Lab.temporary("right") as right:
            for lab in (left, right):
                assert probe(lab, "hospital", lab.host("municipality").address(), "municipality")
            stranger = left.host("municipality")
            with stranger.socket() as inbox, right.host("hospital").socket() as outbox:
                inbox.bind((stranger.address(), 7008))
                inbox.settimeout(0.3)
                outbox.sendto(b"probe", (stranger.address(), 7008))
                with pytest.raises(TimeoutError):
                    inbox.recv(100)
        assert probe(left, "home", left.host("clinic").address(), "clinic") == "198.51.100.130"
        assert namespace.named(f"vdx-{right.name}-") == []


def test_the_command_line_captures(tmp_path: Path) -> None:
    file = tmp_path / "clinic.pcap"
    with Lab.temporary("watch") as lab:
        clinic = lab.host("clinic")
        command = [sys.executable, "-m", "lab", "capture", "--name", lab.name, "-w", str(file), "clinic", "udp"]
        with subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True) as watching:
            assert watching.stderr is not None
            assert any("listening on" in line for line in watching.stderr)
            with clinic.socket() as outbox:
                outbox.sendto(b"seen by the command", ("198.51.100.1", 7010))
            watching.send_signal(signal.SIGINT)
            watching.communicate(timeout=30)
    assert watching.returncode == 0
    assert b"seen by the command" in file.read_bytes()


def test_the_command_line_brings_a_lab_up_and_down(name: str) -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lab", *arguments, "--name", name],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    up = command("up", "--hosts-only")
    assert (up.returncode, up.stderr) == (0, "")
    assert f"Lab {name} is up." in up.stdout
    again = command("up", "--hosts-only")
    assert again.returncode == 2
    assert "is up already" in again.stderr
    execute = subprocess.run(
        [sys.executable, "-m", "lab", "exec", "--name", name, "home", "sh", "-c", "cat /proc/net/dev; exit 7"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert execute.returncode == 7
    assert "eth0:" in execute.stdout
    assert command("down").returncode == 0
    assert _traces(name) == []
    assert command("down").returncode == 2
