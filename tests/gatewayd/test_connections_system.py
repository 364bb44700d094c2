"""Connections through mediad under leases: admitted, adopted by a restarted gatewayd, and closed with their lease."""

from __future__ import annotations

import signal
import socket
import subprocess

import pytest

from tests.gatewayd.edge import Edge, eventually
from tests.gatewayd.test_families_system import connected, start_mediad
from vdx.pinhole import (
    Change,
    Done,
    End,
    Held,
    Hold,
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
ROOM, PHONE, STRANGER = "10.0.0.2", "2001:db8:b::2", "10.0.0.3"
PATIENCE = 10.0  # seconds: longer than a lost SYN takes to be sent again, twice
SOON = 2.0  # seconds in which what is admitted is connected, and what is not certainly is not

Place = tuple[str, int]


@pytest.fixture
def mediad(machine: Edge) -> subprocess.Popen[bytes]:
    process = start_mediad(machine)
    machine.start()
    eventually(lambda: connected(machine))
    return process


def tcp(machine: Edge, host: str, address: str) -> socket.socket:
    """Make a TCP socket at an address of a host; it is closed with the machine."""

    def make() -> socket.socket:
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        one.bind((address, 0))
        one.settimeout(PATIENCE)
        return one

    one = machine.on(host, make)
    machine.opened.append(one)
    return one


def both_ways(one: socket.socket, other: socket.socket) -> None:
    for sender, receiver, said in ((one, other, b"request"), (other, one, b"granted")):
        sender.sendall(said)
        assert receiver.recv(100) == said


def test_a_connection_outlives_gatewayd_and_ends_with_its_lease(machine: Edge, mediad: subprocess.Popen[bytes]) -> None:
    owner = machine.owner()
    listener = tcp(machine, "right", PHONE)
    listener.listen(1)
    a = End("sdn", "hospital", 4, Remote(ROOM, 9), signalled_from=ROOM)
    opened = owner.ask(Lease(1, CALL, (Stream(LEASE, "tcp", a, End("internet", "clinic", 6)),)))
    assert isinstance(opened, Leased), (opened, machine.log())
    ends = opened.streams[0]
    room, stranger = tcp(machine, "left", ROOM), tcp(machine, "left", STRANGER)
    stranger.settimeout(SOON)
    with pytest.raises(OSError, match=r"timed out|unreachable|refused"):
        stranger.connect((ends.a.address, ends.a.port))
    room.connect((ends.a.address, ends.a.port))
    there = Change(LEASE, "b", Remote(PHONE, listener.getsockname()[1]), None, None, connects=True)
    assert owner.ask(SetRemote(2, (there,))) == Done(2)
    phone, source = listener.accept()
    machine.opened.append(phone)
    phone.settimeout(PATIENCE)
    assert source[:2] == (ends.b.address, ends.b.port)
    both_ways(room, phone)

    machine.stop(signal.SIGKILL)
    both_ways(room, phone)
    machine.start()
    eventually(lambda: connected(machine))
    back = machine.owner()
    assert back.ask(Hold(1, (LEASE,))) == Held(1, (LEASE,))
    both_ways(room, phone)
    renewed = back.ask(Renew(2, (LEASE,)))
    assert isinstance(renewed, Renewed)
    assert renewed.gone == ()
    assert renewed.usage[0].a.packets > 0
    assert renewed.usage[0].b.packets > 0
    both_ways(room, phone)

    released = back.ask(Release(3, (LEASE,)))
    assert isinstance(released, Released)
    assert released.usage[0].a.packets > renewed.usage[0].a.packets, "what came after the renewal counts"
    assert room.recv(1) == b""
    assert phone.recv(1) == b""
    assert mediad.poll() is None
    listening = machine.on("edge", lambda: subprocess.run(["ss", "-Htln"], capture_output=True, text=True, check=True))
    assert f":{ends.a.port}" not in listening.stdout
