"""A partner's log collector (RFC 5425): prints every message on a line of its own.

Run inside the namespace of its address, with Python alone: `collector.py ADDRESS CERTIFICATE KEY`.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from contextlib import suppress
from typing import IO

PORT = 6514
MAX_MESSAGE = 1 << 20


def messages(stream: IO[bytes]) -> None:
    """Print what comes, counted by octets (RFC 6587 3.4.1)."""
    while length := b"".join(iter(lambda: stream.read(1), b" ")):
        print(stream.read(min(int(length), MAX_MESSAGE)).decode().rstrip(), flush=True)  # noqa: T201 - read by the test


def receive(tls: ssl.SSLContext, connection: socket.socket) -> None:
    """Take what one sender says."""
    with suppress(OSError, ValueError), tls.wrap_socket(connection, server_side=True) as secured:
        messages(secured.makefile("rb"))


def main(address: str, certificate: str, key: str) -> None:
    """Serve until killed."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with socket.create_server((address, PORT)) as server:
        print("ready", flush=True)  # noqa: T201 - read by the test
        while True:
            threading.Thread(target=receive, args=(tls, server.accept()[0]), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
