"""The sets and maps of both tables: one declaration from which text is rendered and elements are encoded.

Every name ends in the IP version where the key or value holds an address. Only hash sets stand here: deleting from an
interval set takes milliseconds (1.1 at 1,000 elements, 18.9 at 20,000), and pinholes and bans come and go all day.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

import vdx.ids
from nft.errors import ModelError

IPAddress: TypeAlias = IPv4Address | IPv6Address
Value: TypeAlias = int | str | IPv4Address | IPv6Address
Key: TypeAlias = tuple[Value, ...]

LEASE_SECONDS = int(vdx.ids.LEASE_SECONDS)
RATE_PACKETS = 2000  # packets/s of one source into one pinhole: 10 Mbit/s video in 1,200-byte packets is 1,040
RATE_BURST = 500  # packets: one key frame at 4 Mbit/s is about 100, so several may come at wire speed
IFNAME_BYTES = 16  # IFNAMSIZ of linux/if.h
MAX_LEASE_BYTES = 64  # of a lease id in an element's comment; the kernel keeps at most 256 with its framing


@dataclass(frozen=True, slots=True)
class Field:
    """A datatype of nftables: its name, its number in libnftables' concatenations, and its size in bytes."""

    name: str
    datatype: int
    size: int

    def encode(self, value: Value) -> bytes:
        """Encode one value as the kernel holds it: addresses and ports in network order, marks in host order."""
        if self is IPV4 or self is IPV6:
            return value.packed  # type: ignore[union-attr]
        if self is PORT:
            return struct.pack("!H", value)
        if self is MARK:
            return struct.pack("=I", value)
        return str(value).encode().ljust(IFNAME_BYTES, b"\0")

    def decode(self, data: bytes) -> Value:
        """Read one value back."""
        if self is IPV4:
            return IPv4Address(data[:4])
        if self is IPV6:
            return IPv6Address(data[:16])
        if self is PORT:
            return int.from_bytes(data[:2], "big")
        if self is MARK:
            return int(struct.unpack("=I", data[:4])[0])
        return data[:IFNAME_BYTES].split(b"\0", 1)[0].decode(errors="replace")


IPV4: Final = Field("ipv4_addr", 7, 4)
IPV6: Final = Field("ipv6_addr", 8, 16)
PORT: Final = Field("inet_service", 13, 2)
MARK: Final = Field("mark", 19, 4)
IFNAME: Final = Field("ifname", 41, IFNAME_BYTES)
ADDRESS: Final = {4: IPV4, 6: IPV6}


def _padded(size: int) -> int:
    return -(-size // 4) * 4


@dataclass(frozen=True, slots=True)
class Shape:
    """One set (``data`` is None) or map of a table.

    ``timeout`` in seconds is the default of its elements, 0 where they have none of their own and None where elements
    do not expire at all. ``statement`` is evaluated by the kernel at each hit of an element.
    """

    table: str
    name: str
    key: tuple[Field, ...]
    data: Field | None = None
    timeout: int | None = None
    dynamic: bool = False
    statement: str = ""

    def encode_key(self, key: Key) -> bytes:
        """Encode a key; the fields of a concatenation are padded to 4 bytes each."""
        if len(key) != len(self.key):
            raise ModelError(f"{self.name} takes {len(self.key)} key fields, not {len(key)}")
        if len(key) == 1:
            return self.key[0].encode(key[0])
        parts = [field.encode(value) for field, value in zip(self.key, key, strict=True)]
        return b"".join(part.ljust(_padded(len(part)), b"\0") for part in parts)

    def decode_key(self, data: bytes) -> Key:
        """Read a key back."""
        values: list[Value] = []
        for field in self.key:
            values.append(field.decode(data))
            data = data[_padded(field.size) :]
        return tuple(values)

    @property
    def key_bytes(self) -> int:
        """Length of a key in the kernel."""
        return self.key[0].size if len(self.key) == 1 else sum(_padded(field.size) for field in self.key)

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
        Shape("media", f"self{version}", (IFNAME, address, PORT), MARK),  # our address and port -> pinhole
        Shape("media", f"rda{version}", (MARK,), address),  # remote address of a pinhole, trusted or settled
        Shape("media", f"eda{version}", (MARK,), address),  # the signalled one, until the pinhole has learned
        Shape("media", f"lda{version}", (MARK,), address, timeout=LEASE_SECONDS, dynamic=True),  # as just learned
        # a learned source that may send until it is settled: a set, because nft 1.0.6 aborts on adding to ok6
        Shape("media", f"lok{version}", (MARK, address, PORT), timeout=LEASE_SECONDS, dynamic=True, statement=_RATE),
        Shape("media", f"from{version}", (MARK, address)),  # who may become the source of a pinhole
        Shape("media", f"local{version}", (address, PORT), statement="counter;"),  # ends that a local socket serves
        Shape("media", f"out{version}", (MARK, IFNAME), address),  # address part of a mark, way out -> our source
        Shape("media", f"media{version}", (IFNAME, address)),  # our media addresses
    )


MEDIA: Final[dict[str, Shape]] = {
    shape.name: shape
    for shape in (
        *_family(4),
        *_family(6),
        Shape("media", "peer", (MARK,), MARK),  # pinhole -> the pinhole it is bridged to
        Shape("media", "lport", (MARK,), PORT, statement="counter;"),  # pinhole -> its port; counts what leaves by it
        Shape("media", "rdp", (MARK,), PORT),  # remote port of a pinhole, trusted or settled
        Shape("media", "edp", (MARK,), PORT),  # the signalled one, until the pinhole has learned
        Shape("media", "ldp", (MARK,), PORT, timeout=LEASE_SECONDS, dynamic=True),  # as just learned
        Shape("media", "wait", (MARK,), timeout=LEASE_SECONDS, dynamic=True),  # pinholes that still may learn
    )
}

# Refilled from the site's model by each ruleset; all others belong to the leases and are never flushed.
STATIC_MEDIA: Final = ("out4", "out6", "media4", "media6")

BANS: Final[dict[int, Shape]] = {
    version: Shape("edge", f"ban{version}", (ADDRESS[version],), timeout=0) for version in (4, 6)
}


def family(name: str, address: IPAddress) -> Shape:
    """Return the media set of that name for an address's IP version."""
    return MEDIA[f"{name}{address.version}"]


def show(key: Key) -> str:
    """Write a key as nft does; marks stand in hexadecimal."""
    return " . ".join(f"0x{value:08x}" if isinstance(value, int) and value > 0xFFFF else str(value) for value in key)
