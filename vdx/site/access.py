"""Who may log in, how we log in at others, what registers here, and when a source is banned.

Secrets never stand in the site file: it names the file, or the systemd credential, that holds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from vdx.site.block import LocatedError, Model
from vdx.site.certificates import FilePath

if TYPE_CHECKING:
    from vdx.site.peers import Peer

Algorithm = Literal["SHA-512-256", "SHA-256", "MD5"]
"""Digest algorithms by their names in the registry (RFC 8760 2.1)."""

TokenAlgorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"]
"""Signatures of tokens (RFC 7518 3.1, RFC 9864): none with a shared key, which the edge would have to guard."""

MAX_REGISTRATIONS = 50_000
"""Bindings an appliance may hold at most: at about 1 kB each, 50 MB of memory and disk."""

CredentialName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""The name of a systemd credential (LoadCredential= of systemd.exec(5))."""

Quoted = Annotated[str, Field(pattern=r'^[^"\\\x00-\x1f\x7f%]{1,128}$')]
"""Text that stands between quotes in a header field: none of `"`, `\\`, `%` and control characters."""


def _https(url: str) -> str:
    if not url.startswith("https://") or any(char in url for char in '"\\ <>%') or len(url) > 256:
        raise ValueError(f"{url!r} is no https address: write it as in https://login.example.org/oauth2")
    return url


HttpsUrl = Annotated[str, AfterValidator(_https)]


class Secrets(Model):
    """Where secrets stand: a `file` that only its owner and b2bua's group can read, or a `credential` of systemd."""

    file: FilePath | None = None
    credential: CredentialName | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Secrets:
        if (self.file is None) == (self.credential is None):
            raise ValueError("say where the secrets stand: one of `file` (a path) and `credential` (of systemd)")
        return self


class LogIn(Secrets):
    """How we log in at a peer that challenges us; the file holds the line of this user."""

    username: Quoted


class Claims(Model):
    """Which claims of a token say what (RFC 7519 4)."""

    alias: Quoted = "vdx_alias"
    once: Quoted = "vdx_once"


class Tokens(Model):
    """Whose signed tokens are believed (RFC 8898); each names the alias its bearer may call.

    `keys` is a file with a JSON Web Key Set (RFC 7517), read again when it changes; `authority` tells clients where
    tokens come from; `leeway` is the seconds that clocks may differ. `revoked` are tokens that are believed no more, by
    their `jti` or their bearer (`sub`).
    """

    issuer: Annotated[str, Field(min_length=1, max_length=256)]
    audience: Annotated[str, Field(min_length=1, max_length=256)]
    keys: FilePath
    authority: HttpsUrl
    algorithms: Annotated[tuple[TokenAlgorithm, ...], Field(min_length=1)] = ("ES256", "RS256", "Ed25519")
    claims: Claims = Claims()
    leeway: Annotated[int, Field(ge=0, le=300)] = 30
    revoked: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=256)], ...], Field(max_length=10_000)] = ()


class Registrations(Model):
    """How long and how many; times in seconds."""

    shortest: Annotated[int, Field(ge=30, le=3600)] = 60
    usual: Annotated[int, Field(ge=30, le=86_400)] = 600
    longest: Annotated[int, Field(ge=60, le=86_400)] = 3600
    per_user: Annotated[int, Field(ge=1, le=64)] = 10
    in_all: Annotated[int, Field(ge=1, le=MAX_REGISTRATIONS)] = 10_000

    @model_validator(mode="after")
    def _in_order(self) -> Registrations:
        if not self.shortest <= self.usual <= self.longest:
            raise ValueError("`shortest`, `usual` and `longest` have to be in that order")
        return self


class Access(Model):
    """How users are asked who they are, and what becomes of those who guess.

    `realm` stands in challenges and in hashed secrets (default: the name of the site). `ban` is the seconds for which
    the kernel drops everything from an attacker, 0 for never.
    """

    realm: Quoted | None = None
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1, max_length=3)] = ("SHA-512-256", "SHA-256", "MD5")
    registrations: Registrations = Registrations()
    ban: Annotated[int, Field(ge=0, le=7 * 86_400)] = 3600


def access_faults(peers: Mapping[str, Peer]) -> Iterator[LocatedError]:
    """Give what contradicts in the access keys of peers."""
    for label, peer in peers.items():
        where = ("peers", label)
        if peer.registers and not (peer.credentials or peer.certificate):
            text = "whoever registers has to prove who they are: add `credentials` or `certificate`"
            yield LocatedError(text, *where, "registers")
        if peer.registers and peer.target:
            yield LocatedError("calls go to `target` or to where its users registered, not both", *where, "registers")
        if peer.login and not peer.target:
            yield LocatedError("there is nobody to log in at: add `target`", *where, "login")
