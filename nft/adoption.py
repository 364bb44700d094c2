"""Open bridges read back from the relay's elements, for a restarted owner. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from nft.elements import Element
from nft.number import Number
from nft.relay import Address, Bridge, End, Remote, read_comment
from nft.schema import MEDIA, Key, Shape

VERSIONS = (4, 6)
# Of fixed size, so that a dump misses nothing (that of tcp may, should an element expire just then); others are asked.
DUMPED = ("self4", "self6", "from4", "from6", "tcp4", "tcp6")

Dump = Mapping[str, Sequence[Element]]


@dataclass(frozen=True, slots=True)
class Adopted:
    """A bridge that the kernel still holds.

    ``expires`` is the seconds until nothing passes any more, None where nothing passes yet (no far side is known).
    ``learned`` are sources that wait to be settled, or to be settled to the end.
    """

    bridge: Bridge
    expires: float | None
    learned: dict[Number, Remote]


def settings(dump: Dump) -> list[tuple[Shape, Key]]:
    """Return the elements to ask for after the dump: how each pinhole sends, what it waits for and has learned."""
    learns = {e.key[0] for v in VERSIONS for e in dump[f"from{v}"]}
    wanted: list[tuple[Shape, Key]] = []
    for version in VERSIONS:
        for element in dump[f"self{version}"]:
            number: Any = element.data
            early = (f"eda{version}", "edp", f"lda{version}", "ldp", "wait") if number in learns else ()
            names = (f"rda{version}", "rdp", *early)
            wanted += [(MEDIA[name], (number,)) for name in names]
            wanted.append((MEDIA[f"local{version}"], element.key[1:]))
    return wanted


def timers(dump: Dump) -> list[tuple[Shape, Key]]:
    """Return the elements to ask for after those: what admits packets, and until when."""
    remote, learned = _remotes(dump, "r"), _remotes(dump, "l")
    connections = _connections(dump)
    wanted: list[tuple[Shape, Key]] = []
    for version in VERSIONS:
        for element in dump[f"self{version}"]:
            number: Any = element.data
            if number in remote and number not in connections:
                wanted.append((MEDIA[f"ok{version}"], (*element.key, *remote[number])))
            if number in learned:
                wanted.append((MEDIA[f"lok{version}"], (number, *learned[number])))
    return wanted


def read(dump: Dump) -> list[Adopted]:
    """Return the bridges in what was dumped and asked; pinholes whose other end is missing are left out."""
    places = {Number(int(e.data)): e for v in VERSIONS for e in dump[f"self{v}"] if isinstance(e.data, int)}
    tables = _Tables.read(dump)
    adopted: list[Adopted] = []
    for number, element in places.items():
        told = read_comment(element.comment)
        if told is None or told[1] not in places or told[1] < number:
            continue  # each bridge once, from its lower number
        lease, other = told
        a, b = tables.end(number, element.key), tables.end(other, places[other].key)
        learned = {n: tables.learned[n] for n in (number, other) if n in tables.learned}
        times = [tables.expires[n] for n in (number, other) if n in tables.expires]
        expected = bool(a.remote or a.sources or b.remote or b.sources)
        adopted.append(Adopted(Bridge(lease, a, b), max(times) if times else 0.0 if expected else None, learned))
    return adopted


@dataclass(frozen=True, slots=True)
class _Tables:
    """The dump by pinhole number."""

    local: set[Key]
    remote: dict[Any, Remote]
    learned: dict[Any, Remote]
    sources: dict[Any, tuple[IPv4Address | IPv6Address, ...]]
    expires: dict[Any, float]
    connections: frozenset[Any]

    @classmethod
    def read(cls, dump: Dump) -> _Tables:
        expires: dict[Any, float] = {}
        owner = {e.key: e.data for v in VERSIONS for e in dump[f"self{v}"]}
        timed: list[tuple[Any, Element]] = [
            (e.key[0], e) for name in ("wait", "lok4", "lok6") for e in dump.get(name, ())
        ]
        timed += [
            (owner.get(e.key[:3]), e) for name in ("ok", "tcp") for v in VERSIONS for e in dump.get(f"{name}{v}", ())
        ]
        for number, element in timed:
            expires[number] = max(expires.get(number, 0.0), element.expires or 0.0)
        sources: dict[Any, tuple[Any, ...]] = {}
        for version in VERSIONS:
            for element in dump[f"from{version}"]:
                sources[element.key[0]] = (*sources.get(element.key[0], ()), element.key[1])
        remote = _remotes(dump, "r")
        halfway = {number: remote.pop(number) for number in sources if number in remote}
        connections = _connections(dump)
        sources |= {number: hosts for number, hosts in connections.items() if number not in remote}
        return cls(
            {e.key for v in VERSIONS for e in dump.get(f"local{v}", ())},
            _remotes(dump, "e") | remote,
            _remotes(dump, "l") | halfway,
            sources,
            expires,
            frozenset(connections),
        )

    def end(self, number: Number, place: tuple[Any, ...]) -> End:
        interface, address, port = place
        return End(
            Address(number >> 24, number >> 16 & 0xFF, address, interface),
            port,
            self.remote.get(number),
            tuple(sorted(self.sources.get(number, ()))),
            local=(address, port) in self.local,
            tcp=number in self.connections,
        )


def _connections(dump: Dump) -> dict[Any, tuple[Any, ...]]:
    """Return the ends of connections, each with the hosts that it is admitted to talk to."""
    owner = {element.key: element.data for version in VERSIONS for element in dump[f"self{version}"]}
    found: dict[Any, tuple[Any, ...]] = {}
    for version in VERSIONS:
        for element in dump.get(f"tcp{version}", ()):
            if element.key[:3] in owner:
                number = owner[element.key[:3]]
                found[number] = (*found.get(number, ()), element.key[3])
    return found


def _remotes(dump: Dump, prefix: str) -> dict[Any, Remote]:
    ports: dict[Any, Any] = {e.key[0]: e.data for e in dump.get(f"{prefix}dp", ())}
    return {
        e.key[0]: (e.data, ports[e.key[0]])
        for v in VERSIONS
        for e in dump.get(f"{prefix}da{v}", ())
        if e.key[0] in ports and isinstance(e.data, IPv4Address | IPv6Address)
    }
