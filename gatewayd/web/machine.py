"""The machine itself, for administrators elsewhere: `gatewayd` says who may, and a desk of the appliance does it.

The desks do for this program what `gatewayd.system.far` lists and nothing else, so who takes it over gains no secret:
an update has to be signed, and the support bundle holds none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from gatewayd.web.asking import Asker
from gatewayd.web.errors import AwayError, DeedError
from vdx import desks
from vdx.management import SeeMachine, TendMachine

MAX_LINES = 1 << 20
"""Octets of what a desk tells: the findings of a doctor are some ten thousand."""

DEED_SECONDS = 840.0
"""For what a desk does: a slow disk takes minutes to write a root and read it back."""

log = logging.getLogger(__name__)


class Started(msgspec.Struct, frozen=True):
    """A version that could be started: the name of its kernel image, tries left (null: it has proved itself), done."""

    name: str
    version: str
    left: int | None
    done: int


class InSlot(msgspec.Struct, frozen=True):
    """What is in a slot."""

    device: str
    label: str


class MachineVersions(msgspec.Struct, frozen=True):
    """Which version runs, what is in the slots, and what could be started."""

    running: str
    slots: tuple[InSlot, ...]
    entries: tuple[Started, ...]


class Found(msgspec.Struct, frozen=True):
    """One thing that was looked at: well, look, bad; with advice where it is not well."""

    grade: str
    about: str
    text: str
    advice: str


class Findings(msgspec.Struct, frozen=True):
    """What a look at the whole machine finds."""

    findings: tuple[Found, ...]


class Said(msgspec.Struct, frozen=True):
    """What was done, in sentences."""

    said: tuple[str, ...]


async def see(asker: Asker, request: SeeMachine) -> msgspec.Struct:
    """Look at the machine."""
    await asker.ask(request)
    if request.what == "versions":
        return msgspec.json.decode((await _told(desks.VERSIONS))[0], type=MachineVersions)
    found = msgspec.json.decode((await _told(desks.FINDINGS))[0], type=tuple[Found, ...])
    return Findings(found)


async def tend(asker: Asker, request: TendMachine) -> msgspec.Struct | Response:
    """Have something done that needs nothing more to be said."""
    await asker.ask(request)
    if request.deed == "support-bundle":
        async with _desk(desks.BUNDLE) as (reader, _):
            made = await reader.read(-1)
        if not made.startswith(b"\x1f\x8b"):
            raise DeedError(made[:1000].decode(errors="replace") or "no support bundle was made")
        return Response(made, media_type="application/gzip")
    return Said(tuple(await _told(desks.BACK if request.deed == "rollback" else desks.ANEW)))


async def pour(asker: Asker, request: TendMachine, octets: AsyncIterator[bytes]) -> Said:
    """Put an update into the free slot while it arrives; nothing of it is read before it is known who asks."""
    await asker.ask(request)
    async with _desk(desks.RECEIVE) as (reader, writer):
        answer = asyncio.ensure_future(_lines(reader))
        try:
            async for chunk in octets:
                if answer.done():  # it is wrong already
                    break
                writer.write(chunk)
                await writer.drain()
            else:
                writer.write_eof()
        except OSError as error:  # it has closed, and said why
            log.info("update.unsent: %s", error)
        except ClientDisconnect as error:
            answer.cancel()
            raise DeedError("whoever sent the update is gone: the version that runs stays") from error
        except BaseException:  # too slow, or too much: the desk meets an update that is cut off
            answer.cancel()
            raise
        return Said(tuple(await answer))


async def _told(entry: str) -> list[str]:
    async with _desk(entry) as (reader, writer):
        writer.write_eof()
        return await _lines(reader)


async def _lines(reader: asyncio.StreamReader) -> list[str]:
    """Read what a desk tells up to its last line; raises `DeedError` with the sentence where it was wrong."""
    lines: list[str] = []
    while (line := (await reader.readline()).decode(errors="replace").rstrip("\n")) != desks.DONE:
        if not line or line.startswith(desks.WRONG):
            raise DeedError(line.removeprefix(desks.WRONG) or "the appliance broke off: its journal says why")
        lines.append(line)
    return lines


@asynccontextmanager
async def _desk(entry: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    try:
        async with asyncio.timeout(DEED_SECONDS):
            path = desks.DIRECTORY / f"{desks.WHERE[entry]}.sock"
            reader, writer = await asyncio.open_unix_connection(str(path), limit=MAX_LINES)
            try:
                writer.write(f"{entry} en\n".encode())
                yield reader, writer
            finally:
                writer.close()
    except TimeoutError:
        raise AwayError(f"the appliance was not done within {DEED_SECONDS:.0f} s") from None
    except (FileNotFoundError, PermissionError, ConnectionError) as error:
        text = "this machine has no desks: it is an edge on plain Debian, which is tended over ssh"
        raise AwayError(text) from error
