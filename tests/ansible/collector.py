"""A partner's log collector (RFC 5425): prints every message on a line of its own, and who was refused.

Run inside the namespace of its address, with Python alone: `collector.py ADDRESS CERTIFICATE KEY`.
"""

from __future__ import annotations

import socket
import ssl
import sys
from typing import IO

PORT = 6514
MAX_MESSAGE = 1 << 20


def messages(stream: IO[bytes]) -> None:
    """Print what comes, counted by octets (RFC 6587 3.4.1)."""
    while length := b"".join(iter(lambda: stream.read(1), b" ")):
        print(stream.read(min(int(length), MAX_MESSAGE)).decode().rstrip(), flush=True)  # noqa: T201 - read by the test


def main(address: str, certificate: str, key: str) -> None:
    """Serve one connection after the other until killed."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with socket.create_server((address, PORT)) as server:
        print("ready", flush=True)  # noqa: T201 - read by the test
        while True:
            try:
                with tls.wrap_socket(server.accept()[0], server_side=True) as connection:
                    messages(connection.makefile("rb"))
            except (OSError, ValueError) as error:
                print(f"refused: {error}", flush=True)  # noqa: T201 - read by the test


if __name__ == "__main__":
    main(*sys.argv[1:])
