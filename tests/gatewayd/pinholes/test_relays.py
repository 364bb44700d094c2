from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from gatewayd.errors import RefusalError
from gatewayd.pinholes.leases import Leases
from gatewayd.pinholes.relays import RelayLink
from gatewayd.trust import Trust
from tests.gatewayd.pinholes.test_desk import Bench, stream
from vdx.pinhole import End
from vdx.relay import ListRelays, MediadCodec


async def first_packet(path: Path, trust: Trust) -> tuple[bytes, bool]:
    """Listen as mediad does; gives the first packet, empty for an end, and whether the link counts as connected."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.setblocking(False)
        listener.bind(str(path))
        listener.listen()
        link = RelayLink(path, trust, Leases, lambda _leases, _reason: None)
        running = asyncio.ensure_future(link.run())
        try:
            connection, _ = await asyncio.wait_for(loop.sock_accept(listener), 10)
            with connection:
                packet = await asyncio.wait_for(loop.sock_recv(connection, 4096), 10)
                return packet, link.connected
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def test_mediad_is_asked_what_it_relays(tmp_path: Path) -> None:
    packet, connected = asyncio.run(first_packet(tmp_path / "socket", Trust("mediad", {os.getuid()})))
    assert MediadCodec.decode(packet) == ListRelays(1)
    assert connected


def test_a_stranger_at_the_socket_is_handed_nothing(tmp_path: Path) -> None:
    assert asyncio.run(first_packet(tmp_path / "socket", Trust("mediad", {os.getuid() + 1}))) == (b"", False)


def test_without_mediad_a_stream_between_families_is_refused(tmp_path: Path) -> None:
    bench = Bench()
    bench.open(stream(a=End("sdn", "hospital", 6)))
    (held,) = bench.desk.leases
    link = RelayLink(tmp_path / "socket", Trust("mediad", ()), Leases, lambda _leases, _reason: None)
    with pytest.raises(RefusalError, match="mediad, which relays between families"):
        link.serve(held)
