"""TLS and HTTP: uvicorn, with the names of client certificates, and patience that ends."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gatewayd.web.errors import SetupError
from vdx import service

HEAD_SECONDS = 10.0
"""In which the head of a request has to come, TLS included: a connection that says nothing holds a place."""

MAX_HEAD = 32 * 1024
"""Octets of a request's line and header fields: a token and a cookie are some hundred."""

MAX_CONNECTIONS = 256
"""At the same time; then 503. Each costs some ten kilobytes."""

KEEP_SECONDS = 15
GRACE_SECONDS = 10

log = logging.getLogger(__name__)


def context(certificate: Path, key: Path, clients: Path | None) -> ssl.SSLContext:
    """Make the context of TLS 1.2 and 1.3; with `clients`, certificates vouched for by these are asked for."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    made.options |= ssl.OP_NO_RENEGOTIATION
    load(made, certificate, key)
    if clients is not None:
        try:
            made.load_verify_locations(clients)
        except (OSError, ssl.SSLError) as error:
            raise SetupError(f"{clients}: no certificates of authorities can be read there: {error}") from error
        made.verify_mode = ssl.CERT_OPTIONAL
    return made


def load(made: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Read certificate and key, also anew while it serves; raises `SetupError`, and then the old ones stay."""
    try:
        made.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(f"{certificate}, {key}: certificate and key cannot be used: {error}") from error


class Protocol(HttpToolsProtocol):
    """One connection: gives `client_names` to what it asks, and ends it where its head is slow or large."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take the names of the certificate that TLS has verified."""
        super().connection_made(transport)
        self._names = names(transport.get_extra_info("peercert"))
        self._head = 0
        self._patience = self.loop.call_later(HEAD_SECONDS, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._patience.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin the clock of another request."""
        super().on_message_begin()
        self.scope["client_names"] = self._names  # type: ignore[typeddict-unknown-key]
        self._head = 0
        self._patience.cancel()
        self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def on_url(self, url: bytes) -> None:
        """Count."""
        self._counted(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count."""
        self._counted(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the clock: the body has one of its own."""
        self._patience.cancel()
        super().on_headers_complete()

    def _counted(self, octets: int) -> None:
        self._head += octets
        if self._head > MAX_HEAD:
            raise ValueError("the head is too large")  # the parser stops, and uvicorn answers 400


def names(certificate: dict[str, Any] | None) -> tuple[str, ...]:
    """Give the alternative names (DNS, e-mail, URI) of a verified certificate."""
    found = (certificate or {}).get("subjectAltName", ())
    return tuple(value for kind, value in found if kind in {"DNS", "email", "URI"})


class Server(uvicorn.Server):
    """Tells systemd when it serves."""

    async def startup(self, sockets: Any = None) -> None:  # noqa: ANN401 - as uvicorn has it
        """Start, and say so."""
        await super().startup(sockets)
        if self.started:
            service.tell("READY=1")
            log.info("web.ready address=%s port=%d", self.config.host, self.config.port)


def server(app: ASGIApp, host: str, port: int, tls: ssl.SSLContext) -> Server:
    """Give the server of an application."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_context_factory=lambda _config, _usual: tls,
    )
    return Server(config)
