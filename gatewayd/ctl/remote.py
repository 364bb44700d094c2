"""`gatewayctl --host`: the same questions over HTTPS, to the management API of an appliance elsewhere.

The token comes from a file or the environment, never from an argument: arguments are seen by everybody on a machine.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import ssl
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlencode

import msgspec

from gatewayd.ctl.ask import ANSWER_SECONDS
from gatewayd.errors import VersionError
from vdx import api, control
from vdx.api import Problem, Route
from vdx.control import FromGatewayd, ToGatewayd
from vdx.drain import Drain, Undrain
from vdx.management import EndCall, Look, TakeIn, TakeOut
from vdx.versions import DECLINED_STATUS, Declined
from vdx.wire import MAX_LINE

PORT = 8443
TOKEN, TOKEN_FILE = "VDX_TOKEN", "VDX_TOKEN_FILE"
"""The variables that hold a token, or name the file of it."""

MAX_TOKEN = 4096
MAX_BUNDLE = 256 << 20
"""Octets of a support bundle: its texts are bounded, and compressed."""

DEED_SECONDS = 900.0
"""For an answer of the machine itself: a slow disk takes minutes to write a root and read it back."""


class Remote:
    """Questions to an appliance by its management API."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext, token: str) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._token = token

    async def ask(self, request: ToGatewayd) -> FromGatewayd:
        """Give the answer; raises `VersionError` where none comes."""
        return await asyncio.to_thread(self._ask, request)

    def close(self) -> None:
        """Do nothing: each question has a connection of its own."""

    def _ask(self, request: ToGatewayd) -> FromGatewayd:
        message = _managed(request)
        route = next((each for each in api.ROUTES if each.serves(message)), None)
        if route is None:
            raise VersionError("this is for root on the appliance itself, and not asked over the network")
        target, body = _said(route, message)
        status, told = self._exchange(route.method, target, body, {"content-type": "application/json"}, MAX_LINE)
        return _answer(route, status, told)

    def exchange(self, method: str, path: str, octets: IO[bytes] | None = None, size: int = 0) -> bytes:
        """Ask something of the machine itself, where `octets` may be sent; raises `VersionError`."""
        headers = {"content-type": "application/octet-stream", "content-length": str(size)} if octets else {}
        status, told = self._exchange(method, api.ROOT + path, octets, headers, MAX_BUNDLE)
        if status == http.client.OK:
            return told
        try:
            problem = msgspec.json.decode(told, type=Problem)
        except msgspec.MsgspecError as error:
            raise VersionError(f"the answer is none of a management API (status {status}): {error}") from error
        raise VersionError("\n".join(problem.reasons))

    def _exchange(
        self, method: str, target: str, body: str | IO[bytes] | None, headers: dict[str, str], most: int
    ) -> tuple[int, bytes]:
        headers["accept"] = "application/json"
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        seconds = DEED_SECONDS if target.startswith(f"{api.ROOT}/machine") else ANSWER_SECONDS
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=seconds, context=self._tls)
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(most + 1)
        except ssl.SSLCertVerificationError as error:
            text = f"{self._host} does not show a certificate that is trusted: {error.verify_message}: give --ca"
            raise VersionError(text) from error
        except (OSError, http.client.HTTPException) as error:
            raise VersionError(f"{self._host}:{self._port} cannot be asked: {error}") from error
        finally:
            connection.close()


def connection(options: argparse.Namespace) -> Remote:
    """Make ready to ask the appliance that options name; raises `VersionError` for what cannot be read."""
    host, _, port = options.host.rpartition(":") if _has_port(options.host) else (options.host, "", str(PORT))
    try:
        tls = ssl.create_default_context(cafile=None if options.ca is None else str(options.ca))
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        if options.certificate is not None:
            tls.load_cert_chain(options.certificate, options.key)
    except OSError as error:  # ssl's own errors too
        raise VersionError(f"certificates cannot be read ({options.ca or options.certificate}): {error}") from error
    return Remote(host.strip("[]"), int(port), tls, _token(options.token_file))


def add(parser: argparse.ArgumentParser) -> None:
    """Add where the appliance is, and who asks."""
    away = parser.add_argument_group("an appliance elsewhere")
    away.add_argument("--host", metavar="HOST[:PORT]", help=f"ask its management API (default port: {PORT})")
    text = f"file of the token (default: what {TOKEN_FILE} names, or the token in {TOKEN})"
    away.add_argument("--token-file", type=Path, metavar="FILE", help=text)
    away.add_argument(
        "--ca", type=Path, metavar="FILE", help="trust only these (default: the authorities of the system)"
    )
    away.add_argument("--certificate", type=Path, metavar="FILE", help="client certificate, in the place of a token")
    away.add_argument("--key", type=Path, metavar="FILE", help="its key, where that is another file")


def _has_port(host: str) -> bool:
    _, colon, port = host.rpartition(":")
    return bool(colon) and port.isdecimal() and (host.count(":") == 1 or host.startswith("["))


def _token(file: Path | None) -> str:
    named = file or (Path(os.environ[TOKEN_FILE]) if TOKEN_FILE in os.environ else None)
    if named is None:
        return os.environ.get(TOKEN, "")
    try:
        with named.open(encoding="ascii") as opened:
            return opened.read(MAX_TOKEN).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise VersionError(f"{named}: no token can be read there: {error}") from error


def _managed(request: ToGatewayd) -> msgspec.Struct:
    """Give what stands in the API for a question of the local socket."""
    looks: dict[type, Any] = {
        control.Status: "status",
        control.Calls: "calls",
        control.Pinholes: "pinholes",
        control.Bans: "bans",
    }
    if isinstance(request, control.Hangup):
        return EndCall(request.id, request.call)
    if isinstance(request, Drain):
        return TakeOut(request.id, request.seconds)
    if isinstance(request, Undrain):
        return TakeIn(request.id)
    return Look(request.id, looks[type(request)]) if type(request) in looks else request


def _said(route: Route, message: msgspec.Struct) -> tuple[str, str | None]:
    """Give target and body of a request."""
    named = {name: quote(str(getattr(message, name)), safe="") for name in route.in_path}
    target = api.ROOT + route.path.format(**named)
    plain = msgspec.to_builtins(message)
    said = {each.name: plain[each.name] for each in route.said if each.name in plain}
    if route.method not in {"GET", "DELETE"}:
        return target, json.dumps(said)
    query = urlencode({name: str(value).lower() if isinstance(value, bool) else value for name, value in said.items()})
    return (f"{target}?{query}" if query else target), None


def _answer(route: Route, status: int, told: bytes) -> FromGatewayd:
    try:
        if status == http.client.OK:
            return api.read(msgspec.json.decode(told), route.answer)  # type: ignore[return-value]  # one of them
        problem = msgspec.json.decode(told, type=Problem)
    except msgspec.MsgspecError as error:
        raise VersionError(f"the answer is none of a management API (status {status}): {error}") from error
    if problem.code in DECLINED_STATUS:
        return Declined(1, problem.code, problem.reasons, problem.running)
    raise VersionError("\n".join(problem.reasons))
