"""Wires of a scripted peer that show or check certificates: SIP over TLS, and a browser's WebSocket."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.peers.host import Host, family, hostport
from tests.peers.wires import CONNECT_SECONDS, Place, Tcp


class Tls(Tcp):
    """SIP over TLS, both ways: `certificate` and `key` are shown, `root` vouches for the other end."""

    def __init__(self, host: Host, address: str, port: int, root: Path, certificate: Path | None, key: Path) -> None:
        self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client.check_hostname = False  # the edge is known by its root
        for context in (self._server, self._client):
            context.load_verify_locations(root)
            if certificate is not None:
                context.load_cert_chain(certificate, key)
        self._server.verify_mode = ssl.CERT_REQUIRED  # the edge shows its own when it calls
        super().__init__(host, address, port)

    def _secured(self, one: socket.socket, *, accepted: bool) -> socket.socket:
        one.settimeout(CONNECT_SECONDS)
        context = self._server if accepted else self._client
        return context.wrap_socket(one, server_side=accepted)

    def _read(self, one: socket.socket) -> bytes:
        assert isinstance(one, ssl.SSLSocket)
        data = b""
        with suppress(OSError):
            data = one.recv(65536)
            while one.pending():  # select does not know of it
                data += one.recv(65536)
        return data


class Web:
    """A browser's WebSocket to one place; only it opens the connection (RFC 7118)."""

    def __init__(self, host: Host, to: Place, root: Path, origin: str, path: str = "/sip") -> None:
        context = ssl.create_default_context(cafile=str(root))
        raw = host.socket(family(to[0]), socket.SOCK_STREAM)
        raw.settimeout(CONNECT_SECONDS)
        raw.connect(to)
        self.port: int = raw.getsockname()[1]
        self._to = to
        self._open = ExitStack()
        self._page: ClientConnection = self._open.enter_context(
            connect(
                f"wss://{hostport(*to)}{path}",
                sock=raw,
                ssl=context,
                origin=Origin(origin),
                subprotocols=[Subprotocol("sip")],
                proxy=None,
            )
        )

    def send(self, data: bytes, to: Place) -> None:
        """Send one message; wherever it is meant for, it goes to the one place."""
        del to
        self._page.send(data.decode())

    def receive(self, deadline: float) -> tuple[bytes, Place] | None:
        """Return the next message."""
        try:
            while True:
                came = self._page.recv(max(0.0, deadline - time.monotonic()))
                data = came.encode() if isinstance(came, str) else came
                if data.strip(b"\r\n"):
                    return data, self._to
        except (TimeoutError, ConnectionClosed):
            return None

    def close(self) -> None:
        """Close the WebSocket."""
        self._open.close()
