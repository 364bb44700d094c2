"""Makes the kernel agree with a topology: veth pairs, addresses, routes, forwarding, NAT.

Nothing is made outside the namespaces, so nothing can be left outside them.
"""

import os
import time
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute

from lab import namespace
from lab.errors import UnableError
from lab.topology import SIP_PORT, Host, Link, Nat, Topology

SETTLE_S = 10.0  # the kernel's own delay is one second; the rest is for a busy machine
SETTLE_TURN_S = 0.01

IFA_F_NODAD = 0x02  # linux/if_addr.h: no duplicate address detection, the address serves at once


def connect(link: Link, namespaces: dict[str, str]) -> None:
    """Make the veth pair of a link, each end born in its host's namespace; both ends stay down."""
    (one, one_name), (other, other_name) = link.one, link.other

    def make() -> None:
        fd = os.open(namespace.path(namespaces[other]), os.O_RDONLY | os.O_CLOEXEC)
        try:
            with IPRoute() as route:
                route.link("add", ifname=one_name, kind="veth", peer={"ifname": other_name, "net_ns_fd": fd})
        finally:
            os.close(fd)

    namespace.inside(namespaces[one], make)


def loopback(name: str) -> None:
    """Bring up the loopback of a namespace and keep the kernel from inventing what the topology does not say."""

    def configure() -> None:
        # Written before any link is made: interfaces take these over when they are born.
        for key in ("all", "default"):
            _sysctl(f"ipv6/conf/{key}/accept_dad", 0)  # no other host can have the address; binding works at once
            _sysctl(f"ipv6/conf/{key}/accept_ra", 0)
        with IPRoute() as route:
            route.link("set", index=_index(route, "lo"), state="up")

    namespace.inside(name, configure)


def configure(host: Host, name: str) -> None:
    """Give a host its addresses, routes and, if it is a router, forwarding and NAT."""

    def apply() -> None:
        if host.forwards:
            _sysctl("ipv4/ip_forward", 1)
            _sysctl("ipv6/conf/all/forwarding", 1)
        with IPRoute() as route:
            for interface in host.interfaces:
                index = _index(route, interface.name)
                for address in interface.addresses:
                    flags = {"flags": IFA_F_NODAD} if address.version == 6 else {}
                    route.addr(
                        "add", index=index, address=str(address.ip), prefixlen=address.network.prefixlen, **flags
                    )
                route.link("set", index=index, state="up")
            for way in host.routes:
                route.route("add", dst=way.destination, gateway=way.gateway)
        if host.nat:
            _translate(host.nat)

    namespace.inside(name, apply)


def wire(topology: Topology, namespaces: dict[str, str]) -> None:
    """Build the whole topology in namespaces that exist already; `namespaces` maps host to namespace."""
    for host in topology:
        loopback(namespaces[host.name])
    for link in topology.links:
        connect(link, namespaces)
    bare = {host.name for host in topology if host.bare}
    for host in topology:
        if host.name not in bare:
            configure(host, namespaces[host.name])
    for link in topology.links:
        ends = (link.one, link.other)
        if not any(host_name in bare for host_name, _ in ends):
            for host_name, interface in ends:
                settle(namespaces[host_name], interface)


def settle(name: str, interface: str) -> None:
    """Wait until an interface carries packets; UnableError if it does not in SETTLE_S.

    The kernel notices some carriers at once and others a second later (linkwatch), and IPv6 stands still until then.
    From 6.9 on it also looks when it is asked for the one link.
    """

    def wait() -> None:
        deadline = time.monotonic() + SETTLE_S
        with IPRoute() as route:
            index = _index(route, interface)
            while route.link("get", index=index)[0].get_attr("IFLA_OPERSTATE") != "UP":
                if time.monotonic() > deadline:
                    raise UnableError(f"Interface {interface} in {name} did not come up in {SETTLE_S:.0f} s.")
                time.sleep(SETTLE_TURN_S)

    namespace.inside(name, wait)


def nat_rules(nat: Nat) -> str:
    """Return the nftables ruleset of a home router: IPv4 masqueraded, SIP handed in, nothing else comes in."""
    return f"""
table ip home {{
  chain in {{
    type nat hook prerouting priority dstnat;
    iifname "{nat.outside}" meta l4proto {{ tcp, udp }} th dport {SIP_PORT} dnat to {nat.sip_to}
  }}
  chain out {{
    type nat hook postrouting priority srcnat;
    oifname "{nat.outside}" masquerade
  }}
  chain through {{
    type filter hook forward priority filter;
    iifname "{nat.outside}" ct state established,related accept
    iifname "{nat.outside}" ct status dnat accept
    iifname "{nat.outside}" drop
  }}
}}
"""


def _translate(nat: Nat) -> None:
    try:
        from nftables import Nftables  # noqa: PLC0415 - Debian's binding; a lab without it has a sentence to say
    except ImportError as missing:
        raise UnableError(
            "The lab needs nftables and its Python binding: apt-get install python3-nftables."
        ) from missing
    nft = Nftables()
    status, _, error = nft.cmd(nat_rules(nat))
    if status != 0:
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise UnableError(f"This kernel does not do the lab's NAT with nftables: {reason}")


def _index(route: Any, name: str) -> int:  # noqa: ANN401 - pyroute2 has no type information
    index: int = route.link_lookup(ifname=name)[0]
    return index


def _sysctl(key: str, value: int) -> None:
    # /proc/sys/net shows the namespace of the thread that opens the file.
    Path("/proc/sys/net", key).write_text(str(value))
