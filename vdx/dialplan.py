"""The dial plan as `b2bua` gets it: rules, times, rooms, and what is done to header fields. Parts of `vdx.control`."""

from __future__ import annotations

from typing import Literal

from vdx.access import SecretPlace
from vdx.admission import Ceiling
from vdx.pinhole import Name, Part

TO_ROOM = "room"
"""Where a rule leads to a room: whatever peer holds the one that is called as dialled."""

TO_DNS = "dns"
"""Where a rule leads to the dialled domain itself, found by DNS (RFC 3263)."""


Bridge = Literal["always", "on_refusal", "never"]
"""When a call to or from a peer goes through a mixing server: in any case, where its ends refuse each other's codecs or
encryption, or never."""


class RuleTime(Part, frozen=True):
    """When a rule holds, on the clocks of `time_zone`: weekdays from 0 (Monday), minutes of the day, dates included.

    Hours that end before they begin pass midnight and belong to the day they began on. Nothing given: always.
    """

    time_zone: str
    days: tuple[int, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()
    since: str = ""
    until: str = ""


class Alternative(Part, frozen=True):
    """One of several peers for a call; neighbours with a weight share the calls by it."""

    peer: Name
    weight: int | None = None


class DialRule(Part, frozen=True):
    """One rule of the dial plan with its place in the site file (`vdx.site.dialplan.Rule`).

    `to` is a peer, TO_ROOM or TO_DNS, which leaves as `via`; `among` stands for several peers instead.
    """

    origin: str
    alias: str
    zone: str | None = None
    peer: str | None = None
    to: str | None = None
    user: str | None = None
    refuse: int | None = None
    domain: str | None = None
    when: RuleTime | None = None
    among: tuple[Alternative, ...] = ()
    via: str | None = None
    reason: str = ""
    rewrite: str | None = None


class RoomPlace(Part, frozen=True):
    """A room that the site file knows: the peer that holds it, and its name there where that is another one."""

    alias: str
    peer: Name
    user: str = ""


class RoomBus(Part, frozen=True):
    """The bus that tells of rooms: its servers (``tls://host:port``), who we are there, what vouches for them.

    `peer` is the peer as which mixing servers are called. Without `trust` it is spoken to in the clear.
    """

    servers: tuple[str, ...]
    name: str
    secrets: SecretPlace
    peer: Name
    trust: str = ""
    server_name: str = ""


class PinStyle(Part, frozen=True):
    """How a PIN that was dialled travels to a peer: in a header field, a parameter of the URI, or after a separator."""

    kind: Literal["header", "parameter", "separator"]
    name: str


class HeaderRule(Part, frozen=True):
    """What is done to one header field of messages to a peer; a pattern (`vdx.pattern`) chooses values to rewrite."""

    action: Literal["add", "remove", "rewrite"]
    name: str
    value: str = ""
    pattern: str = "{value}"


class HostTarget(Part, frozen=True):
    """A name to look up (RFC 3263); without a port (0) SRV records say it, without a transport NAPTR records."""

    host: str
    port: int = 0
    transport: Literal["", "udp", "tcp", "tls"] = ""


class PeerDial(Part, frozen=True):
    """What the dial plan knows of a peer: its name to look up, its own domain, how messages to it look, its limits."""

    host: HostTarget | None = None
    domain: str = ""
    user_agent: str = ""
    headers: tuple[HeaderRule, ...] = ()
    pin: PinStyle | None = None
    limits: Ceiling = Ceiling()
    reach: tuple[str, ...] = ()
    """Prefixes that a name may lead to; none: by the zone."""


class DnsServer(Part, frozen=True):
    """A name server, and the address of ours that reaches it."""

    address: str
    source: str


class Dialling(Part, frozen=True):
    """What the dial plan needs beside its rules, by zone or in all; `limits` leaves calls to `max_calls`."""

    host: str = ""
    domains: tuple[str, ...] = ()
    receptions: tuple[tuple[str, str], ...] = ()
    rooms: tuple[RoomPlace, ...] = ()
    limits: Ceiling = Ceiling()
    zones: tuple[tuple[str, Ceiling], ...] = ()
    dns: tuple[DnsServer, ...] = ()
    own: tuple[str, ...] = ()
    """Every address of the appliance: no name leads to one."""
    bus: RoomBus | None = None
