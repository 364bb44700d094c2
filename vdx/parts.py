"""The parts of a program: tasks that run until it is told to stop, and none of which may end before."""

from __future__ import annotations

import asyncio
from collections.abc import Collection


async def until_stopped(stop: asyncio.Event, parts: Collection[asyncio.Task[None]]) -> None:
    """Wait for `stop`. A part that ends before is an error: a program without one of its parts is better restarted.

    Raises what the part raised, or RuntimeError where it just returned.
    """
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait({stopping, *parts}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    for part in parts:
        if part in done:
            part.result()
            name = getattr(part.get_coro(), "__qualname__", part.get_name())
            raise RuntimeError(f"the part {name} ended, and should not have")


async def end(parts: Collection[asyncio.Task[None]]) -> None:
    """Cancel the parts, the last first, and wait until they have ended, however they do."""
    for part in reversed(list(parts)):
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)
