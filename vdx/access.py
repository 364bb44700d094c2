"""Access as `b2bua` gets it: where secrets and keys stand, who may register, what registered users look like.

Paths and names only: `b2bua` reads the files itself, and no secret passes a socket.
"""

from __future__ import annotations

from vdx.pinhole import Part


class SecretPlace(Part, frozen=True):
    """Where secrets stand: a path, or the name of a systemd credential; the other one is ""."""

    file: str = ""
    credential: str = ""


class LogInAt(Part, frozen=True):
    """How we log in at a peer."""

    username: str
    secrets: SecretPlace


class TokenRules(Part, frozen=True):
    """Whose signed tokens are believed (RFC 8898); `keys` is the path of a JSON Web Key Set, `leeway` in seconds.

    `revoked` are tokens that are believed no more, by their `jti` or their bearer (`sub`).
    """

    issuer: str
    audience: str
    keys: str
    authority: str
    algorithms: tuple[str, ...] = ("ES256", "RS256", "Ed25519")
    alias_claim: str = "vdx_alias"
    once_claim: str = "vdx_once"
    leeway: int = 30
    revoked: tuple[str, ...] = ()


class PeerAccess(Part, frozen=True):
    """How a peer proves who it is beside its source and certificate, and how we do at it."""

    users: SecretPlace | None = None
    tokens: TokenRules | None = None
    login: LogInAt | None = None
    registers: bool = False


class AccessRules(Part, frozen=True):
    """How users are asked who they are; times of registrations and bans in seconds, `ban` 0 for never."""

    realm: str = "vdx"
    algorithms: tuple[str, ...] = ("SHA-512-256", "SHA-256", "MD5")
    shortest: int = 60
    usual: int = 600
    longest: int = 3600
    per_user: int = 10
    in_all: int = 10_000
    ban: int = 3600


class BindingInfo(Part, frozen=True):
    """One registered device, as an operator reads it; `expires` in seconds from now."""

    peer: str
    user: str
    contact: str
    source: str
    transport: str
    expires: float
    agent: str = ""
    connected: bool = True
