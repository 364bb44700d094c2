"""`hub`: serve the API, or make the rooms that are booked through it."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from hub import management, program, settings, watched
from hub.api.metrics import FOLDER
from hub.domain.words import Role
from hub.errors import HubError, SettingsError
from hub.people import seal
from hub.settings import Settings
from hub.tokens import issuer
from vdx import journal
from vdx.errors import VdxError

APPLICATION = "hub.program:application"
"""What worker processes make."""

WORKER_SECONDS = 60
"""For a worker to say that it is alive. One that is still starting says nothing: with less than that takes on a busy
machine, it would be ended and started again for ever."""

GRACE_SECONDS = 10
"""How long requests that are being answered may take when the program is told to end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to end; returns 0, or 2 with one sentence on standard error."""
    options = _parser().parse_args(arguments)
    journal.begin()
    try:
        configured = settings.load(options.config)
        if options.check:
            return 0
        if options.verb in OFFICE:
            return OFFICE[options.verb](configured, options)
        program.prepare(configured)
        if options.verb == "provision":
            asyncio.run(program.provision(configured))
            return 0
    except (VdxError, HubError) as error:
        print(f"hub: {error}", file=sys.stderr)  # noqa: T201 - the sentence for whoever started it
        return 2
    os.environ[program.CONFIG] = str(options.config)
    with _managed(configured, options):
        _serve(options)
    return 0


def _serve(options: argparse.Namespace) -> None:
    serving: dict[str, Any] = {
        "factory": True,
        "host": options.host,
        "port": options.port,
        "loop": "uvloop",
        "http": "httptools",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": GRACE_SECONDS,
        "timeout_worker_healthcheck": WORKER_SECONDS,
    }
    if options.workers == 1:
        uvicorn.run(APPLICATION, **serving)
    else:
        config = uvicorn.Config(APPLICATION, workers=options.workers, **serving)
        watched.Workers(config, [config.bind_socket()]).run()


@contextmanager
def _managed(configured: Settings, options: argparse.Namespace) -> Iterator[None]:
    if options.management_port is None:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="vdx-hub-") as folder:
        os.environ[FOLDER] = folder
        with management.serving(configured, Path(folder), options.management_host, options.management_port):
            yield


def _seal(configured: Settings, options: argparse.Namespace) -> int:
    del options
    if configured.people is None or configured.people.break_glass is None:
        raise SettingsError("people.break_glass is not set: it says where the seal is kept")
    print(seal.make(configured.people.break_glass.seal))  # noqa: T201 - shown once, for the envelope
    return 0


def _token(configured: Settings, options: argparse.Namespace) -> int:
    wanted = issuer.Wanted(tuple(options.role), options.organisation, options.email, options.minutes * 60)
    print(issuer.token(configured.tokens, wanted, time.time()))  # noqa: T201 - what it was asked for
    return 0


def _verify(configured: Settings, options: argparse.Namespace) -> int:
    del options
    found = program.verify(configured)
    if found.fault is not None:
        print(f"hub: the journal does not hold: {found.fault}", file=sys.stderr)  # noqa: T201 - what it was asked for
        return 1
    print(f"{found.number} {found.last}")  # noqa: T201 - to be compared with what the bus was told
    return 0


OFFICE: dict[str, Callable[[Settings, argparse.Namespace], int]] = {"token": _token, "seal": _seal, "verify": _verify}
"""Verbs that are done at once."""

VERBS = (
    "serve: the API; provision: rooms made for it, and other duties; token: a token of the built-in issuer; "
    "seal: a new passphrase for the sealed account; verify: whether the journal holds, its last number and digest"
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hub", description="Meetings and their rooms.")
    parser.add_argument("verb", nargs="?", choices=("serve", "provision", *OFFICE), default="serve", help=VERBS)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the hub's configuration")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen; TLS is ended in front (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8080, help="the port to listen at (8080)")
    parser.add_argument("--workers", type=int, default=1, help="processes that serve (1)")
    parser.add_argument("--management-port", type=int, metavar="PORT", help="where health and numbers are told (off)")
    parser.add_argument(
        "--management-host", default="127.0.0.1", metavar="HOST", help="and at which address (127.0.0.1)"
    )
    parser.add_argument("--check", action="store_true", help="only say whether the configuration can be used")
    token = parser.add_argument_group("token")
    token.add_argument("--role", action="append", choices=[*Role], default=[], help="a role (may be given again)")
    token.add_argument("--organisation", metavar="CODE", help="the organisation of whoever has the token")
    token.add_argument("--email", help="his mail address")
    token.add_argument("--minutes", type=int, default=60, help="how long it counts (60)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
