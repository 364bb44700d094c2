"""The sets and maps of both tables: one declaration from which text is rendered and elements are encoded.

Every name ends in the IP version where the key or value holds an address. Only hash sets stand here: deleting from an
interval set takes milliseconds (1.1 at 1,000 elements, 18.9 at 20,000), and pinholes and bans come and go all day.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from operator import attrgetter
from typing import Any, Final, TypeAlias

import vdx.ids
from nft.errors import ModelError

IPAddress: TypeAlias = IPv4Address | IPv6Address
Value: TypeAlias = int | str | IPv4Address | IPv6Address
Key: TypeAlias = tuple[Value, ...]

LEASE_SECONDS = int(vdx.ids.LEASE_SECONDS)
RATE_PACKETS = 2000  # packets/s of one source into one pinhole: 10 Mbit/s video in 1,200-byte packets is 1,040
RATE_BURST = 500  # packets: one key frame at 4 Mbit/s is about 100, so several may come at wire speed
PINHOLES = 1 << 18  # at once: all ports of 26 media addresses; a full set refuses leases, or does not learn
MAX_BANS = 1 << 16  # addresses: bans come from counted offences, not from lists
IFNAME_BYTES = 16  # IFNAMSIZ of linux/if.h
MAX_LEASE_BYTES = 64  # of a lease id in an element's comment; the kernel keeps at most 256 with its framing


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A datatype of nftables: its name, its number in libnftables' concatenations, its size in bytes.

    ``pack`` writes a value as the kernel holds it, addresses and ports in network order and marks in host order;
    ``unpack`` reads exactly ``size`` bytes. ``padding`` follows it in a concatenation.
    """

    name: str
    datatype: int
    size: int
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Value]
    padding: bytes = b""


@cache
def _interface(name: str) -> bytes:
    return name.encode().ljust(IFNAME_BYTES, b"\0")


def _read_interface(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode(errors="replace")


def _read_port(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _read_mark(data: bytes) -> int:
    return int.from_bytes(data, sys.byteorder)


IPV4: Final = Field("ipv4_addr", 7, 4, attrgetter("packed"), IPv4Address)
IPV6: Final = Field("ipv6_addr", 8, 16, attrgetter("packed"), IPv6Address)
PORT: Final = Field("inet_service", 13, 2, struct.Struct("!H").pack, _read_port, b"\0\0")
MARK: Final = Field("mark", 19, 4, struct.Struct("=I").pack, _read_mark)
IFNAME: Final = Field("ifname", 41, IFNAME_BYTES, _interface, _read_interface)
ADDRESS: Final = {4: IPV4, 6: IPV6}


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One set (``data`` is None) or map of a table.

    ``timeout`` in seconds is the default of its elements, 0 where they have none of their own and None where elements
    do not expire at all. ``statement`` is evaluated by the kernel at each hit of an element.

    ``size`` bounds a set. Without expiry it also fixes its table: a dump is then complete, while one of a set that
    grows or shrinks meanwhile may miss elements. A set without it grows with its elements and keeps them together in
    memory: a tenth of a packet's cost with 8,000 streams, so the maps that every packet asks have none.
    """

    table: str
    name: str
    key: tuple[Field, ...]
    data: Field | None = None
    timeout: int | None = None
    dynamic: bool = False
    statement: str = ""
    size: int | None = None

    def packer(self) -> Callable[..., bytes]:
        """Return what encodes the fields of a key; those of a concatenation are padded to 4 bytes each."""
        if len(self.key) == 1:
            return self.key[0].pack
        fields = [(field.pack, field.padding) for field in self.key]
        name, count = self.name, len(fields)

        def pack(*key: Value) -> bytes:
            if len(key) != count:
                raise ModelError(f"{name} takes {count} key fields, not {len(key)}")
            return b"".join([pack(value) + padding for (pack, padding), value in zip(fields, key, strict=True)])

        return pack

    def decode_key(self, data: bytes) -> Key:
        """Read a key of ``key_bytes`` bytes back."""
        values: list[Value] = []
        at = 0
        for field in self.key:
            values.append(field.unpack(data[at : at + field.size]))
            at += field.size + len(field.padding)
        return tuple(values)

    @property
    def key_bytes(self) -> int:
        """Length of a key in the kernel."""
        if len(self.key) == 1:
            return self.key[0].size
        return sum(field.size + len(field.padding) for field in self.key)

    @property
    def key_type(self) -> int:
        """Number of the key's type as libnftables writes it: six bits for each field of a concatenation."""
        total = 0
        for field in self.key:
            total = total << 6 | field.datatype
        return total


_RATE = f"limit rate {RATE_PACKETS}/second burst {RATE_BURST} packets;"


def _family(version: int) -> tuple[Shape, ...]:
    address = ADDRESS[version]
    return (
        # who may send into which pinhole, and where it goes: the one look-up of an established stream
        Shape(
            "media",
            f"ok{version}",
            (IFNAME, address, PORT, address, PORT),
            MARK,
            timeout=LEASE_SECONDS,
            statement=_RATE,
        ),
        Shape("media", f"self{version}", (IFNAME, address, PORT), MARK, size=PINHOLES),  # our place -> pinhole
        Shape("media", f"rda{version}", (MARK,), address),  # remote address of a pinhole, trusted or settled
        Shape("media", f"eda{version}", (MARK,), address),  # the signalled one, until the pinhole has learned
        Shape(
            "media", f"lda{version}", (MARK,), address, timeout=LEASE_SECONDS, dynamic=True, size=PINHOLES
        ),  # as just learned
        # a learned source that may send until it is settled: a set, because nft 1.0.6 aborts on adding to ok6
        Shape(
            "media",
            f"lok{version}",
            (MARK, address, PORT),
            timeout=LEASE_SECONDS,
            dynamic=True,
            size=PINHOLES,
            statement=_RATE,
        ),
        # who may take part in which connection (BFCP over TCP), both ways: interface, our place, their address
        Shape("media", f"tcp{version}", (IFNAME, address, PORT, address), timeout=LEASE_SECONDS, size=PINHOLES),
        Shape("media", f"from{version}", (MARK, address), size=PINHOLES),  # who may become the source of a pinhole
        Shape("media", f"local{version}", (address, PORT), statement="counter;"),  # ends that a local socket serves
        Shape("media", f"media{version}", (IFNAME, address)),  # our media addresses
    )


MEDIA: Final[dict[str, Shape]] = {
    shape.name: shape
    for shape in (
        *_family(4),
        *_family(6),
        # pinhole that may learn -> the pinhole it is bridged to; of the others, only their element of ok says it
        Shape("media", "peer", (MARK,), MARK, size=PINHOLES),
        Shape("media", "lport", (MARK,), PORT, statement="counter;"),  # pinhole -> its port; counts what leaves by it
        Shape("media", "rdp", (MARK,), PORT),  # remote port of a pinhole, trusted or settled
        Shape("media", "edp", (MARK,), PORT),  # the signalled one, until the pinhole has learned
        Shape("media", "ldp", (MARK,), PORT, timeout=LEASE_SECONDS, dynamic=True, size=PINHOLES),  # as just learned
        Shape(
            "media", "wait", (MARK,), timeout=LEASE_SECONDS, dynamic=True, size=PINHOLES
        ),  # pinholes that still may learn
    )
}

# Refilled from the site's model by each ruleset; all others belong to the leases and are never flushed.
STATIC_MEDIA: Final = ("media4", "media6")

BANS: Final[dict[int, Shape]] = {
    version: Shape("edge", f"ban{version}", (ADDRESS[version],), timeout=0, size=MAX_BANS) for version in (4, 6)
}


def family(name: str, address: IPAddress) -> Shape:
    """Return the media set of that name for an address's IP version."""
    return MEDIA[f"{name}{address.version}"]


def show(key: Key) -> str:
    """Write a key as nft does; marks stand in hexadecimal."""
    return " . ".join(f"0x{value:08x}" if isinstance(value, int) and value > 0xFFFF else str(value) for value in key)
