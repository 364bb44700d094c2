"""What is kept and told of calls: records, and messages sent on to a collector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from vdx.hep import AGENT
from vdx.site.block import LocatedError, Model, Zone
from vdx.site.values import IpAddress, Port

if TYPE_CHECKING:
    from vdx.site.zones import ZoneSettings


class RecordKeeping(Model):
    """How long call records are kept: days, and MB of all of them together."""

    days: Annotated[int, Field(ge=1, le=3_650)] = 90
    megabytes: Annotated[int, Field(ge=50, le=1_000_000)] = 1_000


class Hep(Model):
    """A collector that gets every SIP message in plain text; only on our own networks."""

    zone: Literal["core", "mgmt"]
    address: IpAddress
    port: Port = 9060
    agent: Annotated[int, Field(ge=1, le=2**32 - 1)] = AGENT


class Syslog(Model):
    """A collector of this machine's log, over TLS (RFC 5425); what sends it is no program of ours."""

    zone: Literal["core", "mgmt"]
    address: IpAddress
    port: Port = 6514


def collector_faults(
    key: str, collector: Hep | Syslog | None, zones: Mapping[Zone, ZoneSettings]
) -> Iterator[LocatedError]:
    """Give what stands against a collector, which the site file has under a key."""
    if collector is None:
        return
    zone = zones.get(collector.zone)
    if zone is None:
        yield LocatedError("this zone is not configured: add it under `zones`", key, "zone")
    elif collector_source(collector, zone) is None:
        text = f"zone {collector.zone!r} has no IPv{collector.address.version} address to send from"
        yield LocatedError(text, key, "address")


def collector_source(collector: Hep | Syslog, zone: ZoneSettings) -> IpAddress | None:
    """Give our address that messages to the collector leave from."""
    return next((one.ip for one in zone.own if one.version == collector.address.version), None)
