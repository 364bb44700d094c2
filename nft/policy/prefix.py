"""Prefixes with the line they stand on, and lists of them in files. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network, summarize_address_range
from typing import NamedTuple

from nft.errors import ModelError
from nft.policy.interval import Intervals, normal
from nft.schema import IPAddress

VERSIONS = (4, 6)
SPACE: dict[int, Intervals] = {4: ((0, 2**32 - 1),), 6: ((0, 2**128 - 1),)}
"""Every address of an IP version."""

MAX_PREFIXES = 500_000
"""Of one file: five times what the largest network holds; as sets of the kernel they take some 100 MB."""

MAX_LINE = 200  # characters of a line: a prefix is at most 43, the rest is a remark
MAX_FAULTS = 20  # lines told at once: who gave the wrong file need not read all of it


class Origin(NamedTuple):
    """A place in a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Prefix(NamedTuple):
    """A prefix as the numbers of its first and last address, with the place it stands at."""

    version: int
    first: int
    last: int
    file: str
    line: int

    @property
    def origin(self) -> Origin:
        """Where it is written."""
        return Origin(self.file, self.line)

    def __str__(self) -> str:
        return show(self.version, self.first, self.last)


def of(network: IPv4Network | IPv6Network, origin: Origin) -> Prefix:
    """Return a network as a prefix."""
    return Prefix(network.version, int(network.network_address), int(network.broadcast_address), *origin)


def read(text: bytes, file: str) -> tuple[Prefix, ...]:
    """Read a list: one prefix or address a line, ``#`` begins a remark; ``ModelError`` names each line at fault."""
    found: list[Prefix] = []
    faults: list[str] = []
    for number, raw in enumerate(text.split(b"\n"), 1):
        words = raw.split(b"#", 1)[0].strip()
        if not words:
            continue
        if len(found) == MAX_PREFIXES:
            faults.append(f"{file}:{number}: more than {MAX_PREFIXES:,} prefixes: is this the right list?")
            break
        try:
            found.append(of(ip_network(words[:MAX_LINE].decode("ascii")), Origin(file, number)))
        except ValueError as error:
            shown = str(error) if len(words) <= MAX_LINE and words.isascii() else "it is no text of that kind"
            faults.append(f"{file}:{number}: not a prefix such as 192.0.2.0/24 or 2001:db8::/32 ({shown})")
            if len(faults) == MAX_FAULTS:
                break
    if faults:
        raise ModelError("\n".join(faults))
    return tuple(found)


def covered(prefixes: Iterable[Prefix], version: int) -> Intervals:
    """Return the addresses of one IP version in prefixes."""
    return normal((prefix.first, prefix.last) for prefix in prefixes if prefix.version == version)


def address(version: int, number: int) -> IPAddress:
    """Return an address by its number."""
    return IPv4Address(number) if version == 4 else IPv6Address(number)


def show(version: int, first: int, last: int) -> str:
    """Write a range of addresses as a prefix where it is one."""
    if version == 4:
        found: IPv4Network | IPv6Network = next(summarize_address_range(IPv4Address(first), IPv4Address(last)))
    else:
        found = next(summarize_address_range(IPv6Address(first), IPv6Address(last)))
    if int(found.broadcast_address) != last:
        return f"{address(version, first)}-{address(version, last)}"
    return str(found.network_address) if first == last else str(found)
