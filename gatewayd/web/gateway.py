"""Questions to `gatewayd`: a connection to its socket for each, because an answer may take a minute (a proof)."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Protocol

from gatewayd.web.errors import AwayError
from vdx import wire
from vdx.control import AdminClientCodec, FromGatewayd, ToGatewayd

SOCKET = "web.sock"

ANSWER_SECONDS = 180.0
"""For an answer: a proof takes up to two minutes, and a version of the largest size some seconds."""

AT_ONCE = 16
"""Questions that `gatewayd` is asked at the same time; the others wait their turn here."""

log = logging.getLogger(__name__)


class Gateway(Protocol):
    """What the API and the page need of `gatewayd`."""

    async def ask(self, request: ToGatewayd) -> FromGatewayd:
        """Give the answer; raises `AwayError` where none comes."""
        ...


class Gatewayd:
    """`gatewayd` behind its socket in a directory."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / SOCKET
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def ask(self, request: ToGatewayd) -> FromGatewayd:
        """Give the answer; raises `AwayError` where none comes."""
        try:
            async with self._turn, asyncio.timeout(ANSWER_SECONDS):
                connection = await wire.connect(self._path, AdminClientCodec)
                try:
                    connection.send(request)
                    answer = await connection.receive()
                finally:
                    connection.close()
        except TimeoutError:
            raise AwayError(f"gatewayd has not answered for {ANSWER_SECONDS:.0f} s") from None
        except wire.WireError as error:
            log.warning("gatewayd.away: %s", error)
            raise AwayError("gatewayd cannot be asked: its log on the appliance says why") from error
        if answer is None:
            raise AwayError(
                "gatewayd closed the connection without an answer: it restarts, or --web names another user"
            )
        return answer
