"""Where messages come from and go to: tokens that the transport layer makes and understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

RELIABLE = frozenset({"tcp", "tls", "ws", "wss"})


@dataclass(frozen=True, slots=True)
class Flow:
    """One path that messages arrive on: a connection, or a source address seen by one UDP socket.

    `id` tells the socket or connection; `sent_by` is what the listener writes in Via and Contact (its advertised
    address). Answers go back on the flow of their request.
    """

    transport: str
    local: tuple[str, int]
    remote: tuple[str, int]
    zone: str
    id: int
    sent_by: tuple[str, int]

    @property
    def reliable(self) -> bool:
        """Whether the transport retransmits by itself."""
        return self.transport in RELIABLE


@dataclass(frozen=True, slots=True)
class Target:
    """An address to send to where no flow is known: the transport layer finds or opens one.

    `source` is the local address of the listener to leave from, "" for the first of the zone that fits.
    """

    zone: str
    transport: str
    host: str
    port: int
    source: str = ""

    @property
    def reliable(self) -> bool:
        """Whether the transport retransmits by itself."""
        return self.transport in RELIABLE


class Outgoing(NamedTuple):
    """Bytes to send; `key` names the client transaction that wants to hear of a failure, "" for none."""

    to: Flow | Target
    data: bytes
    key: str = ""
