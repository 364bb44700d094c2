"""The peers of a site: trunks, institutions, room systems and mixers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from vdx.dialplan import Bridge
from vdx.site.access import LogIn, Secrets, Tokens
from vdx.site.block import Model, Zone
from vdx.site.certificates import FilePath, HostName, PeerCertificate
from vdx.site.dialplan import Domain
from vdx.site.limits import ScopeLimits
from vdx.site.profile import MAX_HEADER_RULES, HeaderRule, PassedHeader, Pin
from vdx.site.streams import Encryption, Kilobits
from vdx.site.values import IpAddress, IpNetwork, Port
from vdx.site.zones import DEFAULT_PORTS


class Target(Model):
    """Where calls to a peer are sent; over TLS its certificate has to carry `server_name` (RFC 5922).

    Without `server_name` it has to carry one of the `names` of the peer's `certificate`, or else the address. A `host`
    is looked up for each call (RFC 3263): without `port` its SRV records say where, without `transport` its NAPTR
    records.
    """

    address: IpAddress | None = None
    host: Domain | None = None
    port: Port | None = None
    transport: Literal["udp", "tcp", "tls"] | None = None
    server_name: HostName | None = None

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, value: Any) -> Any:  # noqa: ANN401 - what YAML holds
        if isinstance(value, dict) and "host" not in value:
            return {"transport": "udp", "port": DEFAULT_PORTS.get(str(value.get("transport")), 5060), **value}
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Target:
        if (self.address is None) == (self.host is None):
            raise ValueError("a target needs one of `address` and `host` (a name to look up)")
        if self.server_name and self.transport != "tls":
            raise ValueError("`server_name` is checked over TLS only: say `transport: tls`")
        return self


class Peer(Model):
    """A SIP trunk, institution, room system or mixer.

    `sources`: where its signalling comes from. `media`: where its media may be (default: `sources`; on the internet:
    every global address that is not ours). `learn`: its media may come from another port or from the source of its
    signalling, as behind NAT (default: on the internet only). `certificate`: how it is known over TLS, from whatever
    address, by a certificate that `trust` and `crl` (default: those of the listener) vouch for. `qualify`: it is asked
    every so many seconds whether it is there. `encryption` (default: that of its zone) and `bandwidth` (kbit/s of one
    call) hold for its media. `credentials`: its users log in with digest. `tokens`: its users bring a
    signed token. `login`: how we log in there. `registers`: its users register, and are called where they did.
    `refer`: whether it may transfer its calls (default: not from the internet). `redirects`: whether
    its 3xx are followed, through the dial plan.
    `bridge`: when its calls go through a mixing server. `domain`: what a name means that it dials without one.
    `user_agent`: what we call ourselves towards it. `headers`:
    rules about header fields of messages to it. `pin`: how a dialled PIN reaches it.
    """

    zone: Zone
    sources: tuple[IpNetwork, ...] = ()
    media: tuple[IpNetwork, ...] | None = None
    learn: bool | None = None
    target: Target | None = None
    family: Literal[4, 6] | None = None
    certificate: PeerCertificate | None = None
    trust: FilePath | None = None
    crl: Annotated[tuple[FilePath, ...], Field(max_length=64)] = ()
    qualify: Annotated[int, Field(ge=5, le=3600)] | None = None
    credentials: Secrets | None = None
    tokens: Tokens | None = None
    login: LogIn | None = None
    registers: bool = False
    refer: Literal["allow", "refuse"] | None = None
    redirects: Literal["follow", "refuse"] = "refuse"
    bridge: Bridge = "on_refusal"
    encryption: Encryption | None = None
    bandwidth: Kilobits | None = None
    domain: Domain | None = None
    limits: ScopeLimits = ScopeLimits()
    user_agent: Annotated[str, Field(pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,126}[\x21-\x7e])?$")] | None = None
    headers: Annotated[tuple[HeaderRule, ...], Field(max_length=MAX_HEADER_RULES)] = ()
    pin: Pin | None = None
    pass_headers: tuple[PassedHeader, ...] = ()
    pass_sdp_attributes: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")], ...] = ()

    @property
    def learns(self) -> bool:
        """Whether the source of its media may be learned."""
        return self.zone == "internet" if self.learn is None else self.learn

    @property
    def refers(self) -> bool:
        """Whether it may transfer its calls."""
        return self.zone != "internet" if self.refer is None else self.refer == "allow"

    @property
    def media_family(self) -> Literal[4, 6]:
        """The address family offered to this peer."""
        if self.family:
            return self.family
        return 6 if self.target and self.target.address and self.target.address.version == 6 else 4
