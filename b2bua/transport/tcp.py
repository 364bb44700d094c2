"""Sockets that connections come in through: bound to one address of one zone."""

from __future__ import annotations

import socket

from b2bua.transport.errors import ListenError
from b2bua.transport.listener import Listener
from b2bua.transport.mark import mark


def listen(listener: Listener) -> socket.socket:
    """Bind and listen. Raises ListenError."""
    family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        mark(bound)
        bound.bind((listener.address, listener.port))
        bound.listen(socket.SOMAXCONN)
    except OSError as error:
        bound.close()
        raise ListenError(listener, error) from error
    return bound
