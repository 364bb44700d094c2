"""The relay: table ``inet media``.

A packet of an established stream passes one look-up, ``ok``: interface, our address and port, source address and port
give the pinhole it leaves by, or ``LOCAL``. Expiry, rate limit and source check are properties of that element. A miss
of a map ends a rule before anything after it happened, and a ``drop`` stands at the end of each chain.

``send`` writes source port, destination address and destination port in this order, because later look-ups need what
earlier ones have not yet overwritten. TTL or hop limit starts anew, which says nothing of the way behind us, and DF is
cleared where a link may be too small, so that no router has reason to write an ICMP error that names one side to the
other. Smaller packets keep theirs: an identification of zero is only good with DF (RFC 6864, 4.1). The source address
is written after routing (before it, one of our own addresses would be a martian), and only if the packet leaves
through the pinhole's zone.
"""

from __future__ import annotations

from dataclasses import dataclass

from nft.model import Edge, MediaAddress, Zone
from nft.number import ADDRESS_MASK, CLASSES, LOCAL, ZONE_MASK, classed, number
from nft.ruleset import text
from nft.schema import MEDIA, STATIC_MEDIA

LOG_GROUP = 7  # of NFLOG: where a latch is told; nothing else on the appliance uses NFLOG
LOG_BYTES = 64  # of the packet: an IPv6 and a UDP header are 48
LATCH_PREFIX = "latch"
HOPS = 64  # TTL and hop limit of what is relayed
SMALLEST_MTU = 1280  # bytes of the IP packet: every link of ours carries as much

_VERSIONS = ((4, "ip"), (6, "ip6"))
COUNTERS = ("unknown", "refused", "unbridged", "misrouted")


def table(model: Edge) -> str:
    """Return the text of the table for an edge."""
    out = "add table inet media\n"
    out += "".join(f"add counter inet media {name}\n" for name in COUNTERS)
    out += "".join(text.declare(shape) for shape in MEDIA.values())
    out += "".join(
        text.refill("media", name, _static(model, name), kind="map" if MEDIA[name].data else "set")
        for name in STATIC_MEDIA
    )
    return out + text.block("media", _chains(model))


def _static(model: Edge, name: str) -> list[str]:
    addresses = [media for _, media in model.media() if media.address.version == int(name[-1])]
    return [f"{text.quoted(media.interface)} . {media.address}" for media in addresses]


def _chains(model: Edge) -> list[tuple[str, str, list[str]]]:
    chains = [
        ("pre", "type filter hook prerouting priority raw; policy accept;", _pre(model)),
        ("out", "type filter hook output priority raw; policy accept;", _out()),
        ("post", "type filter hook postrouting priority srcnat; policy accept;", _post(model)),
        *((way.chain, "", way.rules()) for way in _ways(model).values()),
    ]
    for version in (4, 6):
        chains += [
            (f"unknown{version}", "", _unknown(version)),
            (f"known{version}", "", _known(version)),
            (f"send{version}", "", _send(version)),
            (f"connected{version}", "", _connected(version)),
        ]
    chains.append(("connecting", "", _connecting()))
    chains.append(("bare4", "", _forwarded(4, "udp checksum set 0 accept")))
    return chains


def _ip(version: int) -> str:
    return "ip" if version == 4 else "ip6"


def _relayed() -> str:
    return f"meta mark & 0x{ZONE_MASK:08x} != 0"


def _pre(model: Edge) -> list[str]:
    rules = [
        f"meta mark set iifname . {ip} daddr . udp dport . {ip} saddr . udp sport map @ok{v} goto send{v}"
        for v, ip in _VERSIONS
    ]
    rules += [f"iifname . {ip} daddr . tcp dport . {ip} saddr @tcp{v} goto connected{v}" for v, ip in _VERSIONS]
    ranges = sorted({(media.first_port, media.last_port) for _, media in model.media()})
    if ranges:
        ports = text.anonymous(f"{first}-{last}" for first, last in _merged(ranges))
        rules += [f"udp dport {ports} iifname . {ip} daddr @media{v} goto unknown{v}" for v, ip in _VERSIONS]
    return rules


def _out() -> list[str]:
    return [f"meta l4proto tcp {_relayed()} goto connecting", f"{_relayed()} notrack"]


def _connected(v: int) -> list[str]:
    # The set of local ends only counts here; no port belongs to a stream of datagrams and to a connection at once.
    return [f"meta mark set 0x{LOCAL:08x} notrack {_ip(v)} daddr . tcp dport @local{v} accept", "accept"]


def _connecting() -> list[str]:
    # Whoever holds a socket of ours reaches nobody but those whom its lease names.
    return [
        *(f"oifname . {ip} saddr . tcp sport . {ip} daddr @tcp{v} notrack accept" for v, ip in _VERSIONS),
        "counter name refused drop",
    ]


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged = [ranges[0]]
    for first, last in ranges[1:]:
        if first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _unknown(v: int) -> list[str]:
    return [
        f"meta mark set iifname . {_ip(v)} daddr . udp dport map @self{v} goto known{v}",
        "counter name unknown drop",
    ]


def _known(v: int) -> list[str]:
    ip, to_peer = _ip(v), f"meta mark set meta mark map @peer goto send{v}"
    learn = (
        f"delete @wait {{ meta mark }} add @lok{v} {{ meta mark . {ip} saddr . udp sport }} "
        f"add @lda{v} {{ meta mark : {ip} saddr }} add @ldp {{ meta mark : udp sport }} "
        f"log prefix {text.quoted(LATCH_PREFIX)} group {LOG_GROUP} snaplen {LOG_BYTES}"
    )
    return [
        f"meta mark . {ip} saddr . udp sport @lok{v} {to_peer}",
        f"meta mark . {ip} saddr @from{v} meta mark @wait {learn} {to_peer}",
        "counter name refused drop",
    ]


def _send(v: int) -> list[str]:
    # Only UDP of this version comes here, so that fields are named by their places: by their names, each packet's
    # version and protocol would be compared once more.
    if v == 6:
        return _forwarded(6, "accept")
    return [
        f"@nh,16,16 > {SMALLEST_MTU} ip frag-off set 0",
        # A UDP checksum of zero (RFC 768: none) would be "corrected" with each write and be wrong afterwards.
        "@th,48,16 0 goto bare4",
        *_forwarded(4, "accept"),
    ]


def _forwarded(v: int, end: str) -> list[str]:
    ip = _ip(v)
    remote, learned, early = (
        f"{ip} daddr set meta mark map @{kind}da{v} udp dport set meta mark map @{kind}dp {end}" for kind in "rle"
    )
    return [
        f"udp sport set meta mark map @lport {ip} {'ttl' if v == 4 else 'hoplimit'} set {HOPS} notrack {remote}",
        learned,
        early,
        f"meta mark 0x{LOCAL:08x} {ip} daddr . udp dport @local{v} notrack accept",
        "counter name unbridged drop",
    ]


def _post(model: Edge) -> list[str]:
    # Media first: what is not media finds nothing in the map and goes on.
    ways = [f"0x{mark:08x} : goto {way.chain}" for mark, way in _ways(model).items()]
    return [
        *([f"meta mark & 0x{ADDRESS_MASK:08x} vmap {text.anonymous(ways)}"] if ways else []),
        f"meta mark & 0x{ZONE_MASK:08x} == 0 accept",
        "counter name misrouted drop",
    ]


@dataclass(frozen=True, slots=True)
class _Way:
    """How packets of a class leave from a media address: through which interfaces, with which DSCP."""

    zone: Zone
    media: MediaAddress
    kind: int

    @property
    def chain(self) -> str:
        return f"leave_{self.zone.name}_{self.media.index}_{CLASSES[self.kind]}"

    def rules(self) -> list[str]:
        ip = _ip(self.media.address.version)
        mark = f" {ip} dscp set {self.zone.dscp[self.kind]}" if self.zone.dscp else ""
        names = [text.quoted(name) for name in self.zone.interfaces]
        through = names[0] if len(names) == 1 else text.anonymous(names)
        return [f"oifname {through} {ip} saddr set {self.media.address}{mark} accept", "counter name misrouted drop"]


def _ways(model: Edge) -> dict[int, _Way]:
    """Return the ways out by the upper half of the marks, which says zone, class and media address."""
    return {
        number(zone.index, classed(media.index, kind), 1) & ADDRESS_MASK: _Way(zone, media, kind)
        for zone, media in model.media()
        for kind in range(len(CLASSES))
    }
