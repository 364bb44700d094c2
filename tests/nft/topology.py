"""A gateway and three hosts in network namespaces of their own, for the system tests of this package.

    sdn host  --- sdn0 -+         +- net0 ---  internet host (addresses .2 to .4)
                        | gateway |
                        +- core0 -+---------   core host

Zone n (sdn 1, internet 2, core 3) is 198.18.n.0/24 and 2001:db8:n::/64; the gateway is .1, hosts are .2 and up. Each
zone has a routing table of its own, chosen by the mark of a pinhole and by our address.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

from nft.model import Edge, Listener, MediaAddress, Service, Upstream, Zone
from nft.relay import Address
from nft.sysctls import INTERFACE_SYSCTLS, REQUIRED_SYSCTLS

ZONES = {"sdn": (1, "sdn0"), "internet": (2, "net0"), "core": (3, "core0")}
HOSTS = 4  # addresses of the gateway and the hosts in each zone: .1 to .4
MTU = 1500

_libc = ctypes.CDLL(None, use_errno=True)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Put this thread into a namespace: sockets made meanwhile stay there."""
    with Path("/proc/thread-self/ns/net").open() as before, Path(f"/run/netns/{namespace}").open() as wanted:
        if _libc.setns(wanted.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
        try:
            yield
        finally:
            _libc.setns(before.fileno(), 0x40000000)


def address(zone: str, host: int, version: int) -> IPv4Address | IPv6Address:
    index = ZONES[zone][0]
    return ip_address(f"198.18.{index}.{host}" if version == 4 else f"2001:db8:{index}::{host}")


def mac(zone: str, *, gateway: bool) -> str:
    return f"02:00:00:00:{ZONES[zone][0]:02x}:{1 if gateway else 2:02x}"


def media(zone: str, version: int) -> Address:
    index, interface = ZONES[zone]
    return Address(index, version, address(zone, 1, version), interface)


def model() -> Edge:
    zones = tuple(
        Zone(
            index,
            name,
            (interface,),
            (address(name, 1, 4), address(name, 1, 6)),
            tuple(MediaAddress(v, address(name, 1, v), interface) for v in (4, 6)),
            (34, 46, 24),
        )
        for name, (index, interface) in ZONES.items()
    )
    listeners = tuple(
        Listener(name, protocol, address(name, 1, v), 5060, f"site.yaml:{index}")
        for name, (index, _) in ZONES.items()
        for v in (4, 6)
        for protocol in ("udp", "tcp")
    )
    return Edge(
        zones,
        listeners,
        (Service("core", "tcp", 22, (ip_network("198.18.3.2/32"), ip_network("2001:db8:3::2/128")), "site.yaml:20"),),
        (Upstream("core", "udp", address("core", 2, 4), 53, "site.yaml:30"),),
        (ip_network(f"{address('internet', 3, 4)}/32"), ip_network(f"{address('internet', 3, 6)}/128")),
    )


@dataclass
class Network:
    """The namespaces by the name of their zone, and ``gw``."""

    names: dict[str, str] = field(default_factory=dict)

    def udp(self, zone: str, host: int, port: int = 0, version: int = 4) -> socket.socket:
        """Return a bound UDP socket of a host (of the gateway itself: ``gw``); reading waits at most 0.25 s."""
        with inside(self.names[zone]):
            made = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        made.settimeout(0.25)
        made.bind((str(address(zone, host, version)), port))
        return made

    def packets(self, zone: str) -> socket.socket:
        """Return a packet socket on a host's link: everything that reaches the host, and any frame may be sent."""
        with inside(self.names[zone]):
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            made.bind(("eth0", 3))
        made.settimeout(0.3)
        return made

    def gateway(self, *command: str) -> str:
        return run("ip", "netns", "exec", self.names["gw"], *command)

    def counter(self, table: str, name: str) -> int:
        listed = self.gateway("nft", "list", "counter", "inet", table, name)
        return int(listed.split("packets", 1)[1].split()[0])


@contextlib.contextmanager
def network(*, routed: bool = True) -> Iterator[Network]:
    """Build the namespaces; take them away again whatever happens.

    Without ``routed`` the zones share the main routing table and the gateway keeps the kernel's settings but forwards.
    """
    _clear()
    tag = f"vn{os.getpid()}"
    net = Network({name: f"{tag}-{name}" for name in ("gw", *ZONES)})
    try:
        for name in net.names.values():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        if routed:
            _sysctls(net)
        else:
            net.gateway("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        for zone in ZONES:
            _link(net, zone, routed=routed)
        if routed:
            _sysctls(net, [interface for _, interface in ZONES.values()])
        yield net
    finally:
        for name in net.names.values():
            subprocess.run(("ip", "netns", "del", name), check=False, capture_output=True)


def _clear() -> None:
    """Remove what a run left that was killed: its namespaces carry its process number."""
    for name in (path.name for path in Path("/run/netns").glob("vn*-*")):
        owner = re.fullmatch(r"vn(\d+)-\w+(-\w+)?", name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            subprocess.run(("ip", "netns", "del", name), check=False, capture_output=True)


def _sysctls(net: Network, interfaces: list[str] | None = None) -> None:
    with inside(net.names["gw"]):
        for wanted in REQUIRED_SYSCTLS if interfaces is None else INTERFACE_SYSCTLS:
            for interface in interfaces or [""]:
                Path(wanted.path.replace("{interface}", interface)).write_text(wanted.value)
        Path("/proc/sys/net/ipv6/conf/default/accept_dad").write_text("0")


def _link(net: Network, zone: str, *, routed: bool) -> None:
    gateway, host = net.names["gw"], net.names[zone]
    index, interface = ZONES[zone]
    ours, theirs = mac(zone, gateway=True), mac(zone, gateway=False)
    run("ip", "-n", gateway, "link", "add", interface, "mtu", str(MTU), "address", ours, "type", "veth",
        "peer", "name", "eth0", "mtu", str(MTU), "address", theirs, "netns", host)  # fmt: skip
    with inside(host):
        Path("/proc/sys/net/ipv6/conf/eth0/accept_dad").write_text("0")
        Path("/proc/sys/net/ipv6/conf/eth0/router_solicitations").write_text("0")  # they would be counted as denied
        Path("/proc/sys/net/ipv4/conf/eth0/rp_filter").write_text("0")
        Path("/proc/sys/net/ipv4/conf/all/rp_filter").write_text("0")
    for namespace, device, hosts in ((gateway, interface, range(1, 2)), (host, "eth0", range(2, HOSTS + 1))):
        for number in hosts:
            run("ip", "-n", namespace, "addr", "add", f"{address(zone, number, 4)}/24", "dev", device)
            run("ip", "-n", namespace, "addr", "add", f"{address(zone, number, 6)}/64", "dev", device, "nodad")
        run("ip", "-n", namespace, "link", "set", device, "up")
    for version in (4, 6):
        family, ours_at = f"-{version}", str(address(zone, 1, version))
        prefix = f"198.18.{index}.0/24" if version == 4 else f"2001:db8:{index}::/64"
        run("ip", family, "-n", host, "route", "add", "default", "via", ours_at)
        if routed:
            table = str(100 + index)
            run("ip", family, "-n", gateway, "route", "add", prefix, "dev", interface, "table", table)
            run("ip", family, "-n", gateway, "route", "add", "default", "via", str(address(zone, 2, version)),
                "dev", interface, "table", table)  # fmt: skip
            run(
                "ip", family, "-n", gateway, "rule", "add", "fwmark", f"0x{index:02x}000000/0xff000000", "lookup", table
            )
            run("ip", family, "-n", gateway, "rule", "add", "from", ours_at, "lookup", table)
        for number in range(2, HOSTS + 1):
            run("ip", family, "-n", gateway, "neigh", "replace", str(address(zone, number, version)),
                "lladdr", theirs, "dev", interface, "nud", "permanent")  # fmt: skip
        run("ip", family, "-n", host, "neigh", "replace", ours_at, "lladdr", ours, "dev", "eth0", "nud", "permanent")
