"""One connection of `gatewayctl` to `gatewayd`'s admin socket, for one question or many."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gatewayd.errors import VersionError
from vdx import wire
from vdx.control import AdminClientCodec, FromGatewayd, ToGatewayd

ANSWER_SECONDS = 180.0
"""A version that is proved takes up to two minutes, one of the largest size some seconds more; nothing is slower."""


class Asking:
    """Questions and their answers, one after the other."""

    def __init__(self, connection: wire.Connection[FromGatewayd]) -> None:
        self._connection = connection

    @classmethod
    async def at(cls, run_dir: Path) -> Asking:
        """Connect; raises `WireError` where nobody answers."""
        return cls(await wire.connect(run_dir / "admin.sock", AdminClientCodec))

    async def ask(self, request: ToGatewayd) -> FromGatewayd:
        """Give the answer; raises `VdxError` where none comes."""
        self._connection.send(request)
        try:
            answer = await asyncio.wait_for(self._connection.receive(), ANSWER_SECONDS)
        except TimeoutError:
            raise VersionError(f"gatewayd has not answered for {ANSWER_SECONDS:.0f} s") from None
        if answer is None:
            raise VersionError("gatewayd closed the connection without an answer: its log says why")
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


async def ask_once(run_dir: Path, request: ToGatewayd) -> FromGatewayd:
    """Ask one question."""
    asking = await Asking.at(run_dir)
    try:
        return await asking.ask(request)
    finally:
        asking.close()
