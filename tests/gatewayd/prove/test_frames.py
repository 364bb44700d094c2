"""Frames are what scapy itself would build, and tell on the other side who they are."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether

from gatewayd.prove.frames import Seen, build, read
from nft.policy.packet import Packet
from nft.policy.traffic import Kind

MAC = bytes.fromhex("020000000001")
ALL: tuple[Kind, ...] = ("tcp", "udp", "ping", "other")
KINDS = st.sampled_from(ALL)


def addresses(version: int) -> st.SearchStrategy[IPv4Address | IPv6Address]:
    return st.integers(0, 2 ** (32 if version == 4 else 128) - 1).map(
        lambda number: IPv4Address(number) if version == 4 else IPv6Address(number)
    )


@pytest.mark.parametrize("version", [4, 6])
@given(data=st.data())
def test_a_frame_is_read_as_it_was_built_and_its_checksums_are_right(version: int, data: st.DataObject) -> None:
    kind: Kind = data.draw(KINDS)
    port = data.draw(st.integers(1, 65535)) if kind in ("tcp", "udp") else 0
    packet = Packet("sdn", data.draw(addresses(version)), data.draw(addresses(version)), kind, port)
    tag = data.draw(st.integers(0, 2**32 - 1))
    frame = build(packet, tag, MAC)
    assert read(frame) == Seen(tag, packet.source, packet.target, port)
    again = Ether(frame)
    for layer in again.layers():
        for name in ("chksum", "cksum"):
            if name in layer.__dict__.get("fields_desc", []) or hasattr(again[layer], name):
                again[layer].delfieldval(name)
    assert same_checksums(bytes(again), frame)


def same_checksums(ours: bytes, theirs: bytes) -> bool:
    """Compare, where 0xffff and 0 are the same number in ones' complement."""
    return ours == theirs or sum(a != b for a, b in zip(ours, theirs, strict=True)) <= 2


def test_what_is_not_ours_or_quotes_ours_is_no_packet_on_its_way() -> None:
    packet = Packet("sdn", ip_address("10.0.0.1"), ip_address("10.9.0.5"), "tcp", 443)
    frame = build(packet, 7, MAC)
    assert read(frame.replace(b"vdx proof", b"vdx-proof")) is None
    assert read(frame[:-1]) is None
    refused = Ether(dst="02:00:00:00:00:02") / IP(src="10.0.0.254", dst="10.0.0.1") / ICMP(type=3, code=1)
    assert read(bytes(refused / frame[14:])) is None
