"""Tell which peer a message comes from, by the zone it came in through and its source address."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from vdx.control import SipPeer


class Peers:
    """The peers of a site version."""

    def __init__(self, peers: tuple[SipPeer, ...]) -> None:
        self._by_name = {peer.name: peer for peer in peers}
        prefixes = [(ip_network(source), peer) for peer in peers for source in peer.sources]
        self._prefixes: list[tuple[IPv4Network | IPv6Network, SipPeer]] = sorted(
            prefixes, key=lambda entry: entry[0].prefixlen, reverse=True
        )
        self._known: dict[tuple[str, str], SipPeer | None] = {}

    def named(self, name: str) -> SipPeer | None:
        """Give a peer by its name."""
        return self._by_name.get(name)

    def identify(self, zone: str, source: str) -> SipPeer | None:
        """Give the peer with the longest prefix around `source` in `zone`; None for a stranger."""
        key = (zone, source)
        if key not in self._known:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            address = ip_address(source)
            matches = (peer for prefix, peer in self._prefixes if peer.zone == zone and address in prefix)
            self._known[key] = next(matches, None)
        return self._known[key]


_MAX_REMEMBERED = 10_000
"""Sources whose peer is remembered: a scan from many addresses must not fill the memory."""
