"""The control and pinhole sockets of the program, over real UNIX sockets and real SIP sockets on loopback."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec import structs

from b2bua.bus import RoomLink
from b2bua.call.gateway import Gateway
from b2bua.control import Control
from b2bua.going import Going
from b2bua.ids import GatewayIds
from b2bua.listeners import SiteListeners
from b2bua.lookups import Lookups
from b2bua.pinholes import PinholeClient
from b2bua.seeing import Sight
from b2bua.sip import Flow
from b2bua.transport import Shell
from vdx import control, pinhole, wire
from vdx.access import PeerAccess, SecretPlace
from vdx.control import FromB2bua, Signalling, SipListener, SipPeer
from vdx.dialplan import DialRule, HostTarget, PeerDial
from vdx.drain import Drain, Undrain
from vdx.explain import Explain, Explained
from vdx.metrics import MetricList, Metrics
from vdx.record import RecordList, Records
from vdx.trace import Trace, TraceReport

Talk = Callable[[wire.Connection[FromB2bua], Gateway, Shell], Awaitable[None]]


def listener(port: int, transport: str = "udp") -> SipListener:
    return SipListener("sdn", transport, "127.0.0.1", port, "127.0.0.1", port)  # type: ignore[arg-type]


def site(*listeners: SipListener) -> Signalling:
    return Signalling(listeners, (), (), max_calls=10)


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def talk(tmp_path: Path, conversation: Talk) -> None:
    async def main() -> None:
        gateway = Gateway(GatewayIds(), lambda _record: None, time.time)
        shell = Shell(gateway)
        loop = asyncio.get_running_loop()
        steering = Control(
            gateway,
            SiteListeners(shell),
            Lookups(gateway, loop.time, shell.flush),
            Sight(gateway, shell, loop.time, tmp_path),
            RoomLink(None, lambda asked: RecordList(asked.id, ()), Going(list, Counter)),
            loop.time,
            shell.flush,
        )
        path = tmp_path / "control.sock"
        server = await wire.serve(path, control.B2buaServerCodec, steering.serve, mode=0o600)
        connection = await wire.connect(path, control.B2buaClientCodec)
        try:
            await asyncio.wait_for(conversation(connection, gateway, shell), 10)
        finally:
            connection.close()
            server.close()
            await shell.close()
            await asyncio.sleep(0.01)  # the server's side of the connection closes

    asyncio.run(main())


def test_a_version_is_prepared_and_then_activated(tmp_path: Path) -> None:
    async def conversation(connection: wire.Connection[FromB2bua], gateway: Gateway, shell: Shell) -> None:
        first, second = free_port(), free_port()
        connection.send(control.Prepare(1, "v1", site(listener(first))))
        assert await connection.receive() == control.Prepared(1)
        assert gateway.plan.version == "none"
        connection.send(control.Activate(2, "v1"))
        assert await connection.receive() == control.Ok(2)
        assert gateway.plan.version == "v1"
        connection.send(control.Prepare(3, "v2", site(listener(second))))
        assert await connection.receive() == control.Prepared(3)
        assert [one.port for one in shell.listeners] == [first, second]
        connection.send(control.Activate(4, "v2"))
        assert await connection.receive() == control.Ok(4)
        assert [one.port for one in shell.listeners] == [second]

    talk(tmp_path, conversation)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_who_comes_before_a_version_is_active_is_judged_by_it(tmp_path: Path, transport: str) -> None:
    """An appliance that starts knows nobody yet: a 403 would send its peers away, and ban who comes often."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    options = (
        f"OPTIONS sip:edge@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport.upper()} 127.0.0.1;rport;branch=z9hG4bKearly"
        "\r\nMax-Forwards: 70\r\nFrom: <sip:p@x>;tag=p\r\nTo: <sip:p@x>\r\nCall-ID: early\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    )

    async def conversation(connection: wire.Connection[FromB2bua], gateway: Gateway, _shell: Shell) -> None:
        port, loop = free_port(kind), asyncio.get_running_loop()
        peer = SipPeer("hospital", "sdn", ("127.0.0.1/32",), 4)
        connection.send(control.Prepare(1, "v1", structs.replace(site(listener(port, transport)), peers=(peer,))))
        assert await connection.receive() == control.Prepared(1)
        with socket.socket(socket.AF_INET, kind) as early:
            early.setblocking(False)
            await loop.sock_connect(early, ("127.0.0.1", port))
            await loop.sock_sendall(early, options.encode())
            for number in (2, 3):
                connection.send(control.Status(number))
                assert isinstance(await connection.receive(), control.StatusReport)
            assert not gateway.endpoint.dropped
            connection.send(control.Activate(4, "v1"))
            assert await connection.receive() == control.Ok(4)
            assert (await loop.sock_recv(early, 65_536)).startswith(b"SIP/2.0 200 ")

    talk(tmp_path, conversation)


def test_a_port_already_taken_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    async def conversation(connection: wire.Connection[FromB2bua], gateway: Gateway, shell: Shell) -> None:
        good = free_port()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            connection.send(control.Prepare(1, "v1", site(listener(good), listener(port))))
            reply = await connection.receive()
        assert isinstance(reply, control.Prepared)
        assert len(reply.errors) == 1
        assert f"UDP port {port} on 127.0.0.1 of zone sdn is taken by another program" in reply.errors[0]
        assert shell.listeners == []
        connection.send(control.Activate(2, "v1"))
        assert isinstance(await connection.receive(), pinhole.Refused)
        assert gateway.plan.version == "none"

    talk(tmp_path, conversation)


def test_a_reverted_version_leaves_the_active_one(tmp_path: Path) -> None:
    async def conversation(connection: wire.Connection[FromB2bua], _gateway: Gateway, shell: Shell) -> None:
        first = free_port()
        for message in (
            control.Prepare(1, "v1", site(listener(first))),
            control.Activate(2, "v1"),
            control.Prepare(3, "v2", site(listener(first), listener(free_port(socket.SOCK_STREAM), "tcp"))),
            control.Revert(4, "v2"),
        ):
            connection.send(message)
            assert isinstance(await connection.receive(), control.Prepared | control.Ok)
        assert [one.port for one in shell.listeners] == [first]

    talk(tmp_path, conversation)


def test_secrets_that_cannot_be_read_stand_against_a_version(tmp_path: Path) -> None:
    async def conversation(connection: wire.Connection[FromB2bua], gateway: Gateway, shell: Shell) -> None:
        secrets = tmp_path / "rooms"
        peer = SipPeer("rooms", "sdn", (), 4, access=PeerAccess(SecretPlace(str(secrets)), registers=True))
        version = structs.replace(site(listener(free_port())), peers=(peer,))
        connection.send(control.Prepare(1, "v1", version))
        assert await connection.receive() == control.Prepared(
            1, (f"peer rooms: {secrets} cannot be read: No such file or directory",)
        )
        assert shell.listeners == []
        secrets.write_text("room-1 password secret\n")
        secrets.chmod(0o600)
        for message in (control.Prepare(2, "v1", version), control.Activate(3, "v1")):
            assert gateway.access.keyring.users == {}
            connection.send(message)
            assert isinstance(await connection.receive(), control.Prepared | control.Ok)
        assert {*gateway.access.keyring.users["sdn"].by_name} == {"room-1"}
        connection.send(control.Registrations(4))
        assert await connection.receive() == control.RegistrationList(4, ())

    talk(tmp_path, conversation)


def test_status_and_unknown_calls(tmp_path: Path) -> None:
    async def conversation(connection: wire.Connection[FromB2bua], _gateway: Gateway, _shell: Shell) -> None:
        connection.send(control.Status(1))
        report = await connection.receive()
        assert isinstance(report, control.StatusReport)
        assert report.facts["calls"] == 0
        connection.send(control.Hangup(2, "a" * 13))
        assert isinstance(await connection.receive(), pinhole.Refused)
        connection.send(control.Calls(3))
        assert await connection.receive() == control.CallList(3, ())

    talk(tmp_path, conversation)


def test_traces_records_and_numbers_are_told(tmp_path: Path) -> None:
    async def conversation(connection: wire.Connection[FromB2bua], gateway: Gateway, _shell: Shell) -> None:
        options = b"OPTIONS sip:x SIP/2.0\r\nCall-ID: a\r\n\r\n"
        flow = Flow("udp", ("127.0.0.1", 5060), ("192.0.2.9", 5060), "sdn", 1, ("127.0.0.1", 5060))
        gateway.receive(options, flow, 1.0)
        connection.send(Trace(1, source="192.0.2.9"))
        report = await connection.receive()
        assert isinstance(report, TraceReport)
        assert [(entry.title, entry.inward) for entry in report.entries] == [("OPTIONS sip:x", True)]
        connection.send(Trace(2, "a" * 13))
        assert isinstance(await connection.receive(), pinhole.Refused)
        connection.send(Records(3, 0))
        assert await connection.receive() == RecordList(3, ())
        connection.send(Metrics(4))
        numbers = await connection.receive()
        assert isinstance(numbers, MetricList)
        found = {series.name: [sample.value for sample in series.samples] for series in numbers.series}
        assert found["vdx_calls"] == [0]
        assert found["vdx_queue_depth"] == [0, 0, 0]

    talk(tmp_path, conversation)


def test_calls_are_explained_beside_what_else_is_asked(tmp_path: Path) -> None:
    async def conversation(connection: wire.Connection[FromB2bua], gateway: Gateway, _shell: Shell) -> None:
        lost = DialRule("site.yaml:3", "*", to="lost")
        peers = (
            SipPeer("hospital", "sdn", ("127.0.0.0/8",), 4),
            SipPeer("lost", "sdn", (), 4, dial=PeerDial(host=HostTarget("lost.example"))),
        )
        connection.send(control.Prepare(1, "v1", Signalling((listener(free_port()),), peers, (lost,), max_calls=10)))
        connection.send(control.Activate(2, "v1"))
        connection.send(Explain(3, "hospital", "ward"))
        connection.send(control.Calls(4))
        answers = {answer.id: answer for answer in [await connection.receive() for _ in range(4)] if answer}
        explained = answers[3]
        assert isinstance(explained, Explained)
        assert explained.status == 504  # the site names no DNS server
        assert [step.step for step in explained.steps] == ["identify", "dialled", "rule", "route", "names", "outcome"]
        assert answers[4] == control.CallList(4, ())
        assert not gateway.counts["invites"]

    talk(tmp_path, conversation)


def test_out_of_service_and_back(tmp_path: Path) -> None:
    async def conversation(connection: wire.Connection[FromB2bua], gateway: Gateway, _shell: Shell) -> None:
        for number, message in enumerate((Drain(1, 60.0), Drain(2), Undrain(3)), 1):
            connection.send(message)
            assert await connection.receive() == control.Ok(number)
            connection.send(control.Status(9))
            status = await connection.receive()
            assert isinstance(status, control.StatusReport)
            said = str(status.facts.get("draining", ""))
            assert said.startswith(("calls end in ", "calls end when they like", "")[number - 1])
            assert bool(said) == (number < 3)
        assert gateway.drain.by is None

    talk(tmp_path, conversation)


def test_garbage_ends_only_its_connection(tmp_path: Path) -> None:
    async def conversation(connection: wire.Connection[FromB2bua], _gateway: Gateway, _shell: Shell) -> None:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "control.sock")
        writer.write(b'{"op": "activate", "id": -1}\n')
        assert await reader.read() == b""
        writer.close()
        connection.send(control.Status(1))
        assert await connection.receive()

    talk(tmp_path, conversation)


def test_the_pinhole_client_connects_again_and_states_what_is_held(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "pinhole.sock"
        gateway = Gateway(GatewayIds(), lambda _record: None, time.time)
        loop = asyncio.get_running_loop()
        client = PinholeClient(path, gateway, loop.time, lambda: None)
        running = asyncio.create_task(client.run())
        for _ in range(2):  # gatewayd, and gatewayd restarted
            held: asyncio.Future[pinhole.Request | None] = loop.create_future()

            async def serve(
                connection: wire.Connection[pinhole.Request], held: asyncio.Future[pinhole.Request | None] = held
            ) -> None:
                held.set_result(await connection.receive())

            server = await wire.serve(path, pinhole.GatewayCodec, serve, mode=0o600)
            assert await asyncio.wait_for(held, 10) == pinhole.Hold(0, ())
            server.close()
            path.unlink()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
