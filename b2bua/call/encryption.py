"""What the encryption policies of two peers let pass between them.

Keys go through from end to end: the gateway relays packets and never decrypts them, so what one side requires the
other has to bring. Keys of SDES stand in the signalling in the clear, so they pass only where both legs are encrypted
(RFC 4568 section 8.3). A fingerprint is no secret and passes over any transport; who could change it on its way is who
could change the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from b2bua.call.media import Party
from b2bua.sdp import Profile
from b2bua.sip.flow import SECURE
from vdx.pinhole import Side


def profiles(parties: dict[Side, Party]) -> Mapping[Side, Profile]:
    """Give what passes in descriptions written to each side."""
    a, b = parties["a"], parties["b"]
    policies = frozenset((a.peer.media.encryption, b.peer.media.encryption))
    private = a.transport in SECURE and b.transport in SECURE
    limits = [limit for limit in (a.peer.media.bandwidth, b.peer.media.bandwidth) if limit]
    return _profiles(
        a.peer.pass_sdp_attributes,
        b.peer.pass_sdp_attributes,
        "off" not in policies and private,
        "off" not in policies,
        "required" in policies,
        min(limits, default=None),
    )


@lru_cache(maxsize=1024)  # one for each pair of peers that call each other, mostly the same
def _profiles(
    to_a: tuple[str, ...],
    to_b: tuple[str, ...],
    sdes: bool,
    dtls: bool,
    required: bool,
    bandwidth: int | None,
) -> Mapping[Side, Profile]:
    a, b = (Profile(frozenset(names), sdes, dtls, required, bandwidth) for names in (to_a, to_b))
    return MappingProxyType({"a": a, "b": a if a == b else b})
