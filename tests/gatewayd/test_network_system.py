"""Links, addresses, routes and rules on a real kernel."""

from __future__ import annotations

import socket
import subprocess

import pytest
from pyroute2 import IPRoute

from tests.gatewayd.edge import Edge, arrives
from vdx.pinhole import End, Lease, Leased, Remote, Stream

pytestmark = pytest.mark.system

CALL = "abcdefghijklm"


def ip(machine: Edge, *arguments: str) -> str:
    return machine.on(
        "edge", lambda: subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True).stdout
    )


def test_every_zone_has_its_own_table_and_no_route_stands_elsewhere(machine: Edge) -> None:
    machine.start()
    assert ip(machine, "route", "show", "table", "main") == ""
    assert ip(machine, "route", "show", "table", "5601").splitlines() == [
        "default via 10.0.0.2 dev sdn0 proto 86 src 10.0.0.1 ",
        "10.0.0.0/24 dev sdn0 proto 86 scope link src 10.0.0.1 ",
    ]
    rules = ip(machine, "rule")
    assert "1000:\tfrom all fwmark 0x1000000/0xff000000 lookup 5601 proto 86" in rules
    assert "1001:\tfrom all fwmark 0x1000000/0xff000000 blackhole proto 86" in rules
    assert "1100:\tfrom 198.51.100.1 lookup 5602 proto 86" in rules
    assert "1101:\tfrom 198.51.100.1 unreachable proto 86" in rules


def test_the_same_private_range_behind_two_zones(machine: Edge) -> None:
    """10.9.0.2 lives behind both zones; each stream reaches the one of its own zone."""
    machine.site["zones"]["internet"]["routes"] = [{"to": "10.9.0.0/16", "via": "198.51.100.2"}]
    machine.site["zones"]["sdn"]["routes"] = [{"to": "10.9.0.0/16", "via": "10.0.0.2"}]
    machine.site["peers"]["branch"] = {"zone": "internet", "learn": False, "media": ["10.9.0.0/16"]}
    machine.route(
        "right", lambda r: r.addr("add", index=r.link_lookup(ifname="eth0")[0], address="10.9.0.2", prefixlen=32)
    )
    machine.start()
    owner = machine.owner()
    room, branch = machine.udp("left", "10.9.0.2", 22000), machine.udp("right", "10.9.0.2", 22000)
    where = Remote("10.9.0.2", 22000)
    opened = owner.ask(
        Lease(
            1,
            CALL,
            (Stream(f"{CALL}.0", "rtp", End("sdn", "hospital", 4, where), End("internet", "branch", 4, where)),),
        )
    )
    assert isinstance(opened, Leased), opened
    a, b = opened.streams[0].a, opened.streams[0].b
    assert arrives(room, (a.address, a.port), branch) == (b"media", (b.address, b.port))
    assert arrives(branch, (b.address, b.port), room) == (b"media", (a.address, a.port))


def test_mtu_and_foreign_addresses_and_routes(machine: Edge) -> None:
    """What somebody else configured stays, also after ours has gone."""
    machine.site["interfaces"] = {"sdn0": {"mtu": 1400}}

    def foreign(route: IPRoute) -> None:
        index = route.link_lookup(ifname="sdn0")[0]
        route.link("set", index=index, state="up")
        route.addr("add", index=index, address="10.77.0.1", prefixlen=24)
        route.route("add", dst="10.78.0.0/16", gateway="10.77.0.9", oif=index)

    machine.route("edge", foreign)
    machine.start()
    assert "mtu 1400" in ip(machine, "link", "show", "sdn0")
    machine.site["zones"]["sdn"]["addresses"] = ["10.0.0.1/25"]
    machine.site["zones"]["sdn"]["media"]["addresses"] = ["10.0.0.1"]
    machine.write_site()
    assert machine.ctl("reload").returncode == 0, machine.log()
    shown = ip(machine, "-brief", "address", "show", "sdn0")
    assert "10.77.0.1/24" in shown
    assert "10.0.0.1/25" in shown
    assert "10.0.0.1/24" not in shown
    assert "2001:db8:a::1" not in shown
    assert "10.78.0.0/16 via 10.77.0.9" in ip(machine, "route", "show", "table", "main")
    assert "10.0.0.0/25 dev sdn0" in ip(machine, "route", "show", "table", "5601")


@pytest.mark.parametrize(
    ("interfaces", "zone", "shown", "unable"),
    [
        ({"sdn0.7": {"vlan": 7, "parent": "sdn0", "mtu": 1400}}, "sdn0.7", "vlan protocol 802.1Q id 7", "vlan"),
        ({"bond0": {"members": ["sdn0"], "mode": "active-backup"}}, "bond0", "bond mode active-backup", "bond"),
    ],
)
def test_a_vlan_and_a_bond_are_made_or_refused_in_words(
    machine: Edge, interfaces: dict[str, object], zone: str, shown: str, unable: str
) -> None:
    """A kernel without them (some containers) refuses, and nothing is left of what was done before."""
    machine.site["interfaces"] = interfaces
    machine.site["zones"]["sdn"]["interface"] = zone
    machine.write_site()

    def can(route: IPRoute) -> bool:
        kind = {"vlan": {"link": route.link_lookup(ifname="sdn0")[0], "vlan_id": 9}, "bond": {}}[unable]
        try:
            route.link("add", ifname="probe", kind=unable, **kind)
        except Exception:  # noqa: BLE001 - whatever the kernel says, it cannot
            return False
        route.link("del", ifname="probe")
        return True

    if machine.route("edge", can):
        machine.start()
        assert shown in ip(machine, "-detail", "link", "show", zone)
        machine.site["interfaces"] = {}
        machine.site["zones"]["sdn"]["interface"] = "sdn0"
        machine.write_site()
        assert machine.ctl("reload").returncode == 0, machine.log()
        assert zone not in ip(machine, "-brief", "link")
    else:
        before = ip(machine, "-brief", "link")
        assert machine.refuse() == (
            2, f"gatewayd: adding {unable} {zone} failed: this kernel cannot make such a link"
        )  # fmt: skip
        assert ip(machine, "-brief", "link") == before


def test_ipv6_answers_follow_the_table_of_the_zone(machine: Edge) -> None:
    machine.start()
    made = machine.on("edge", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    machine.opened.append(made)
    made.bind(("2001:db8:b::1", 0))
    with pytest.raises(OSError, match=r"No route|unreachable"):
        made.sendto(b"x", ("2001:db8:a::2", 9))
