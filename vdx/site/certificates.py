"""What TLS and secure WebSocket need: files of certificates and keys, whom to trust, how a peer's certificate looks.

The files are named here and read by `b2bua` alone, again whenever they change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from vdx.site.block import LocatedError, Model, Zone
from vdx.site.values import OFF

if TYPE_CHECKING:
    from vdx.site.peers import Peer
    from vdx.site.zones import Listener, ZoneSettings

ClientCertificate = Annotated[Literal["required", "optional", "off"], OFF]
Ocsp = Annotated[Literal["required", "optional", "off"], OFF]


def _absolute(path: str) -> str:
    if not path.startswith("/") or len(path) > 1024 or not path.isprintable():
        raise ValueError(f"{path[:60]!r} is no absolute path: write it as in /etc/vdx/tls/edge.pem")
    return path


FilePath = Annotated[str, AfterValidator(_absolute)]
"""An absolute path: a relative one would depend on where a program was started."""

_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


def _host(name: str) -> str:
    name = name.lower().rstrip(".")
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no host name: write it as in sip.example.org")
    return name


HostName = Annotated[str, AfterValidator(_host)]
"""A DNS name as certificates carry it, in lower case; `*.` at its front is taken literally (RFC 5922 7.2)."""

SubjectField = Literal["serialNumber", "organizationIdentifier", "O", "OU", "CN", "C", "L", "ST"]
"""Fields of a certificate's subject (RFC 4519, ETSI EN 319 412-1); organisations have their number in the first two."""

SubjectValue = Annotated[str, Field(min_length=1, max_length=256)]

Origin = Annotated[str, Field(pattern=r"^https?://[^/\s?#]{1,255}$")]
"""A web origin as browsers write it (RFC 6454 6.2): scheme, host and port, no path."""


class KeyPair(Model):
    """A certificate with the chain that leads to its root, and its key; two PEM files."""

    certificate: FilePath
    key: FilePath


class PeerCertificate(Model):
    """How the certificate of a peer looks: one of `names` (DNS or SIP domain) and all of `subject`."""

    names: Annotated[tuple[HostName, ...], Field(max_length=64)] = ()
    subject: Annotated[dict[SubjectField, SubjectValue], Field(max_length=8)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_something(self) -> PeerCertificate:
        if not self.names and not self.subject:
            raise ValueError("say what the certificate carries: `names`, `subject` or both")
        return self


def listener_faults(name: str, index: int, listener: Listener) -> Iterator[LocatedError]:
    """Give what contradicts in the certificate keys of one listener."""
    where = ("zones", name, "sip", index)
    secure = listener.transport in {"tls", "wss"}
    if secure and not listener.certificates:
        yield LocatedError(f"{listener.transport} needs `certificate` and `key`: two PEM files", *where, "transport")
    if not secure and (listener.certificates or listener.trust or listener.crl or listener.ocsp != "off"):
        text = f"{listener.transport} has no certificates: make the transport tls, or take these keys away"
        yield LocatedError(text, *where, "transport")
    if secure and not listener.trust and (listener.transport == "tls" or listener.asks_clients != "off"):
        yield LocatedError("say with `trust` (a PEM file) whose certificates count here", *where, "transport")
    if listener.transport == "wss" and not listener.origins:
        text = "wss needs `origins`: the web pages that may connect, as in [https://video.example.org]"
        yield LocatedError(text, *where, "transport")
    if listener.transport != "wss" and (listener.origins or listener.path != "/"):
        yield LocatedError("`origins` and `path` belong to wss", *where, "transport")


def peer_faults(zones: Mapping[Zone, ZoneSettings], peers: Mapping[str, Peer]) -> Iterator[LocatedError]:
    """Give the peers whose certificate nobody would ever see."""
    for label, peer in peers.items():
        settings = zones.get(peer.zone)
        listeners = settings.sip if settings else ()
        tls = [one for one in listeners if one.transport == "tls"]
        asked = [one for one in listeners if one.transport in {"tls", "wss"} and one.asks_clients != "off"]
        if peer.certificate and not asked and not (peer.target and peer.target.transport == "tls"):
            text = f"no listener of zone {peer.zone!r} asks for certificates: add one with transport tls"
            yield LocatedError(text, "peers", label, "certificate")
        if peer.target and peer.target.address and peer.target.transport == "tls":
            version = peer.target.address.version
            if not any(one.address.version == version for one in tls):
                text = f"zone {peer.zone!r} has no tls listener of IPv{version}: calls over TLS leave from one"
                yield LocatedError(text, "peers", label, "target", "transport")
