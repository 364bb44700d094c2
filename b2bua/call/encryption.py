"""What the encryption policies of two peers let pass between them.

Keys go through from end to end: the gateway relays packets and never decrypts them, so what one side requires the
other has to bring. Keys of SDES stand in the signalling in the clear, so they pass only where both legs are encrypted
(RFC 4568 section 8.3). A fingerprint is no secret and passes over any transport; who could change it on its way is who
could change the call.
"""

from __future__ import annotations

from functools import lru_cache

from b2bua.call.media import Party
from b2bua.sdp import Profile
from vdx.pinhole import Side

PRIVATE_TRANSPORTS = frozenset({"tls", "wss"})
"""Transports of signalling under which nobody between reads along."""


def profiles(parties: dict[Side, Party]) -> dict[Side, Profile]:
    """Give what passes in descriptions written to each side."""
    a, b = parties["a"], parties["b"]
    policies = {a.peer.media.encryption, b.peer.media.encryption}
    private = {a.transport, b.transport} <= PRIVATE_TRANSPORTS
    limits = [limit for limit in (a.peer.media.bandwidth, b.peer.media.bandwidth) if limit]
    terms = (
        "off" not in policies and private,
        "off" not in policies,
        "required" in policies,
        min(limits, default=None),
    )
    return {side: _profile(party.peer.pass_sdp_attributes, *terms) for side, party in parties.items()}


@lru_cache(maxsize=1024)  # one for each pair of peers that call each other, mostly the same
def _profile(
    attributes: tuple[str, ...],
    sdes: bool,
    dtls: bool,
    required: bool,
    bandwidth: int | None,
) -> Profile:
    return Profile(frozenset(attributes), sdes, dtls, required, bandwidth)
