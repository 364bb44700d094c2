"""What a confined process can no longer do."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mixer.worker.confine import program

pytestmark = pytest.mark.system

TRIES = """
import json, os, socket, threading
from mixer.worker.confine import confine
kept = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
kept.bind(("127.0.0.1", 0))
ready, go = threading.Event(), threading.Event()
said = []
def refused(what, *given):
    try:
        what(*given)
    except PermissionError:
        return "refused"
    return "done"
def other():
    ready.set()
    go.wait()
    said.append(("thread", refused(socket.socket)))
thread = threading.Thread(target=other)
thread.start()
ready.wait()
confine("nobody")
go.set()
thread.join()
said.append(("udp", refused(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)))
said.append(("netlink", refused(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW)))
said.append(("connect", refused(kept.connect, ("127.0.0.1", 9))))
said.append(("program", refused(os.execv, "/bin/true", ["true"])))
said.append(("root", refused(os.setuid, 0)))
said.append(("file", refused(open, "/etc/shadow")))
said.append(("send", refused(kept.sendto, b"x", kept.getsockname())))
print(json.dumps(dict(said)))
"""


def test_nothing_is_left_but_the_sockets_it_has() -> None:
    done = subprocess.run([sys.executable, "-c", TRIES], capture_output=True, text=True, timeout=20, check=True)
    assert json.loads(done.stdout) == {
        **dict.fromkeys(("thread", "udp", "netlink", "connect", "program", "root", "file"), "refused"),
        "send": "done",
    }


def test_the_network_of_a_confined_process_is_empty() -> None:
    code = (
        "import os; from mixer.worker.confine import confine; before = os.readlink('/proc/self/ns/net');"
        "confine('nobody'); print(before != os.readlink('/proc/thread-self/ns/net'),"
        " open('/proc/thread-self/net/dev').read().count(':'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.split() == ["True", "1"]


@pytest.mark.parametrize("root", [True, False])
def test_no_capability_is_left_not_even_in_a_namespace_of_its_own(*, root: bool) -> None:
    become = "confine('nobody')" if root else "os.setresuid(65534, 65534, 65534); confine(None)"
    code = (
        f"import os; from mixer.worker.confine import confine; {become};"
        " print(*[line.split()[1] for line in open('/proc/thread-self/status') if line.startswith('Cap')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert {int(each, 16) for each in done.stdout.split()[:3]} == {0}


@pytest.mark.parametrize(("user", "reason"), [("root", "does not run as root"), ("who-ever", "no user who-ever")])
def test_a_worker_does_not_start_as_nobody_knows_whom(user: str, reason: str) -> None:
    code = f"from mixer.worker.confine import confine; confine({user!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0
    assert reason in done.stderr


def test_both_machines_have_a_filter() -> None:
    assert len(program("x86_64")) == len(program("aarch64")) > 8 * 20
