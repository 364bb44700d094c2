"""What the prover is told: the candidate as its parts, and the policy that runs now. Pure; it travels as JSON.

The parts are those which `gatewayd` brings into the kernel, worked out once by whoever asks: so a site of one file and
one put together from many are the same here, and their lines are still known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pydantic

from gatewayd import firewall, transit
from gatewayd.errors import ProofError, VersionError
from gatewayd.network.desired import desired
from gatewayd.network.state import Network
from gatewayd.pinholes.layout import layout
from nft.errors import NftError
from nft.model import Edge
from nft.policy.model import Policy
from vdx.site.source import LoadedSite

SECONDS = 30.0
"""How long a proof may take: an admin waits for it, and a version that is applied waits for nothing else."""

LONGEST_SECONDS = 120.0
"""How long it goes on for stated tests and changed rules, each of which is owed a packet; the others do without."""

MAX_BYTES = 256 << 20
"""Bytes of an order: two policies of a million prefixes with their lines, 60 bytes each, and their agreements."""


@dataclass(frozen=True, slots=True)
class Order:
    """One proof to make, within `seconds`; `now` in seconds since 1970; `running` is None for a first version."""

    version: str
    edge: Edge
    network: Network
    policy: Policy
    running: Policy | None
    now: int
    seconds: float = SECONDS

    @property
    def longest(self) -> float:
        """Seconds until what is owed is given up as well."""
        return longest(self.seconds)


def longest(seconds: float) -> float:
    """Return how long a proof of so many seconds may go on for what is owed."""
    return max(seconds, LONGEST_SECONDS)


_ADAPTER: Final = pydantic.TypeAdapter(Order)


def of(candidate: LoadedSite, running: LoadedSite | None, now: float, seconds: float = SECONDS) -> Order:
    """Work out an order from sites; raises `VersionError`. A running policy that cannot be read any more is none."""
    try:
        edge = firewall.edge(candidate, layout(candidate.site, {}))
        policy = transit.tables(candidate).policy
    except NftError as error:
        raise VersionError(f"{candidate.name}: {error}") from error
    return Order(
        candidate.version, edge, desired(candidate.site, serving=True), policy, _readable(running), int(now), seconds
    )


def _readable(running: LoadedSite | None) -> Policy | None:
    try:
        return transit.policy(running) if running else None
    except NftError:
        return None


def encode(order: Order) -> bytes:
    """Write an order for the prover's standard input."""
    return _ADAPTER.dump_json(order)


def decode(data: bytes) -> Order:
    """Read an order; raises `ProofError` that names the field."""
    if len(data) > MAX_BYTES:
        raise ProofError(f"the policy is larger than {MAX_BYTES >> 20} MiB and cannot be proved: are the lists right?")
    try:
        return _ADAPTER.validate_json(data)
    except (pydantic.ValidationError, NftError) as error:
        raise ProofError(f"the order of a proof cannot be read: {error}") from error
