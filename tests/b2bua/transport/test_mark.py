from __future__ import annotations

import socket

import pytest

from b2bua.transport import Listener
from b2bua.transport.mark import CS3, mark
from b2bua.transport.tcp import listen
from b2bua.transport.udp import UdpSocket


def octet(one: socket.socket) -> int:
    """Give what a socket writes into the octet of DSCP and ECN."""
    if one.family == socket.AF_INET6:
        return one.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS)
    return one.getsockopt(socket.IPPROTO_IP, socket.IP_TOS)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_socket_is_marked(family: socket.AddressFamily, kind: socket.SocketKind) -> None:
    with socket.socket(family, kind) as one:
        mark(one)
        assert octet(one) == CS3 == 0x60


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_what_a_listener_accepts_is_marked(host: str) -> None:
    bound = listen(Listener("sdn", "tcp", host, 0))
    with bound, socket.create_connection(bound.getsockname()[:2]) as far:
        bound.setblocking(True)
        accepted, _ = bound.accept()
        with accepted:
            assert octet(accepted) == CS3
        assert octet(far) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_datagrams_are_marked(host: str) -> None:
    server = UdpSocket(Listener("sdn", "udp", host, 0), 1, lambda _data, _flow: None)
    try:
        assert octet(server.socket) == CS3
    finally:
        server.close()
