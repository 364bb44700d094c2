"""Named counters as the kernel tells them, and from the kernel itself."""

from __future__ import annotations

import struct

import pytest

from nft import attributes as nl
from nft import counters
from nft.apply import apply
from nft.model import Edge
from nft.netlink import Netlink
from nft.ruleset.edge import COUNTERS
from tests.nft.topology import Network, inside, run


def test_an_answer_is_read() -> None:
    data = nl.attribute(1, struct.pack("!Q", 4_000)) + nl.attribute(2, struct.pack("!Q", 40))
    payload = nl.GENERIC.pack(1, 0, 0) + nl.attribute(1, b"edge\0") + nl.attribute(2, b"spoofed\0")
    payload += nl.attribute(3, struct.pack("!I", 1)) + nl.nested(4, data)
    assert counters.decode(payload) == ("edge", "spoofed", 40, 4_000)


def test_an_answer_without_numbers_counts_nothing() -> None:
    payload = nl.GENERIC.pack(1, 0, 0) + nl.attribute(1, b"edge\0") + nl.attribute(2, b"x\0")
    assert counters.decode(payload) == ("edge", "x", 0, 0)


def test_a_question_names_the_table_and_the_kind() -> None:
    ((kind, flags, sequence, payload),) = nl.messages(counters.ask("edge", 7))
    assert (kind & 0xFF, flags, sequence) == (19, nl.REQUEST | nl.DUMP, 7)
    assert nl.mapping(payload[nl.GENERIC.size :]) == {1: b"edge\0", 3: struct.pack("!I", 1)}


@pytest.mark.system
def test_the_kernel_counts_by_name(net: Network) -> None:
    name = f"{net.names['gw']}-count"
    run("ip", "netns", "add", name)
    try:
        with inside(name), Netlink() as netlink:
            assert netlink.counters("edge") == {}
            apply(Edge())
            found = netlink.counters("edge")
            assert set(COUNTERS) <= set(found)
            assert set(found.values()) == {(0, 0)}
            assert "spoofed" not in netlink.counters("media")
    finally:
        run("ip", "netns", "del", name)
