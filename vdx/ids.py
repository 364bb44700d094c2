"""Identifiers and units that travel between programs."""

from typing import NewType

CallId = NewType("CallId", str)
"""One call (two legs) on one appliance: 13 characters of base 32, chosen by the owner of the call."""

LeaseId = NewType("LeaseId", str)
"""One media stream of a call: ``<call>.<n>``, chosen by the owner, so that a standby can replay it."""

MEDIA_PORT_MIN = 1024
"""The lowest port media may be sent to: below it live services, and no one's RTP."""

LEASE_SECONDS = 90.0
"""How long the kernel keeps a pinhole that nobody renews."""

RENEW_SECONDS = 20.0
"""How often an owner renews all its leases: four chances before one expires."""

ADOPTION_SECONDS = 30.0
"""How long leases without an owner are kept after `gatewayd` or the owner came back."""


def lease_id(call: CallId, stream: int) -> LeaseId:
    """Name the lease of one stream of a call."""
    return LeaseId(f"{call}.{stream}")


def stream_of(lease: LeaseId) -> int:
    """Give the number of a lease among those of its call."""
    return int(lease.rpartition(".")[2])


def call_of(lease: LeaseId) -> CallId:
    """Give the call a lease belongs to."""
    return CallId(lease.rpartition(".")[0])
