from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixer.worker import packets

SOCK = socket.SOCK_DGRAM


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as one,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other,
    ):
        one.bind(("127.0.0.1", 0))
        other.connect(one.getsockname())
        one.setblocking(False)
        yield one, other


def passes(ends: tuple[socket.socket, socket.socket], packet: bytes) -> bool:
    """Loopback delivers before send returns: what is not there now was dropped."""
    one, other = ends
    other.send(packet)
    try:
        return one.recv(2000) == packet
    except BlockingIOError:
        return False


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.binary(min_size=1, max_size=40), st.sets(st.integers(0, 127), max_size=9), st.booleans())
def test_the_kernel_lets_through_what_was_agreed(
    ends: tuple[socket.socket, socket.socket], packet: bytes, types: set[int], shared: bool
) -> None:
    packets.attach(ends[0], packets.rtp(types, rtcp=shared))
    plain = len(packet) > 1 and packet[0] >> 6 == 2
    control = plain and 192 <= packet[1] <= 223
    wanted = plain and ((control and shared) or packet[1] & 127 in types)
    assert passes(ends, packet) == wanted
    packets.attach(ends[0], packets.rtcp())
    assert passes(ends, packet) == control


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_only_the_other_side_is_heard(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    packet, kinds = b"\x80\x08" + bytes(10), packets.rtp({8}, rtcp=False)
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as one, closing(socket.socket(family, SOCK)) as other:
        one.bind((host, 0))
        one.setblocking(False)
        other.connect(one.getsockname())
        for there, heard in ((host, True), (None, False), ("192.0.2.1", False), ("2001:db8::1", False)):
            packets.attach(one, packets.only_from(there, kinds))
            assert passes((one, other), packet) is heard
            assert not passes((one, other), b"\x80\x09" + bytes(10))


def test_what_waited_is_thrown_away(ends: tuple[socket.socket, socket.socket]) -> None:
    for _ in range(10):
        ends[1].send(b"old")
    packets.drain(ends[0])
    assert passes(ends, b"new")
