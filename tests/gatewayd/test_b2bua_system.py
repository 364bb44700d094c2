"""A version becomes active in kernel and b2bua together, or in neither."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.gatewayd.edge import Edge, eventually
from tests.gatewayd.test_start_system import state
from vdx import control
from vdx.control import Activate, B2buaServerCodec, FromB2bua, Prepare, Prepared, Revert, ToB2bua
from vdx.drain import Undrain
from vdx.pinhole import Refused

pytestmark = pytest.mark.system

Answer = Callable[[ToB2bua], FromB2bua]

GREETING = [Undrain, Prepare, Activate]
"""What a b2bua hears when it appears: whether it serves, and its version."""


def well(request: ToB2bua) -> FromB2bua:
    return Prepared(request.id) if isinstance(request, Prepare) else control.Ok(request.id)


class B2bua:
    """Answers on control.sock as it is told, and remembers what it was asked."""

    def __init__(self, machine: Edge, answer: Answer) -> None:
        self.asked: list[ToB2bua] = []
        self.answer = answer
        path = machine.run_dir / "control.sock"
        path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.connection: socket.socket | None = None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        with suppress(OSError):
            self.connection, _ = self.listener.accept()
            with self.connection.makefile("rb") as lines:
                for line in lines:
                    request = B2buaServerCodec.decode(line)
                    self.asked.append(request)
                    self.connection.sendall(B2buaServerCodec.encode(self.answer(request)))

    def close(self) -> None:
        for each in (self.connection, self.listener):
            if each:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
        self.thread.join(10)

    def kinds(self) -> list[type]:
        return [type(request) for request in self.asked]


@contextmanager
def b2bua(machine: Edge, answer: Answer = well) -> Iterator[B2bua]:
    made = B2bua(machine, answer)
    try:
        yield made
    finally:
        made.close()


def test_a_b2bua_gets_the_version_whenever_it_appears(machine: Edge) -> None:
    machine.start()
    for _ in range(2):
        with b2bua(machine) as peer:
            assert eventually(lambda peer=peer: peer.kinds() == GREETING)  # type: ignore[misc]
            _, prepared, activated = peer.asked
            assert isinstance(prepared, Prepare)
            assert isinstance(activated, Activate)
            assert prepared.version == activated.version
            assert prepared.signalling.listeners[0].address == "10.0.0.1"


def test_a_b2bua_that_refuses_is_asked_again(machine: Edge) -> None:
    machine.start()
    answers = iter((Prepared(2, ("udp 10.0.0.1:5060 is taken",)),))

    def first_no(request: ToB2bua) -> FromB2bua:
        return (next(answers, None) if isinstance(request, Prepare) else None) or well(request)

    with b2bua(machine, first_no) as peer:
        assert eventually(lambda: peer.kinds() == [Undrain, Prepare, Prepare, Activate])
    assert "b2bua: udp 10.0.0.1:5060 is taken" in machine.log()


def test_a_reload_is_prepared_then_applied_then_activated(machine: Edge) -> None:
    machine.start()
    with b2bua(machine) as peer:
        assert eventually(lambda: peer.kinds() == GREETING)
        seen: list[str] = []

        def look(request: ToB2bua) -> FromB2bua:
            if isinstance(request, Prepare | Activate):
                rules, addresses, _ = state(machine)
                seen.append(f"{type(request).__name__} {'10.0.0.9' in addresses} {'10.0.0.9' in rules}")
            return well(request)

        peer.answer = look
        machine.site["zones"]["sdn"]["addresses"].append("10.0.0.9/24")
        machine.write_site()
        assert machine.ctl("reload").returncode == 0, machine.log()
        # a new listener can be bound while it is prepared; packets come through only after that
        assert seen == ["Prepare True False", "Activate True True"]


@pytest.mark.parametrize("stage", [Prepare, Activate])
def test_a_version_that_b2bua_refuses_changes_nothing(machine: Edge, stage: type) -> None:
    machine.start()

    def refuse(request: ToB2bua) -> FromB2bua:
        if isinstance(request, stage):
            if isinstance(request, Prepare):
                return Prepared(request.id, ("udp 10.0.0.1:5060 is taken",))
            return Refused(request.id, "unknown", "the listener went away")
        return well(request)

    with b2bua(machine) as peer:
        assert eventually(lambda: peer.kinds() == GREETING)
        before = state(machine)
        peer.answer = refuse
        machine.site["zones"]["sdn"]["addresses"].append("10.0.0.9/24")
        machine.site["zones"]["sdn"]["routes"][0]["via"] = "10.0.0.3"
        machine.site["zones"]["sdn"]["sip"].append({"transport": "tcp", "address": "10.0.0.9"})
        machine.write_site()
        done = machine.ctl("reload")
        assert done.returncode == 1
        assert done.stderr.strip() in (
            "b2bua: udp 10.0.0.1:5060 is taken",
            f"b2bua did not activate version {getattr(peer.asked[-1], 'version', '')}: the listener went away",
        )
        assert peer.kinds()[-1] is Revert
        assert state(machine) == before


def test_calls_are_passed_on(machine: Edge) -> None:
    machine.start()
    with b2bua(
        machine,
        lambda request: control.CallList(request.id, ()) if isinstance(request, control.Calls) else well(request),
    ) as peer:
        assert eventually(lambda: peer.kinds() == GREETING)
        assert machine.ctl("calls").stdout == "no calls\n"
        assert machine.ctl("hangup", "abcdefghijklm").stdout == "done\n"
        assert peer.asked[-1] == control.Hangup(peer.asked[-1].id, "abcdefghijklm")
