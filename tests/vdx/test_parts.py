"""The parts of a program: one that dies takes the whole program with it, so that systemd starts it anew."""

from __future__ import annotations

import asyncio

import pytest

from vdx.parts import end, until_stopped


async def forever() -> None:
    await asyncio.Event().wait()


async def dies() -> None:
    raise LookupError("a part died")


async def returns() -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize(("part", "error"), [(dies, LookupError), (returns, RuntimeError)])
def test_a_part_that_ends_is_an_error(part: object, error: type[Exception]) -> None:
    async def main() -> None:
        tasks = [asyncio.create_task(forever()), asyncio.create_task(part())]  # type: ignore[operator]
        try:
            await asyncio.wait_for(until_stopped(asyncio.Event(), tasks), 10)
        finally:
            await end(tasks)

    with pytest.raises(error):
        asyncio.run(main())


def test_stop_is_no_error() -> None:
    async def main() -> bool:
        stop = asyncio.Event()
        stop.set()
        part = asyncio.create_task(forever())
        await asyncio.wait_for(until_stopped(stop, [part]), 10)
        alive = not part.done()
        await end([part])
        return alive and part.cancelled()

    assert asyncio.run(main())
