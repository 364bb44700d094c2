"""Connections to PostgreSQL: to whichever of several servers leads, and none for long to one that is gone.

The driver knows several servers too, but counts one limit for all: one behind a line that is cut uses it up, and the
next in the list, which may lead by now, is never asked. And a server that goes without a word is noticed by the kernel
alone, whose own patience is a quarter of an hour: request by request, every connection of the pool would fail.
"""

from __future__ import annotations

import socket
from asyncio import BaseTransport
from typing import Any

import asyncpg
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

HOST_SECONDS = 3.0
"""For one server to answer, TLS and password included."""

GONE_SECONDS = 10
"""After which a server that acknowledges nothing is gone: half the time in which another one is made to lead."""

PROBES = 2
"""Unanswered keepalives of an idle connection, GONE_SECONDS / (PROBES + 1) apart."""


class Line(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection that breaks soon after its other end is gone (RFC 5482; tcp(7))."""

    def __init__(self, protocol: object, transport: BaseTransport, *others: object) -> None:
        super().__init__(protocol, transport, *others)
        line = transport.get_extra_info("socket")
        if line is not None and line.family != socket.AF_UNIX:
            pause = GONE_SECONDS // (PROBES + 1)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, pause)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, pause)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_SECONDS * 1000)


class Leader:
    """Finds the server that leads: the one that did last is asked before the others."""

    def __init__(self) -> None:
        self._last = 0

    def connect(
        self, dialect: Dialect, _record: object, arguments: list[Any], options: dict[str, Any]
    ) -> DBAPIConnection:
        """Open one connection, as SQLAlchemy's event `do_connect`; raises `ConnectionError` where no server leads."""
        hosts, ports = (each if isinstance(each, list) else [each] for each in map(options.get, ("host", "port")))
        faults = []
        for number in [*range(self._last, len(hosts)), *range(self._last)]:
            one = options | {"host": hosts[number], "port": ports[number]} | {"timeout": HOST_SECONDS}
            try:
                connection = dialect.connect(*arguments, **one, connection_class=Line)
            except (OSError, dialect.loaded_dbapi.Error) as error:
                faults.append(f"{hosts[number]}: {error or type(error).__name__}")
            else:
                self._last = number
                return connection
        raise ConnectionError("; ".join(faults))
