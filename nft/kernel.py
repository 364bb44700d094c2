"""The relay's batches carried out in the kernel, and what the kernel knows: traffic, learned sources, open bridges.

Packets learn and time expires while a batch is made, so what some steps do (``Refresh``, ``Forget``) depends on what
the kernel holds, and 6.1 has no "delete if there". At first all is taken to be there that no packet has yet taken: the
kernel refuses the whole where that is wrong. Only then is every deletion looked up, and the transaction made anew.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from nft import adoption, relay
from nft.adoption import Adopted
from nft.elements import Element, Operation, Put, Remove
from nft.errors import ContentionError, TransactionError
from nft.netlink import Netlink
from nft.number import Number
from nft.relay import Batch, Bridge, Discard, End, Forget, Refresh, Remote, Step
from nft.schema import BANS, MEDIA, IPAddress, Key, Shape

CLOSED_AT_ONCE = 512  # bridges of one transaction: what it tells of their ends is 300 kB of the receive buffer
COUNTING = (MEDIA["lport"], MEDIA["local4"], MEDIA["local6"])  # the sets that count packets
TRIES = 8  # a batch is refused once per element that went meanwhile; a pinhole learns once, so two is already rare


@dataclass(frozen=True, slots=True)
class Traffic:
    """What arrived at a pinhole and was accepted: packets, and octets with their IP headers."""

    packets: int
    octets: int


class Kernel:
    """The relay in the kernel of this network namespace. Needs CAP_NET_ADMIN and the ruleset applied."""

    def __init__(self, netlink: Netlink | None = None) -> None:
        self._netlink = netlink or Netlink()

    def close(self) -> None:
        """Close the socket; pinholes live on until they expire."""
        self._netlink.close()

    def commit(self, *batches: Batch) -> None:
        """Carry out batches, each in a transaction of its own; ``TransactionError`` where the kernel refuses one."""
        for batch in batches:
            self._commit(batch)

    def close_bridges(self, bridges: Sequence[Bridge]) -> dict[Number, Traffic]:
        """Close bridges; return what arrived at each pinhole until its last moment, those left out that were gone."""
        traffic: dict[Number, Traffic] = {}
        for start in range(0, len(bridges), CLOSED_AT_ONCE):
            part = bridges[start : start + CLOSED_AT_ONCE]
            told = self._commit(relay.close(part), COUNTING)
            counted = {(shape.name, element.key): element for shape, element in told}
            for bridge in part:
                for end, other in bridge.ends:
                    shape, key = _counted(end, other)
                    element = counted.get((shape.name, key))
                    if element is not None:
                        traffic[end.number] = Traffic(element.packets, element.octets)
        return traffic

    def _commit(self, batch: Batch, echo: Collection[Shape] = ()) -> list[tuple[Shape, Element]]:
        cautious = False
        for _ in range(TRIES):
            try:
                return self._netlink.commit(self._resolve(batch, cautious=cautious), echo)
            except TransactionError as error:
                if not error.only(errno.ENOENT):
                    raise
                cautious, refused = True, error
        raise ContentionError(refused.refusals)

    def _resolve(self, batch: Batch, *, cautious: bool) -> list[Operation]:
        """Turn steps into operations. When ``cautious``, every deletion is looked up first."""
        unsure = [step for step in batch if type(step) is Discard or (cautious and isinstance(step, Remove | Refresh))]
        there: set[tuple[str, Key]] = set()
        if unsure:
            found = self._netlink.find_each([(step.shape, step.key) for step in unsure])
            there = {(step.shape.name, step.key) for step, element in zip(unsure, found, strict=True) if element}
        operations: list[Operation] = []
        for step in batch:
            if type(step) is Put or (type(step) is Remove and not cautious):
                operations.append(step)
            else:
                operations += self._operations(step, there, cautious=cautious)
        return operations

    def _operations(self, step: Step, there: set[tuple[str, Key]], *, cautious: bool) -> list[Operation]:
        if isinstance(step, Put):
            return [step]
        if isinstance(step, Forget):
            return self._forget(step) if cautious or step.learned else [Remove(MEDIA["wait"], (step.number,))]
        sure = not cautious and not isinstance(step, Discard)
        if not sure and (step.shape.name, step.key) not in there:
            return []
        gone = step if isinstance(step, Remove) else Remove(step.shape, step.key)
        return [gone, Put(step.shape, step.key, timeout=step.timeout)] if isinstance(step, Refresh) else [gone]

    def _forget(self, step: Forget) -> list[Operation]:
        key = (step.number,)
        maps = (MEDIA["wait"], MEDIA[f"lda{step.version}"], MEDIA["ldp"])
        gone: list[Operation] = [
            Remove(shape, key)
            for shape, element in zip(maps, self._netlink.find_each([(s, key) for s in maps]), strict=True)
            if element
        ]
        # Two first packets on two processors may both have passed, so the set is searched and not only asked. It holds
        # no more than what learned within seconds: settled sources are elsewhere.
        learned = MEDIA[f"lok{step.version}"]
        return gone + [Remove(learned, e.key) for e in self._netlink.dump(learned) if e.key[0] == step.number]

    def traffic(self, bridges: Sequence[Bridge]) -> dict[Number, Traffic]:
        """Return what arrived at each pinhole of bridges since they were opened; closed ones are left out."""
        ends = [pair for bridge in bridges for pair in bridge.ends]
        found = self._netlink.find_each([_counted(end, other) for end, other in ends])
        return {
            end.number: Traffic(element.packets, element.octets)
            for (end, _), element in zip(ends, found, strict=True)
            if element
        }

    def learned(self, ends: Sequence[End]) -> dict[Number, Remote]:
        """Return the sources that ends have learned and that are not settled yet."""
        addresses = self._netlink.find_each([(MEDIA[f"lda{end.version}"], (end.number,)) for end in ends])
        ports = self._netlink.find(MEDIA["ldp"], [(end.number,) for end in ends])
        return {
            end.number: (address.data, port.data)
            for end, address, port in zip(ends, addresses, ports, strict=True)
            if address and port and isinstance(address.data, IPv4Address | IPv6Address) and isinstance(port.data, int)
        }

    def ban(self, address: IPAddress, seconds: float) -> None:
        """Drop everything but leased media from an address for some time; a ban that is there starts anew."""
        shape = BANS[address.version]
        self._commit((Discard(shape, (address,)), Put(shape, (address,), timeout=seconds)))

    def unban(self, address: IPAddress) -> None:
        """Lift a ban, if there is one."""
        self._commit((Discard(BANS[address.version], (address,)),))

    def bans(self) -> dict[IPAddress, float]:
        """Return the banned addresses and the seconds each has left."""
        return {
            element.key[0]: element.expires or 0.0
            for shape in BANS.values()
            for element in self._netlink.dump(shape)
            if isinstance(element.key[0], IPv4Address | IPv6Address)
        }

    def adopt(self) -> list[Adopted]:
        """Return every bridge that the kernel holds."""
        found = self.elements(adoption.DUMPED)
        for ask in (adoption.settings, adoption.timers):
            wanted = ask(found)
            for (shape, _), element in zip(wanted, self._netlink.find_each(wanted), strict=True):
                if element:
                    found.setdefault(shape.name, []).append(element)
        return adoption.read(found)

    def elements(self, names: Iterable[str] = tuple(MEDIA)) -> dict[str, list[Element]]:
        """Return every element of some of the relay's sets, by the set's name."""
        return {name: self._netlink.dump(MEDIA[name]) for name in names}


def _counted(end: End, other: End) -> tuple[Shape, Key]:
    """Return the element that counts what arrives at an end: relayed packets are counted where they leave."""
    if end.local:
        return MEDIA[f"local{end.version}"], (end.address.address, end.port)
    return MEDIA["lport"], (other.number,)
