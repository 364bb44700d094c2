"""What `certd` fetches so that `b2bua` knows which certificates count no more: lists, and answers of authorities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from vdx.site.block import LocatedError, Model, Zone
from vdx.site.values import Word

if TYPE_CHECKING:
    from vdx.site.zones import ZoneSettings

HTTP_PORT = 80
"""Lists and answers are signed: they are told over plain HTTP (RFC 5280 8, RFC 6960 A)."""

MAX_LISTS = 64


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "http" and bool(parts.hostname) and parts.username is None
        usable = usable and parts.port in {None, HTTP_PORT}
    except ValueError:
        usable = False
    if not usable or len(url) > 2048 or not url.isprintable() or " " in url:
        raise ValueError(f"{url[:80]!r} is no place of a list: write an http URL, as its authority tells it")
    return url


class Revocation(Model):
    """`lists` of revoked certificates by label, and the zone from which `certd` asks for them and for answers."""

    zone: Zone = "internet"
    lists: Annotated[dict[Word, Annotated[str, AfterValidator(_place)]], Field(max_length=MAX_LISTS)] = Field(
        default_factory=dict
    )


def revocation_faults(asked: Revocation | None, zones: Mapping[Zone, ZoneSettings]) -> Iterator[LocatedError]:
    """Give what keeps authorities from being asked."""
    if asked is not None and not (asked.zone in zones and zones[asked.zone].addresses):
        text = f"zone {asked.zone!r} has no address to ask from: name one that leads to the authorities"
        yield LocatedError(text, "revocation", "zone")
    for name, zone in zones.items():
        for index, listener in enumerate(zone.sip):
            if listener.ocsp != "off" and asked is None:
                text = "nobody asks authorities: write `revocation: {zone: internet}` beside `zones`"
                yield LocatedError(text, "zones", name, "sip", index, "ocsp")
