"""Where messages come from and go to: tokens that the transport layer makes and understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

RELIABLE = frozenset({"tcp", "tls", "ws", "wss"})

SECURE = frozenset({"tls", "wss"})
"""Transports under which nobody between reads along: tokens, keys and calls to `sips` go over no other."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a verified certificate says is at the other end (RFC 5922 7.1).

    `names` are its SIP domains and DNS names in lower case, and its addresses; `subject` the fields of its subject,
    such as ("serialNumber", "202100-5489"). `vouchers` are the trust files that lead to it, "" for the listener's own.
    A renewed certificate of the same names is the same identity.
    """

    names: frozenset[str]
    subject: tuple[tuple[str, str], ...] = ()
    vouchers: frozenset[str] = frozenset({""})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who has to be at the other end of a TLS connection that we use (RFC 5922 7.3).

    One of `names` stands in its certificate, which the file `trust` vouches for ("": the listener's own);
    `server_name` is what we ask for (RFC 6066 3), "" for nothing. `anywhere`: a connection of theirs from any address
    will do, for a dialog that lost the one it had.
    """

    names: frozenset[str]
    trust: str = ""
    server_name: str = ""
    anywhere: bool = False

    def met_by(self, identity: Identity | None) -> bool:
        """Tell whether this is who was wanted."""
        return identity is not None and self.trust in identity.vouchers and not self.names.isdisjoint(identity.names)


@dataclass(frozen=True, slots=True)
class Flow:
    """One path that messages arrive on: a connection, or a source address seen by one UDP socket.

    `id` tells the socket or connection; `sent_by` is what the listener writes in Via and Contact (its advertised
    address). `identity` is whose certificate was verified, `target` what a connection of ours was opened to. Answers go
    back on the flow of their request.
    """

    transport: str
    local: tuple[str, int]
    remote: tuple[str, int]
    zone: str
    id: int
    sent_by: tuple[str, int]
    identity: Identity | None = None
    target: Target | None = None

    @property
    def reliable(self) -> bool:
        """Whether the transport retransmits by itself."""
        return self.transport in RELIABLE


@dataclass(frozen=True, slots=True)
class Target:
    """An address to send to where no flow is known: the transport layer finds or opens one.

    `source` is the local address of the listener to leave from, "" for the first of the zone that fits; `wanted` who
    has to be there over TLS, None for whoever has the address in a certificate.
    """

    zone: str
    transport: str
    host: str
    port: int
    source: str = ""
    wanted: Wanted | None = None

    @property
    def reliable(self) -> bool:
        """Whether the transport retransmits by itself."""
        return self.transport in RELIABLE


class Outgoing(NamedTuple):
    """Bytes to send; `key` names the client transaction that wants to hear of a failure, "" for none."""

    to: Flow | Target
    data: bytes
    key: str = ""
