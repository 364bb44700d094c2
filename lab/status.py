"""What a lab looks like from outside: hosts, listeners, media ports, programs; for people and for other programs."""

import dataclasses
import json
from dataclasses import dataclass

from lab import namespace, state
from lab.core import CORE_PROGRAMS
from lab.lab import Lab
from lab.topology import MEDIA_PORTS, SIP_PORT


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One host; `alive` tells whether its namespace is there."""

    name: str
    title: str
    zone: str | None
    namespace: str
    addresses: list[str]
    alive: bool


@dataclass(frozen=True, slots=True)
class SipListener:
    """Where the edge takes SIP in one zone."""

    zone: str
    address: str
    port: int
    transport: str


@dataclass(frozen=True, slots=True)
class MediaPorts:
    """The UDP ports, first to last, that calls may use on one address of the edge."""

    zone: str
    address: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ProgramStatus:
    """A program of the edge or the core; `alive` is false where it ended by itself."""

    name: str
    host: str
    pid: int
    alive: bool
    log: str


@dataclass(frozen=True, slots=True)
class Status:
    """A lab as it is now. `pages` are addresses for a browser; `run` holds the programs' sockets."""

    name: str
    up: bool
    hosts: list[HostStatus]
    sip_listeners: list[SipListener]
    media_ports: list[MediaPorts]
    pages: list[str]
    programs: list[ProgramStatus]
    site: str
    run: str
    logs: str

    def to_json(self) -> str:
        """Return it as JSON, the field names as here."""
        return json.dumps(dataclasses.asdict(self), indent=2)


def status(lab: Lab) -> Status:
    """Look at a lab."""
    topology, files = lab.topology, lab.state
    return Status(
        name=lab.name,
        up=files.up,
        hosts=[
            HostStatus(
                name=host.name,
                title=host.title,
                zone=host.zone,
                namespace=lab.namespaces[host.name],
                addresses=[str(address) for interface in host.interfaces for address in interface.addresses],
                alive=namespace.inode(lab.namespaces[host.name]) is not None,
            )
            for host in topology
        ],
        sip_listeners=[
            SipListener(zone.zone, str(address.ip), SIP_PORT, transport)
            for zone in topology.edge
            if zone.sip
            for address in zone.addresses
            for transport in ("udp", "tcp")
        ],
        media_ports=[
            MediaPorts(zone.zone, str(address.ip), *MEDIA_PORTS)
            for zone in topology.edge
            if zone.media
            for address in zone.addresses
        ],
        pages=[],  # the management page is not built yet
        programs=[
            ProgramStatus(
                name,
                "core" if name in CORE_PROGRAMS else "edge",
                process.pid,
                process.alive(),
                str(files.logs / f"{name}.log"),
            )
            for name, process in files.programs().items()
        ],
        site=str(files.site),
        run=str(files.run),
        logs=str(files.logs),
    )


def to_text(seen: Status) -> str:
    """Return a status as a page a person likes to read."""
    lines = [f"Lab {seen.name} is {'up' if seen.up else 'not completely up'}.", ""]
    for host in seen.hosts:
        lost = "" if host.alive else "   (gone)"
        lines.append(f"  {host.name:13} {host.title}{lost}")
        lines.append(f"  {'':13} {host.namespace}   {'  '.join(host.addresses)}")
    lines += ["", "The edge takes SIP at"]
    for zone in dict.fromkeys(listener.zone for listener in seen.sip_listeners):
        places = {f"{_bracketed(one.address)}:{one.port}": None for one in seen.sip_listeners if one.zone == zone}
        lines.append(f"  {zone:13} {'  '.join(places)}   udp, tcp")
    lines.append("and media at")
    lines.extend(
        f"  {ports.zone:13} {_bracketed(ports.address)} ports {ports.first} to {ports.last}"
        for ports in seen.media_ports
    )
    lines += ["", "Programs" if seen.programs else "No program was started."]
    for program in seen.programs:
        word = f"process {program.pid}" if program.alive else "ended"
        lines.append(f"  {program.name:13} {word} on {program.host}   {program.log}")
    lines += ["", f"Site file {seen.site}, sockets in {seen.run}"]
    return "\n".join(lines)


def others(name: str) -> list[str]:
    """Return the names of the other labs on this machine."""
    return [other for other in state.names() if other != name]


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
