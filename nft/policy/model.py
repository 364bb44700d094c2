"""What an admin means: networks, kinds of traffic, rules between zones, addresses published, tests. Pure values.

Things name each other by name; ``nft.policy.check`` says which names are unknown and what contradicts itself. Every
value knows where a person wrote it. Meaning, which ``verdict`` answers for and ``ruleset`` carries out:

1. A zone is where a packet comes from. Where it goes is told by its destination: the zone of the most specific prefix
   that any network, client or service of another zone names; the internet where none does.
2. The first rule between these zones that matches source, destination and traffic decides.
3. Where no rule does, an agreement that is in force lets it pass.
4. Everything else is denied. Packets back are judged as the packets they answer, so what ends, ends at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nft.policy.agreement import Agreements
from nft.policy.interval import Intervals
from nft.policy.packet import Packet
from nft.policy.prefix import Origin, Prefix
from nft.schema import IPAddress

INTERNET = "internet"
"""The zone of every address that nobody names."""

Action = Literal["allow", "deny"]
NO_AGREEMENTS = Agreements()


@dataclass(frozen=True, slots=True)
class Network:
    """Prefixes under one name; they are in one zone."""

    name: str
    zone: str
    prefixes: tuple[Prefix, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Service:
    """Traffic under one name."""

    name: str
    traffic: Intervals
    origin: Origin


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule between two zones; no networks or services mean any. From the internet, no bogon is any source.

    ``rate`` is new flows a second of one source (address or /64), ``connections`` its flows at once; 0 is no limit.
    """

    source: str
    target: str
    action: Action
    origin: Origin
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    log: bool = False
    rate: int = 0
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Publication:
    """An address and port of ours in a zone that stands for another one: destination NAT.

    The packet is judged by its new destination, so a rule must allow it.
    """

    zone: str
    protocol: Literal["tcp", "udp"]
    address: IPAddress
    port: int
    to: IPAddress
    to_port: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Masking:
    """Flows of a zone into another one that leave with an address of ours: source NAT.

    For hosts that know no way back. No networks or services mean any; the first that matches counts.
    """

    source: str
    target: str
    address: IPAddress
    origin: Origin
    targets: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Test:
    """What must be so: a packet and whether it passes. ``at`` in seconds since 1970, None for the time of asking."""

    __test__ = False  # no test of ours, whatever pytest thinks of its name

    packet: Packet
    expect: Action
    origin: Origin
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything an admin says about packets between zones. ``own`` are the appliance's addresses: not its matter."""

    zones: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    services: tuple[Service, ...] = ()
    rules: tuple[Rule, ...] = ()
    publications: tuple[Publication, ...] = ()
    maskings: tuple[Masking, ...] = ()
    agreements: Agreements = NO_AGREEMENTS
    tests: tuple[Test, ...] = ()
    own: frozenset[IPAddress] = frozenset()

    @property
    def empty(self) -> bool:
        """Whether nothing passes between zones and nothing is translated."""
        return not (self.rules or self.publications or self.maskings or self.agreements.agreements)
