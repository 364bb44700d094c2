"""Answering questions of other programs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic

from nats.aio.client import Client
from nats.aio.msg import Msg

from vdx.bus.errors import BadRecord, BusError
from vdx.bus.kinds import Answer, Question, Record, decode, encode
from vdx.bus.limits import AT_ONCE

log = logging.getLogger("bus")

FAULT = "Vdx-Fault"
"""The header field of an answer that is none: why, in one sentence."""


class Answering(Generic[Record, Answer]):
    """One who answers a question, about something of ours: `Bus.add` it.

    Of several programs that answer the same, one is asked. A `BusError` that `answer` raises is told to who asked.
    """

    def __init__(
        self, question: Question[Record, Answer], answer: Callable[[Record], Awaitable[Answer]], about: str = ""
    ) -> None:
        self._question = question
        self._answer = answer
        self._subject = question.subject(about)
        self._at_work: set[asyncio.Task[None]] = set()

    async def follow(self, client: Client) -> None:
        """Answer for as long as the connection stands."""
        await client.subscribe(self._subject, queue="answers", cb=self._asked)
        try:
            await asyncio.Event().wait()
        finally:
            for task in self._at_work:
                task.cancel()
            await asyncio.gather(*self._at_work, return_exceptions=True)

    async def _asked(self, message: Msg) -> None:
        if not message.reply:
            return
        if len(self._at_work) >= AT_ONCE:
            await self._refuse(message, "too many questions wait already: ask again")
            return
        task = asyncio.create_task(self._deal(message))
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def _deal(self, message: Msg) -> None:
        try:
            answer = await self._answer(decode(message.data, self._question.question))
            await message.respond(encode(answer))
        except (BusError, BadRecord) as error:
            await self._refuse(message, str(error))
        except Exception:
            log.exception("bus.unanswered: %s", self._subject)
            await self._refuse(message, "an error of the program that was asked, see its log")

    async def _refuse(self, message: Msg, why: str) -> None:
        await message._client.publish(message.reply, headers={FAULT: why.replace("\n", " ")})  # noqa: SLF001 - respond() takes no headers
