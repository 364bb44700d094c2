"""What carriers of messages say of what they were given."""

from __future__ import annotations

from typing import Protocol

from hub.domain.invitation import Message


class RefusedError(Exception):
    """The message will never be taken: its recipient or its content was refused."""


class BusyError(Exception):
    """The message was not taken now: it is sent again later."""


class Carrier(Protocol):
    """Whatever takes messages of one channel."""

    async def carry(self, message: Message, sender: str) -> None:
        """Hand a message over; `sender` is the name of the organisation. Raises `RefusedError`, `BusyError`."""
