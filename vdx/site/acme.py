"""Certificates of public names, obtained and renewed by `certd` from an authority that speaks ACME (RFC 8555)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from vdx.site.block import LocatedError, Model, Zone
from vdx.site.certificates import FilePath, HostName
from vdx.site.values import Word

if TYPE_CHECKING:
    from vdx.site.zones import ZoneSettings

CHALLENGE_PORT = 80
"""Where the authority asks for the answer to its challenge (RFC 8555 8.3)."""

MAX_NAMES = 100
"""Names in one certificate, as public authorities limit it."""


def _directory(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        usable = False
    if not usable or len(url) > 2048:
        raise ValueError(f"{url[:80]!r} is no directory of an authority: write an https URL")
    return url


def _public(name: str) -> str:
    if name.startswith("*") or "." not in name or name.rpartition(".")[2].isdigit():
        raise ValueError(f"{name!r} cannot be proved to be ours over HTTP: name one host of a public domain")
    return name


PublicName = Annotated[HostName, AfterValidator(_public)]


class Acme(Model):
    """An authority, and what it is to certify; `certificates` are names by the label of their certificate.

    `trust` (a PEM file) replaces the public roots, for an authority of one's own. `terms_agreed` says that its terms
    of service were read. `key`: what kind of key is made; old room systems understand rsa alone.
    """

    directory: Annotated[str, AfterValidator(_directory)]
    terms_agreed: Literal[True]
    contact: Annotated[str, Field(pattern=r"^[^\s@,?]{1,64}@[^\s@,?]{1,253}$")] | None = None
    zone: Zone = "internet"
    trust: FilePath | None = None
    key: Literal["rsa", "ecdsa"] = "rsa"
    certificates: Annotated[
        dict[Word, Annotated[tuple[PublicName, ...], Field(min_length=1, max_length=MAX_NAMES)]],
        Field(min_length=1, max_length=100),
    ]

    @property
    def port(self) -> int:
        """The port of the directory."""
        return urlsplit(self.directory).port or 443


def acme_faults(acme: Acme | None, zones: Mapping[Zone, ZoneSettings]) -> Iterator[LocatedError]:
    """Give what keeps an authority from reaching us."""
    if acme is None:
        return
    zone = zones.get(acme.zone)
    if zone is None:
        yield LocatedError(f"zone {acme.zone!r} is not configured: add it under `zones`", "acme", "zone")
    elif not zone.addresses:
        yield LocatedError(f"zone {acme.zone!r} has no address that the authority could ask", "acme", "zone")
    else:
        for label, service in zone.services.items():
            if (service.protocol, service.port) == ("tcp", CHALLENGE_PORT):
                text = f"port {CHALLENGE_PORT} answers the authority's challenges: give this service another one"
                yield LocatedError(text, "zones", acme.zone, "services", label, "port")
