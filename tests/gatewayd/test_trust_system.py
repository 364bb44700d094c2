"""Only our own programs are talked to, whoever has taken their sockets."""

from __future__ import annotations

import ctypes
import os
import socket

import pytest

from lab import namespace
from tests.gatewayd.edge import MEDIAD, OTHER_OWNER, OWNER, SETRESUID, STRANGER, Edge, eventually

pytestmark = pytest.mark.system

CASES = [("mediad.sock", socket.SOCK_SEQPACKET, MEDIAD), ("control.sock", socket.SOCK_STREAM, OWNER)]


def listener(machine: Edge, name: str, kind: int, user: int) -> socket.socket:
    """Listen in the run directory as a user."""
    made = socket.socket(socket.AF_UNIX, kind)
    machine.opened.append(made)
    made.settimeout(10)
    machine.run_dir.mkdir(exist_ok=True)
    made.bind(str(machine.run_dir / name))

    def listen() -> None:
        # the user of a thread alone: what the kernel notes as the listener's is the thread's
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syscall(SETRESUID, -1, user, -1):
            raise OSError(ctypes.get_errno(), "setresuid")
        made.listen()

    namespace.in_thread(listen)
    return made


def heard(machine: Edge, listening: socket.socket) -> bytes:
    """Give the first that gatewayd says to a listener, nothing where it only hangs up."""
    connection, _ = listening.accept()
    machine.opened.append(connection)
    connection.settimeout(10)
    return connection.recv(1 << 16)


@pytest.mark.parametrize("user", [STRANGER, OTHER_OWNER])
@pytest.mark.parametrize(("name", "kind", "_right"), CASES)
def test_a_stranger_is_told_nothing(machine: Edge, name: str, kind: int, _right: int, user: int) -> None:
    stranger = listener(machine, name, kind, user)
    machine.start()
    assert [heard(machine, stranger) for _ in range(3)] == [b""] * 3
    assert machine.log().count(f".refused: user {user} listens at its socket") == 1
    program = {"mediad.sock": "mediad", "control.sock": "b2bua"}[name]
    status = machine.ctl("status").stdout
    assert [line.split()[-1] for line in status.splitlines() if line.split()[:1] == [program]] == ["away"]


@pytest.mark.parametrize(("name", "kind", "user"), CASES)
def test_the_users_of_our_programs_are_spoken_to(machine: Edge, name: str, kind: int, user: int) -> None:
    program = listener(machine, name, kind, user)
    machine.start()
    assert heard(machine, program).startswith(b'{"op":')


def test_a_program_that_comes_after_a_stranger_is_spoken_to(machine: Edge) -> None:
    stranger = listener(machine, "mediad.sock", socket.SOCK_SEQPACKET, STRANGER)
    machine.start()
    assert heard(machine, stranger) == b""
    (machine.run_dir / "mediad.sock").unlink()
    ours = listener(machine, "mediad.sock", socket.SOCK_SEQPACKET, os.getuid())
    assert heard(machine, ours).startswith(b'{"op":"list"')
    assert eventually(lambda: "mediad.connected" in machine.log())
