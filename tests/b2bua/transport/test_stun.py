"""STUN keepalives at SIP sockets."""

from __future__ import annotations

import asyncio
import socket
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.transport import Listener
from b2bua.transport.stun import answer, is_stun
from tests.b2bua.transport.station import LOOPBACK, PATIENCE, Station

# RFC 5769 2.1 to 2.3: the addresses 192.0.2.1 and 2001:db8:1234:5678:11:2233:4455:6677, port 32853, as they are XORed
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
REQUEST = bytes.fromhex("000100002112a442") + TRANSACTION
IPV4 = bytes.fromhex("002000080001a147e112a643")
IPV6 = bytes.fromhex("002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9")


@pytest.mark.parametrize(
    ("source", "mapped"),
    [(("192.0.2.1", 32853), IPV4), (("2001:db8:1234:5678:11:2233:4455:6677", 32853), IPV6)],
)
def test_the_source_is_told(source: tuple[str, int], mapped: bytes) -> None:
    told = answer(REQUEST, source)
    assert told is not None
    assert told[:2] == b"\x01\x01"
    assert int.from_bytes(told[2:4]) == len(told) - 20
    assert told[4:20] == REQUEST[4:20]
    assert told[20 : 20 + len(mapped)] == mapped
    fingerprint = told[20 + len(mapped) :]
    assert fingerprint[:4] == b"\x80\x28\x00\x04"
    assert int.from_bytes(fingerprint[4:]) == zlib.crc32(told[:-8]) ^ 0x5354554E
    assert len(told) <= 52


@pytest.mark.parametrize(
    "data",
    [
        b"",
        REQUEST[:-1],
        REQUEST + b"\0",  # a length that is not its own
        b"\x00\x01\x00\x04" + REQUEST[4:],
        b"\x00\x11" + REQUEST[2:],  # an indication
        b"\x01\x01" + REQUEST[2:],  # an answer: nobody answers answers
        b"\x00\x03" + REQUEST[2:],  # allocate, of TURN
        REQUEST[:4] + b"\0\0\0\0" + REQUEST[8:],
        b"\x00\x01\x03\xe8" + REQUEST[4:] + b"\0" * 1000,
    ],
)
def test_nothing_else_is_answered(data: bytes) -> None:
    assert answer(data, ("192.0.2.1", 1)) is None


@given(st.binary(max_size=600), st.booleans())
def test_any_octets_are_safe(data: bytes, dressed: bool) -> None:
    told = answer(REQUEST[:8] + data if dressed else data, ("2001:db8::1", 5060))
    assert told is None or len(told) == 52


def test_sip_is_no_stun() -> None:
    assert not is_stun(b"OPTIONS sip:a@b SIP/2.0\r\n\r\n")
    assert not is_stun(b"\r\n\r\n" + b"\0" * 30)


def test_a_socket_answers() -> None:
    async def scene() -> None:
        station = Station()
        await station.shell.open([Listener("lan", "udp", LOOPBACK, 0)])
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.bind((LOOPBACK, 0))
            phone.setblocking(False)
            phone.connect((LOOPBACK, station.listener("udp").port))
            await loop.sock_sendall(phone, REQUEST)
            told = await asyncio.wait_for(loop.sock_recv(phone, 999), PATIENCE)
            assert told == answer(REQUEST, phone.getsockname())
        await station.shell.close()
        assert not station.endpoint.dropped

    asyncio.run(scene())
