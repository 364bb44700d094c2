"""What carriers of messages say of what they were given."""

from __future__ import annotations

import re
from typing import Protocol

from hub.domain.invitation import Message

ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+|\+?\d[\d \-]{5,}\d")
"""What may be a mail address or a telephone number; servers say them back with what is wrong."""


def nameless(fault: str) -> str:
    """Give what a server said without whom it is about, for the log."""
    return ADDRESS.sub("(address)", fault)


class RefusedError(Exception):
    """The message will never be taken: its recipient or its content was refused."""


class BusyError(Exception):
    """The message was not taken now: it is sent again later."""


class Carrier(Protocol):
    """Whatever takes messages of one channel."""

    async def carry(self, message: Message, sender: str) -> None:
        """Hand a message over; `sender` is the name of the organisation. Raises `RefusedError`, `BusyError`."""
