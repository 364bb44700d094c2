"""Starts the prover and waits for its report.

The prover needs no rights, but must be allowed namespaces of its own. Where systemd holds a socket for it
(``vdx-prove.socket``), a fresh unit without any rights makes each proof; elsewhere it is a child of this process, which
becomes nobody before it reads anything.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from pathlib import Path

import msgspec

from gatewayd.errors import ProofError
from gatewayd.prove import order
from vdx.proof import NoProof, ProofReport
from vdx.site.source import LoadedSite

SOCKET = Path("/run/vdx/prove.sock")
"""Where systemd starts a prover for whoever connects: `gatewayd` and root."""

GRACE = 15.0
"""Seconds past the time of a proof until the prover is given up: it starts, compiles, and loads first."""

MAX_REPORT = 1 << 20
"""Bytes of a report: fifty differences and their lines are some 20 kB."""

CHECKOUT = Path(__file__).resolve().parents[2]

_DECODER: msgspec.json.Decoder[ProofReport | NoProof] = msgspec.json.Decoder(ProofReport | NoProof)


async def start(
    candidate: LoadedSite,
    running: LoadedSite | None,
    *,
    now: float,
    seconds: float = order.SECONDS,
    socket: Path = SOCKET,
) -> ProofReport:
    """Prove a candidate in the kernel, first what it changes of the running version; return the report.

    `now` in seconds since 1970. Raises `VersionError` where the candidate is none, `ProofError` where the kernel
    refuses its ruleset or this machine lets nobody prove it. Cancelled, it ends the prover.
    """
    wanted = await asyncio.to_thread(lambda: order.encode(order.of(candidate, running, now, seconds)))
    ask = _of_unit(socket, wanted) if socket.is_socket() else _of_child(wanted)
    patience = order.longest(seconds) + GRACE
    try:
        answer = await asyncio.wait_for(ask, patience)
    except TimeoutError as error:
        raise ProofError(f"the prover did not answer within {patience:.0f} s: is this machine busy?") from error
    except OSError as error:
        raise ProofError(f"the prover cannot be reached at {socket}: {error.strerror}") from error
    return _read(answer)


def _read(answer: bytes) -> ProofReport:
    try:
        found = _DECODER.decode(answer)
    except msgspec.MsgspecError as error:
        raise ProofError(f"the prover ended without a report: see its log ({error})") from error
    if isinstance(found, NoProof):
        raise ProofError(found.reason)
    return found


async def _of_unit(socket: Path, wanted: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(socket)
    try:
        with suppress(ConnectionError):  # it may answer, and end, before it has read everything
            writer.write(wanted)
            await writer.drain()
            writer.write_eof()
        return await _bounded(reader)
    finally:
        writer.close()


async def _of_child(wanted: bytes) -> bytes:
    command = (sys.executable, "-P", "-m", "gatewayd.prove")
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/", "PYTHONPATH": os.pathsep.join(_code())}
    child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment)
    try:
        answer, _ = await child.communicate(wanted)
        return answer[:MAX_REPORT]
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def _code() -> list[str]:
    """Give where the same code is found: what this process found it by, or the checkout."""
    return [each for each in dict.fromkeys((*sys.path, str(CHECKOUT))) if each and Path(each).is_absolute()]


async def _bounded(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    while len(answer) < MAX_REPORT and (more := await reader.read(MAX_REPORT)):
        answer += more
    return answer
