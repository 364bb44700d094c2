"""Whether a verified certificate is the one a peer is known by (RFC 5922 7.2: names are compared whole)."""

from __future__ import annotations

from b2bua.sip import Identity
from vdx.control import SipPeer


def shows(peer: SipPeer, identity: Identity | None) -> bool:
    """Tell whether `identity` carries one of the peer's names and all of its subject, vouched for by its trust file.

    False for a peer that no certificate is known of, and for a connection without one.
    """
    tls = peer.tls
    if identity is None or tls is None or not (tls.names or tls.subject) or tls.trust not in identity.vouchers:
        return False
    named = not tls.names or not identity.names.isdisjoint(tls.names)
    return named and set(tls.subject) <= set(identity.subject)
