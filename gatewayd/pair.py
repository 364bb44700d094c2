"""What keepalived of a pair reads: one VRRP instance that carries every shared address. Pure.

One instance and not one for each zone: addresses of all zones move together, or media would come in at one appliance
and leave at the other. Adverts go to the other appliance alone (unicast), so no other box of the network can join.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vdx.site.model import Site
from vdx.site.pair import Pair
from vdx.site.zones import ZoneSettings

PROGRAMS = ("gatewayd", "b2bua")
"""Without one of them no call is carried: the other appliance takes over."""

CHECK_SECONDS = 1
FALLS = 2
"""Checks that fail before the addresses go: a program that restarts by itself is back within a second."""

PRIORITY = 50
"""The most of real-time priority it may take when it is late: a busy machine is no dead one."""

ANNOUNCEMENTS = 3
"""Gratuitous ARP and neighbour advertisements (RFC 9568 8.2), at once and again after five seconds: one may be lost."""


def keepalived(site: Site) -> str:
    """Give the configuration, keepalived.conf(5); "" where the site is of no pair."""
    pair = site.pair
    if pair is None:
        return ""
    return "\n".join([*_global(site.name), *_checks(), *_instance(site, pair), ""])


def _global(name: str) -> Iterator[str]:
    yield "# Written from the site file, `pair` and `shared`; the next change of it writes this anew."
    yield "global_defs {"
    yield f"  router_id {name}"
    yield "  vrrp_version 3"
    yield "  enable_script_security"
    yield "  script_user nobody nogroup"
    yield f"  max_auto_priority {PRIORITY}"
    yield f"  vrrp_garp_master_repeat {ANNOUNCEMENTS}"
    yield "}"


def _checks() -> Iterator[str]:
    for program in PROGRAMS:
        yield f"vrrp_script {program} {{"
        yield f'  script "/usr/bin/systemctl is-active --quiet {program}.service"'
        yield f"  interval {CHECK_SECONDS}"
        yield f"  fall {FALLS}"
        yield "  rise 1"
        yield "}"


def _instance(site: Site, pair: Pair) -> Iterator[str]:
    beat = site.zones[pair.zone]
    own = next(one.ip for one in beat.own if pair.other in one.network)
    sharing = [zone for zone in site.zones.values() if zone.shared]
    yield "vrrp_instance pair {"
    yield "  state BACKUP"
    yield "  nopreempt"  # who comes back does not take calls from the one that has them
    yield f"  interface {beat.interface}"
    yield f"  virtual_router_id {pair.number}"
    yield f"  priority {pair.priority}"
    yield f"  advert_int {pair.seconds:g}"
    yield f"  unicast_src_ip {own}"
    yield from _block("unicast_peer", [str(pair.other)])
    yield "  check_unicast_src"
    yield from _block("track_interface", sorted({zone.interface for zone in sharing} - {beat.interface}))
    yield from _block("track_script", PROGRAMS)
    # an advert names addresses of its own family; those of the other move with them all the same
    yield from _block("virtual_ipaddress", _addresses(sharing, pair.other.version))
    yield from _block("virtual_ipaddress_excluded", _addresses(sharing, 10 - pair.other.version))
    yield "}"


def _addresses(sharing: list[ZoneSettings], version: int) -> list[str]:
    return [
        f"{one} dev {zone.interface} noprefixroute"  # routes are gatewayd's, in the zone's own table
        for zone in sharing
        for one in zone.addresses
        if one.ip in zone.shared and one.version == version
    ]


def _block(name: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"  {name} {{"
        yield from (f"    {line}" for line in lines)
        yield "  }"
