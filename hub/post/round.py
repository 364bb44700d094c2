"""Messages that are due, handed over; what was not taken is tried again, with pauses that grow.

Theory of operation. A round takes messages for a while (their `due_time` moves on) before it hands them over, so that
two senders never have the same, and one that ends in between leaves them to the next: each is sent at least once.

    waiting --taken--> sent
    waiting --refused for good, or tried too often--> failed
    waiting --not now--> waiting, due later
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from hub.booking.office import Office
from hub.domain.invitation import Channel, Message, State
from hub.post.carrier import BusyError, Carrier, RefusedError, nameless
from hub.post.mail import Mailer
from hub.post.sms import Texter
from hub.settings import Post
from hub.store import invitations as store
from hub.store import organisations
from hub.store.database import Database

AT_ONCE = 20
"""Messages of one round: each may take as long as `HOLD` allows for all of them."""

HOLD = timedelta(minutes=10)
"""How long a round may take."""

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
MOST_TRIES = 30
"""Over a day: mail servers are mended by then, or nobody waits for the message any more."""

log = logging.getLogger("hub.post")


def carriers(settings: Post) -> dict[Channel, Carrier]:
    """Give the carriers that are set up."""
    made: dict[Channel, Carrier] = {}
    if settings.mail is not None:
        made[Channel.MAIL] = Mailer(settings.mail)
    if settings.sms is not None:
        made[Channel.SMS] = Texter(settings.sms)
    return made


class Absent:
    """A channel that is not set up: its messages wait until it is."""

    async def carry(self, message: Message, sender: str) -> None:
        """Take nothing; raises `BusyError`."""
        del sender
        raise BusyError(f"post.{message.channel} is not set up")


class Round:
    """Sends what is due."""

    def __init__(self, database: Database, office: Office, made: Mapping[Channel, Carrier]) -> None:
        self._database = database
        self._office = office
        self._carriers = made

    async def round(self) -> int:
        """Hand over what is due; gives how many were looked at. Raises `AwayError`."""
        now = self._office.now()
        found = await self._database.retry(lambda connection: store.take(connection, now, HOLD, AT_ONCE))
        for message in found:
            await self._carry(message)
        return len(found)

    async def _carry(self, message: Message) -> None:
        carrier = self._carriers.get(message.channel)
        async with self._database.read() as connection:
            organisation = await organisations.by_code(connection, message.organisation)
        sender = (organisation.sms_sender_name if organisation else None) or ""
        state, fault = State.SENT, ""
        try:
            await (carrier or Absent()).carry(message, sender)
        except RefusedError as error:
            state, fault = State.FAILED, str(error)
        except BusyError as error:
            state, fault = (State.FAILED if message.tries + 1 >= MOST_TRIES else State.WAITING), str(error)
        if fault:
            log.warning("message.%s reference=%s: %s", state, message.reference, nameless(fault))
        due = self._office.now() + pause(message.tries) if state is State.WAITING else None
        await self._database.retry(lambda connection: store.settle(connection, message, state, fault or None, due))
        callback = organisation.sms_callback_url if organisation else None
        if callback and state is not State.WAITING and isinstance(carrier, Texter):
            await carrier.tell(callback, message, state)


def pause(tries: int) -> timedelta:
    """Give how long a message waits that was tried `tries` times before."""
    return min(FIRST_PAUSE * (1 << min(tries, 10)), LONGEST_PAUSE)
