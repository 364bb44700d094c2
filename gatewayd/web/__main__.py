"""`gatewayd-web`: serve the management API and page, or write down who may come in.

Exit status: 0 done, 1 there is nothing of that name, 2 a file or an argument cannot be used.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import get_args

import uvloop
from msgspec import structs

from gatewayd.web import app, credentials, server
from gatewayd.web.credentials import Certificate, Credentials, Listed
from gatewayd.web.errors import SetupError
from gatewayd.web.gateway import Gatewayd
from vdx import journal, service
from vdx.errors import VdxError
from vdx.versions import Role

CREDENTIALS = Path("/etc/vdx/web/credentials.json")
TOKEN_DAYS = 365.0
"""How long a token lasts unless another time is given: nobody remembers it for longer."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return VERBS[options.verb](options)
    except VdxError as error:
        print(f"gatewayd-web: {error}", file=sys.stderr)  # noqa: T201 - the sentence for whoever started it
        return 2


def _serve(options: argparse.Namespace) -> int:
    journal.begin()
    known = Credentials(options.credentials)
    tls = server.context(options.certificate, options.key, options.clients)
    application = app.build(Gatewayd(options.run_dir), known, metadata.version("vdx"))
    host, port = options.listen
    serving = server.server(application, host, port, tls)

    async def serve() -> None:
        def renew() -> None:
            try:
                server.load(tls, options.certificate, options.key)
            except SetupError as error:
                server.log.error("certificate.unread: %s", error)

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renew)
        alive = asyncio.ensure_future(service.feed_watchdog())
        await serving.serve()
        alive.cancel()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
    return 0 if serving.started else 2


def _token(options: argparse.Namespace) -> int:
    print(credentials.issue(options.credentials, options.name, options.role, options.days))  # noqa: T201 - its answer
    print("This is shown once and kept nowhere.", file=sys.stderr)  # noqa: T201 - for the person
    return 0


def _certificate(options: argparse.Namespace) -> int:
    listed = _listed(options.credentials)
    others = tuple(each for each in listed.certificates if each.subject != options.subject)
    one = Certificate(options.subject, options.name, options.role)
    credentials.store(options.credentials, structs.replace(listed, certificates=(*others, one)))
    return 0


def _list(options: argparse.Namespace) -> int:
    listed = _listed(options.credentials)
    rows = [(one.id, one.name, one.role, _until(one.expires)) for one in listed.tokens]
    rows += [(one.subject, one.name, one.role, "with the certificate") for one in listed.certificates]
    if options.json:
        print(json.dumps([dict(zip(("id", "name", "role", "until"), row, strict=True)) for row in rows]))  # noqa: T201
    else:
        for row in rows:
            print("  ".join(row))  # noqa: T201 - its answer
    return 0


def _until(expires: float | None) -> str:
    return "for ever" if expires is None else f"until {datetime.fromtimestamp(expires, UTC):%Y-%m-%d %H:%M} UTC"


def _revoke(options: argparse.Namespace) -> int:
    listed = _listed(options.credentials)
    tokens = tuple(one for one in listed.tokens if one.id != options.id)
    certificates = tuple(one for one in listed.certificates if one.subject != options.id)
    if len(tokens) + len(certificates) == len(listed.tokens) + len(listed.certificates):
        print(f"there is no token or certificate {options.id!r}: `list` shows them", file=sys.stderr)  # noqa: T201
        return 1
    credentials.store(options.credentials, structs.replace(listed, tokens=tokens, certificates=certificates))
    return 0


def _listed(path: Path) -> Listed:
    return credentials.load(path) if path.exists() else credentials.fresh()


VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "serve": _serve,
    "token": _token,
    "certificate": _certificate,
    "list": _list,
    "revoke": _revoke,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gatewayd-web", description="The management API and page of the edge.")
    parser.add_argument(
        "--credentials", type=Path, default=CREDENTIALS, metavar="FILE", help="who may come in (default: %(default)s)"
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    serve = verbs.add_parser("serve", help="serve until told to end; SIGHUP reads the certificate anew")
    serve.add_argument("--listen", type=_address, required=True, metavar="ADDRESS:PORT", help="on the mgmt zone")
    serve.add_argument("--certificate", type=Path, required=True, metavar="FILE", help="of this server, with its chain")
    serve.add_argument("--key", type=Path, required=True, metavar="FILE")
    serve.add_argument("--clients", type=Path, metavar="FILE", help="what vouches for client certificates")
    serve.add_argument(
        "--run-dir", type=Path, default=Path("/run/vdx"), metavar="DIR", help="where gatewayd's sockets are"
    )
    token = verbs.add_parser("token", help="write down a token, and show it once")
    token.add_argument("name", help="whose it is, as in `management.people`")
    token.add_argument("--days", type=float, default=TOKEN_DAYS, help="how long it lasts (default: %(default)s)")
    certificate = verbs.add_parser("certificate", help="write down whom a client certificate stands for")
    certificate.add_argument("subject", help="a DNS name, e-mail address or URI in it")
    certificate.add_argument("name", help="whose it is, as in `management.people`")
    for verb in (token, certificate):
        verb.add_argument(
            "--role",
            choices=get_args(Role),
            default="admin",
            help="the most it may be worth (default: what its owner is)",
        )
    listed = verbs.add_parser("list", help="tokens, without what is secret, and certificates")
    listed.add_argument("--json", action="store_true", help="for programs")
    revoke = verbs.add_parser("revoke", help="take a token or certificate back; it is refused from the next request on")
    revoke.add_argument("id", help="as `list` shows it")
    return parser


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no address and port: write 192.0.2.1:8443 or [2001:db8::1]:8443")
    return host.strip("[]"), int(port)


if __name__ == "__main__":
    sys.exit(main())
