"""Kernel settings without which the rulesets do not hold; ``gatewayd`` applies them before the first ruleset.

Beside them ``gatewayd`` owes the relay one routing rule per zone, so that a pinhole's mark picks its zone's routes::

    ip rule add fwmark 0xZZ000000/0xff000000 lookup TABLE    (and the same for IPv6; ZZ is the zone's index)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sysctl:
    """A setting by its dotted name, the value it must have, and why."""

    name: str
    value: str
    reason: str

    @property
    def path(self) -> str:
        """Return the file under /proc/sys."""
        return "/proc/sys/" + self.name.replace(".", "/")


REQUIRED_SYSCTLS: tuple[Sysctl, ...] = (
    Sysctl("net.ipv4.ip_forward", "1", "relayed packets are routed"),
    Sysctl("net.ipv6.conf.all.forwarding", "1", "relayed packets are routed"),
    Sysctl("net.ipv4.fwmark_reflect", "1", "an ICMP error carries the mark of what it quotes, so that it is dropped"),
    Sysctl("net.ipv6.fwmark_reflect", "1", "an ICMP error carries the mark of what it quotes, so that it is dropped"),
    Sysctl("net.ipv4.conf.all.send_redirects", "0", "a redirect after a hairpin names the other party"),
    Sysctl("net.ipv4.conf.default.send_redirects", "0", "the same for interfaces that come later"),
    Sysctl("net.ipv4.conf.all.accept_redirects", "0", "routes are the site file's alone"),
    Sysctl("net.ipv4.conf.default.accept_redirects", "0", "routes are the site file's alone"),
    Sysctl("net.ipv6.conf.all.accept_redirects", "0", "routes are the site file's alone"),
    Sysctl("net.ipv6.conf.default.accept_redirects", "0", "routes are the site file's alone"),
    Sysctl("net.ipv4.conf.all.accept_source_route", "0", "a sender does not choose a way through us"),
    Sysctl("net.ipv6.conf.all.accept_ra", "0", "addresses and routes are the site file's alone"),
    Sysctl("net.ipv6.conf.default.accept_ra", "0", "addresses and routes are the site file's alone"),
    Sysctl("net.ipv4.conf.all.rp_filter", "0", "it asks the main table; the firewall asks the table of the zone"),
    Sysctl("net.ipv4.conf.default.rp_filter", "0", "it asks the main table; the firewall asks the table of the zone"),
    Sysctl(
        "net.ipv4.conf.all.accept_local", "1", "the firewall refuses our own addresses; the kernel's check costs 10 %"
    ),
    Sysctl(
        "net.ipv4.ip_early_demux", "0", "looks up a socket for each relayed packet, and there is none; IPv6 as well"
    ),
    Sysctl("net.ipv4.tcp_syncookies", "1", "a flood of SYNs shuts nobody out of a listener of ours; IPv6 as well"),
    Sysctl("net.ipv4.conf.all.arp_ignore", "1", "an address is answered for on its own interface only"),
    Sysctl("net.ipv4.conf.all.arp_announce", "2", "an ARP request does not show one zone an address of another"),
    Sysctl("net.ipv4.ip_nonlocal_bind", "1", "what a pair shares is listened on before it is here"),
    Sysctl("net.ipv6.ip_nonlocal_bind", "1", "what a pair shares is listened on before it is here"),
    Sysctl("net.ipv4.ip_local_port_range", "16384 32767", "own sockets stay out of the media ports: answers got lost"),
)

# Settings that exist per interface take the larger of "all" and the interface's own value: interfaces that are there
# before the defaults change need these as well. IPv6 redirects cannot be switched off: the output chain drops them.
INTERFACE_SYSCTLS: tuple[Sysctl, ...] = (
    Sysctl("net.ipv4.conf.{interface}.send_redirects", "0", "either of the two values switches redirects on"),
    Sysctl("net.ipv4.conf.{interface}.rp_filter", "0", "the larger of the two values counts"),
    Sysctl("net.ipv4.conf.{interface}.accept_redirects", "0", "the interface's own value counts without forwarding"),
    Sysctl("net.ipv6.conf.{interface}.accept_redirects", "0", "the interface's own value counts"),
    Sysctl("net.ipv6.conf.{interface}.accept_ra", "0", "the interface's own value counts"),
)
