"""Access of a site as `b2bua` works by it. Pure: paths and names pass, never what stands in the files."""

from __future__ import annotations

from vdx.access import AccessRules, LogInAt, PeerAccess, SecretPlace, TokenRules
from vdx.site.access import Secrets, Tokens
from vdx.site.model import Site
from vdx.site.peers import Peer


def access_rules(site: Site) -> AccessRules:
    """Give how users of a site are asked who they are."""
    access = site.access
    times = access.registrations
    return AccessRules(
        access.realm or site.name,
        access.algorithms,
        times.shortest,
        times.usual,
        times.longest,
        times.per_user,
        times.in_all,
        access.ban,
    )


def peer_access(peer: Peer) -> PeerAccess:
    """Give how a peer and the edge prove to each other who they are."""
    login = LogInAt(peer.login.username, _place(peer.login)) if peer.login else None
    users = _place(peer.credentials) if peer.credentials else None
    return PeerAccess(users, _tokens(peer.tokens) if peer.tokens else None, login, peer.registers)


def _place(secrets: Secrets) -> SecretPlace:
    return SecretPlace(secrets.file or "", secrets.credential or "")


def _tokens(tokens: Tokens) -> TokenRules:
    return TokenRules(
        tokens.issuer,
        tokens.audience,
        tokens.keys,
        tokens.authority,
        tokens.algorithms,
        tokens.claims.alias,
        tokens.claims.once,
        tokens.leeway,
        tokens.revoked,
    )
