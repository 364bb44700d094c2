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

PATH = "/sip"


class Tls(Tcp):
    """SIP over TLS, both ways: a certificate is shown with its key, `root` vouches for the other end."""

    def __init__(
        self,
        host: Host,
        address: str,
        port: int,
        root: Path,
        pair: tuple[Path, Path] | None,
        receive_buffer: int | None = None,
    ) -> None:
        self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client.check_hostname = False  # the edge is known by its root
        for context in (self._server, self._client):
            context.load_verify_locations(root)
            if pair is not None:
                context.load_cert_chain(*pair)
        self._server.verify_mode = ssl.CERT_REQUIRED  # the edge shows its own when it calls
        super().__init__(host, address, port, receive_buffer)

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

    def __init__(self, host: Host, to: Place, root: Path, origin: str, receive_buffer: int | None = None) -> None:
        context = ssl.create_default_context(cafile=str(root))
        raw = host.socket(family(to[0]), socket.SOCK_STREAM)
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.settimeout(CONNECT_SECONDS)
        raw.connect(to)
        self.port: int = raw.getsockname()[1]
        self._to = to
        self._open = ExitStack()
        self._page: ClientConnection = self._open.enter_context(
            connect(
                f"wss://{hostport(*to)}{PATH}",
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
