"""The frames of a flood are SYNs that a gateway takes for real ones, each of another source."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from bench import flood
from nft.policy.bogons import PUBLIC
from nft.policy.interval import contains
from tests.nft.topology import address


def test_frames_are_sound_syns_of_hosts_of_the_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flood, "FRAMES", 200)
    sources = set()
    for raw in flood._frames():
        frame = Ether(raw.tobytes())
        ip, tcp = frame[IP], frame[TCP]
        assert (ip.dst, tcp.dport, str(tcp.flags)) == (str(address("internet", 1, 4)), flood.PORT, "S")
        assert contains(PUBLIC[4], int(ip_address(ip.src)))
        sums = (ip.chksum, tcp.chksum)
        del ip.chksum, tcp.chksum
        again = Ether(bytes(frame))
        assert (again[IP].chksum, again[TCP].chksum) == sums
        sources.add((ip.src, tcp.sport))
    assert len(sources) == 200
