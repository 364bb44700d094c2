"""One way of a call, and what stands in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.host import Host
from lab.lab import Lab
from lab.topology import EdgeZone


@dataclass(frozen=True, slots=True)
class Way:
    """Who calls, which user is dialled at which address in the middle, who answers, and whose CPU counts."""

    caller: Host
    dialled: str
    address: str
    middle: Host
    callee: Host
    pids: tuple[int, ...]


def way(lab: Lab, pids: tuple[int, ...]) -> Way:
    """Give the way from the hospital through the edge of a lab to the clinic."""
    address = str(lab.topology.zone("sdn").addresses[0].ip)
    return Way(lab.host("hospital"), "clinic", address, lab.host("edge"), lab.host("clinic"), pids)


def address_edge(lab: Lab) -> None:
    """Give the edge of a lab its addresses and IPv4 routes, which `gatewayd` does in the lab of our own programs."""
    for zone in lab.topology.edge:
        for command in _addressing(zone):
            lab.host("edge").run(["ip", *command])


def _addressing(zone: EdgeZone) -> Iterator[list[str]]:
    yield ["link", "set", zone.interface, "up"]
    for address in zone.addresses:
        yield ["address", "add", str(address), "dev", zone.interface, *(["nodad"] if address.version == 6 else [])]
    for gateway in zone.gateways:
        if ":" not in gateway:
            network = "198.18.0.0/15" if zone.zone == "sdn" else "default"
            yield ["route", "add", network, "via", gateway]
