"""IPv4 to IPv6 through mediad, under the same leases."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.gatewayd.edge import CHECKOUT, MEDIAD, Edge, Owner, arrives, eventually
from vdx.pinhole import (
    Change,
    Done,
    End,
    Learned,
    Lease,
    Leased,
    Release,
    Released,
    Remote,
    Renew,
    Renewed,
    SetRemote,
    Stream,
)

pytestmark = pytest.mark.system

CALL = "abcdefghijklm"
LEASE = f"{CALL}.0"


def start_mediad(machine: Edge) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mediad", "--run-dir", str(machine.run_dir)]
    machine.run_dir.mkdir(exist_ok=True)
    os.chown(machine.run_dir, MEDIAD, MEDIAD)
    log = (machine.directory / "mediad.log").open("ab")
    with log:
        process = machine.on(
            "edge",
            lambda: subprocess.Popen(command, cwd=CHECKOUT, stdout=log, stderr=log, user=MEDIAD, group=MEDIAD),
        )
    machine.children.append(process)
    eventually((machine.run_dir / "mediad.sock").exists)
    return process


def connected(machine: Edge) -> bool:
    return bool(json.loads(machine.ctl("--json", "status").stdout)["facts"]["mediad"] == "connected")


def lease(machine: Edge, owner: Owner, room: socket.socket, far: End) -> tuple[tuple[str, int], tuple[str, int]]:
    a = End("sdn", "hospital", 4, Remote("10.0.0.2", room.getsockname()[1]))
    opened = owner.ask(Lease(1, CALL, (Stream(LEASE, "rtp", a, far),)))
    assert isinstance(opened, Leased), (opened, machine.log())
    ends = opened.streams[0]
    assert ends.b.address == "2001:db8:b::1"
    return (ends.a.address, ends.a.port), (ends.b.address, ends.b.port)


@pytest.fixture
def mediad(machine: Edge) -> subprocess.Popen[bytes]:
    process = start_mediad(machine)
    machine.start()
    eventually(lambda: connected(machine))
    return process


def test_media_crosses_families_and_a_foreign_source_does_not(machine: Edge, mediad: subprocess.Popen[bytes]) -> None:
    owner = machine.owner()
    room, phone = machine.udp("left", "10.0.0.2"), machine.udp("right", "2001:db8:b::2")
    stranger = machine.udp("left", "10.0.0.3")
    a, b = lease(machine, owner, room, End("internet", "clinic", 6, Remote("2001:db8:b::2", phone.getsockname()[1])))
    assert arrives(room, a, phone)[1][:2] == b
    assert arrives(phone, b, room) == (b"media", a)
    assert arrives(stranger, a, phone) is None
    renewed = owner.ask(Renew(2, (LEASE,)))
    assert isinstance(renewed, Renewed)
    assert (renewed.usage[0].a.packets, renewed.usage[0].b.packets) == (1, 1)
    other = machine.udp("left", "10.9.0.2")
    assert owner.ask(SetRemote(3, (Change(LEASE, "a", Remote("10.9.0.2", other.getsockname()[1])),))) == Done(3)
    assert arrives(phone, b, other)
    released = owner.ask(Release(4, (LEASE,)))
    assert isinstance(released, Released)
    assert (released.usage[0].a.packets, released.usage[0].b.packets) == (1, 2)
    assert arrives(phone, b, other) is None
    listening = machine.on("edge", lambda: subprocess.run(["ss", "-Huan"], capture_output=True, text=True, check=True))
    assert f":{a[1]}" not in listening.stdout
    assert mediad.poll() is None


def test_a_learned_source_across_families(machine: Edge, mediad: subprocess.Popen[bytes]) -> None:
    assert mediad.poll() is None
    owner = machine.owner()
    room, phone = machine.udp("left", "10.0.0.2"), machine.udp("right", "2001:db8:b::2")
    _, b = lease(machine, owner, room, End("internet", "citizen", 6, signalled_from="2001:db8:b::2"))
    assert arrives(phone, b, room)
    assert owner.event() == Learned(LEASE, "b", Remote("2001:db8:b::2", phone.getsockname()[1]))
    assert arrives(phone, b, room)


def test_a_new_mediad_gets_all_streams(machine: Edge, mediad: subprocess.Popen[bytes]) -> None:
    owner = machine.owner()
    room, phone = machine.udp("left", "10.0.0.2"), machine.udp("right", "2001:db8:b::2")
    _, b = lease(machine, owner, room, End("internet", "clinic", 6, Remote("2001:db8:b::2", phone.getsockname()[1])))
    assert arrives(phone, b, room)
    mediad.send_signal(signal.SIGKILL)
    mediad.wait(10)
    assert arrives(phone, b, room) is None
    again = start_mediad(machine)
    assert eventually(lambda: arrives(phone, b, room))
    # and a new gatewayd leaves it alone
    machine.stop(signal.SIGKILL)
    assert arrives(phone, b, room)
    machine.start()
    eventually(lambda: connected(machine))
    assert arrives(phone, b, room)
    assert again.poll() is None
