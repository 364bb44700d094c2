"""Values of the site file that YAML has no type for: addresses, prefixes, port ranges, SIP targets."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer


def _reader(read: Callable[[str], object], example: str) -> BeforeValidator:
    def validate(value: object) -> object:
        try:
            return read(str(value))
        except ValueError as error:
            raise ValueError(f"{value!r} is not usable ({error}): write it as in {example}") from None

    return BeforeValidator(validate)


IpAddress = Annotated[IPv4Address | IPv6Address, _reader(ip_address, "192.0.2.1 or 2001:db8::1")]
IpInterface = Annotated[IPv4Interface | IPv6Interface, _reader(ip_interface, "192.0.2.1/24 or 2001:db8::1/64")]
IpNetwork = Annotated[IPv4Network | IPv6Network, _reader(ip_network, "192.0.2.0/24 or 2001:db8::/32")]

OFF = BeforeValidator(lambda value: "off" if value is False else value)
"""For values of which one is `off`: YAML 1.1 reads the bare word as false."""

InterfaceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$")]
"""A network interface: at most 15 characters (IFNAMSIZ)."""

WORD = r"^[a-z0-9][a-z0-9._-]{0,63}$"
Word = Annotated[str, Field(pattern=WORD)]
"""A name of our own: lower case, digits, dot, underscore, hyphen."""

Port = Annotated[int, Field(ge=1, le=65535)]
Mtu = Annotated[int, Field(ge=1280, le=9216)]


class PortRange(tuple[int, int]):
    """A range of ports, both ends included; written ``40000-49999``."""

    __slots__ = ()

    @classmethod
    def read(cls, value: object) -> PortRange:
        """Read a range; raises ValueError with the way to write it."""
        if isinstance(value, PortRange):
            return value
        found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", str(value))
        if not found or not 1024 <= int(found[1]) < int(found[2]) <= 65535:
            raise ValueError(f"{value!r} is no port range: write two ports from 1024 to 65535, as in 40000-49999")
        return cls((int(found[1]), int(found[2])))

    @property
    def first(self) -> int:
        """The lowest port."""
        return self[0]

    @property
    def last(self) -> int:
        """The highest port."""
        return self[1]


Ports = Annotated[
    PortRange,
    BeforeValidator(PortRange.read),
    PlainSerializer(lambda ports: f"{ports.first}-{ports.last}", return_type=str),
]
