"""The peers of a site: trunks, institutions, room systems and mixers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from vdx import headers
from vdx.site.block import Model, Zone
from vdx.site.values import IpAddress, IpNetwork, Port
from vdx.site.zones import Transport


class Target(Model):
    """Where calls to a peer are sent."""

    address: IpAddress
    port: Port = 5060
    transport: Transport = "udp"


def _may_pass(name: str) -> str:
    if why := headers.refusal(name):
        raise ValueError(why)
    return name


PassedHeader = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$"), AfterValidator(_may_pass)]
"""The long name of a SIP header field that a profile may let pass."""


class Peer(Model):
    """A SIP trunk, institution, room system or mixer.

    `sources`: where its signalling comes from. `media`: where its media may be (default: `sources`; on the internet:
    every global address that is not ours). `learn`: its media may come from another port or from the source of its
    signalling, as behind NAT (default: on the internet only).
    """

    zone: Zone
    sources: tuple[IpNetwork, ...] = ()
    media: tuple[IpNetwork, ...] | None = None
    learn: bool | None = None
    target: Target | None = None
    family: Literal[4, 6] | None = None
    pass_headers: tuple[PassedHeader, ...] = ()
    pass_sdp_attributes: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")], ...] = ()

    @property
    def learns(self) -> bool:
        """Whether the source of its media may be learned."""
        return self.zone == "internet" if self.learn is None else self.learn

    @property
    def media_family(self) -> Literal[4, 6]:
        """The address family offered to this peer."""
        if self.family:
            return self.family
        return 6 if self.target and self.target.address.version == 6 else 4
