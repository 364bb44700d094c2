"""Where the far end of a pipe is, as its socket takes it; names are never resolved here."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from mediad.errors import RelayError
from vdx.pinhole import Remote
from vdx.relay import Pipe

SocketAddress = tuple[str, int] | tuple[str, int, int, int]


def reach(pipe: Pipe, end: str, through: socket.socket) -> SocketAddress | None:
    """Return the remote of one end ("a" or "b") of a pipe; raises `RelayError` where its socket cannot reach it."""
    remote: Remote | None = getattr(pipe, end)
    if remote is None:
        return None
    try:
        address = ip_address(remote.address)
    except ValueError as error:
        raise RelayError(f"side {end} of {pipe.name}: {remote.address} is not an IP address") from error
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    if family != through.family:
        raise RelayError(f"side {end} of {pipe.name}: {remote.address} is of another family than its socket")
    return str(address), remote.port
