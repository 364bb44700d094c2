"""Policies for tests, written short."""

from __future__ import annotations

from ipaddress import ip_network

from nft.model import Edge
from nft.policy import traffic
from nft.policy.agreement import Agreement, Agreements, Client, Offer, Organisation
from nft.policy.interval import Intervals, union
from nft.policy.model import Action, Network, Policy, Rule, Service, Test
from nft.policy.packet import parse
from nft.policy.prefix import Origin, Prefix, of
from tests.nft.edges import zone

FILE = "site.yaml"
DAY = 86400
NOW = 1_800_000_000
EDGE = Edge((zone(1, "sdn", 4, 6), zone(2, "internet", 4, 6), zone(3, "core", 4, 6), zone(4, "mgmt", 4, 6, media=0)))
ZONES = tuple(each.name for each in EDGE.zones)


def at(line: int) -> Origin:
    return Origin(FILE, line)


def prefixes(*texts: str, line: int = 1) -> tuple[Prefix, ...]:
    return tuple(of(ip_network(text), at(line)) for text in texts)


def kinds(*words: str) -> Intervals:
    """Return traffic by words such as tcp/443, udp/1000-2000, ping, any."""
    found = []
    for word in words:
        protocol, _, ports = word.partition("/")
        if word == "any":
            found.append(traffic.ALL)
        elif word == "ping":
            found.append(((traffic.PING, traffic.PING),))
        else:
            first, _, last = ports.partition("-")
            found.append(traffic.ports(protocol, int(first), int(last or first)))
    return union(*found)


def network(name: str, zone_: str, *texts: str, line: int = 1) -> Network:
    return Network(name, zone_, prefixes(*texts, line=line), at(line))


def service(name: str, *words: str, line: int = 1) -> Service:
    return Service(name, kinds(*words), at(line))


def client(name: str, *texts: str, zone_: str = "sdn", organisation: str = "north", line: int = 1) -> Client:
    return Client(name, organisation, zone_, prefixes(*texts, line=line), at(line))


def offer(name: str, words: str, *texts: str, zone_: str = "core", organisation: str = "hub", line: int = 1) -> Offer:
    return Offer(name, organisation, zone_, prefixes(*texts, line=line), kinds(*words.split()), at(line))


def agreement(
    id_: str, who: str, what: str, starts: int = NOW - DAY, ends: int = NOW + DAY, line: int = 1
) -> Agreement:
    return Agreement(id_, who, what, starts, ends, at(line), approved=True)


def stated(text: str, expect: Action, line: int = 1, at_: int | None = None) -> Test:
    return Test(parse(text), expect, at(line), at_)


ORGANISATIONS = tuple(Organisation(name, at(1)) for name in ("north", "south", "hub"))

POLICY = Policy(
    ZONES,
    networks=(
        network("wards", "sdn", "10.1.0.0/16", "2001:db8:a::/48", line=2),
        network("quarantine", "sdn", "10.1.9.0/24", line=3),
        network("web", "core", "10.9.0.0/24", "2001:db8:9::/64", line=4),
        network("admins", "mgmt", "10.4.0.0/24", line=5),
    ),
    services=(
        service("https", "tcp/443", line=6),
        service("sip", "tcp/5060-5061", "udp/5060", line=7),
        service("ping", "ping", line=8),
    ),
    rules=(
        Rule("sdn", "core", "deny", at(9), ("quarantine",), log=True),
        Rule("sdn", "core", "allow", at(10), ("wards",), ("web",), ("https", "ping"), rate=50, connections=20),
        Rule("mgmt", "core", "allow", at(11), ("admins",)),
    ),
    agreements=Agreements(
        ORGANISATIONS,
        services=(
            offer("vdx-sip", "tcp/5061 udp/40000-49999", "10.9.1.10", "2001:db8:9:1::10", line=12),
            offer("vdx-lab", "tcp/8443", "10.9.1.0/28", line=13),
        ),
        clients=(
            client("ward-7", "10.1.7.0/24", "2001:db8:a:7::/64", line=14),
            client("clinic", "10.2.0.0/16", organisation="south", line=15),
        ),
        agreements=(
            agreement("a-1", "ward-7", "vdx-sip", line=16),
            agreement("a-2", "clinic", "vdx-lab", NOW + DAY, NOW + 3 * DAY, line=17),
            agreement("a-3", "clinic", "vdx-sip", NOW - 3 * DAY, NOW - DAY, line=18),
        ),
    ),
    tests=(
        stated("sdn 10.1.2.3 -> core 10.9.0.5 tcp/443", "allow", 19),
        stated("sdn 10.1.9.3 -> core 10.9.0.5 tcp/443", "deny", 20),
        stated("sdn 10.2.0.1 -> core 10.9.1.3 tcp/8443", "allow", 21, NOW + 2 * DAY),
    ),
)


def large(prefix_count: int, agreement_count: int, now: int) -> Policy:
    """Return a policy of many clients that share prefixes of 16 addresses, and many services of one address each."""
    client_count, service_count = max(1, agreement_count // 4), max(1, agreement_count // 20)
    per = prefix_count // client_count
    clients = tuple(
        Client(
            f"c{c}",
            "north",
            "sdn",
            tuple(Prefix(4, first, first + 15, "list.txt", at_ + 1) for at_, first in _blocks(c * per, per)),
            at(c),
        )
        for c in range(client_count)
    )
    offers = tuple(
        offer(f"s{s}", f"tcp/5061 udp/5060 tcp/{8000 + s % 20}", f"172.16.{s >> 8}.{s & 255}", line=s)
        for s in range(service_count)
    )
    agreements = tuple(
        agreement(
            f"a-{i}", f"c{i % client_count}", f"s{i // client_count + i % (service_count - 4)}", now, now + 9 * DAY
        )
        for i in range(agreement_count)
    )
    return Policy(ZONES, agreements=Agreements(ORGANISATIONS, offers, clients, agreements))


def _blocks(start: int, count: int) -> list[tuple[int, int]]:
    # every second block of 16 addresses, so that no two are neighbours and each stays an interval of its own
    return [(start + i, (10 << 24) + (start + i) * 32) for i in range(count)]
