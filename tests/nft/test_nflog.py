from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6

from nft import attributes as nl
from nft import nflog
from nft.errors import WireError
from nft.nflog import Latched
from nft.number import Number

MARK = 0x02049C40


def logged(packet: bytes, prefix: bytes = b"latch\0", mark: int | None = MARK) -> bytes:
    body = nl.GENERIC.pack(2, 0, 7) + nl.attribute(nflog.PREFIX, prefix) + nl.attribute(nflog.PAYLOAD, packet)
    if mark is not None:
        body += nl.attribute(nflog.MARK, mark.to_bytes(4, "big"))
    return nl.message(nflog.PACKET, 0, 0, body)


V4 = bytes(IP(src="192.0.2.1", dst="198.18.2.1") / UDP(sport=7000, dport=40000) / b"x")
V6 = bytes(IPv6(src="2001:db8::7", dst="2001:db8:2::1") / UDP(sport=7002, dport=40000) / b"x")


@pytest.mark.parametrize(("packet", "source"), [(V4, ("192.0.2.1", 7000)), (V6, ("2001:db8::7", 7002))])
def test_the_source_of_a_logged_packet_is_read(packet: bytes, source: tuple[str, int]) -> None:
    assert list(nflog.decode(logged(packet))) == [Latched(Number(MARK), ip_address(source[0]), source[1])]


def test_options_before_udp_are_stepped_over() -> None:
    packet = bytes(IP(src="192.0.2.1", options=b"\x01\x01\x01\x01") / UDP(sport=7000) / b"x")
    assert [one.port for one in nflog.decode(logged(packet))] == [7000]


@pytest.mark.parametrize(
    "datagram",
    [
        logged(V4, prefix=b"other\0"),
        logged(V4, mark=None),
        logged(bytes(IP() / TCP())),
        logged(V4[:21]),
        logged(V6[:41]),
        logged(b""),
        nl.message(nl.ERROR, 0, 0, bytes(20)),
    ],
)
def test_what_is_no_latch_is_passed_over(datagram: bytes) -> None:
    assert list(nflog.decode(datagram)) == []


def test_several_packets_of_one_datagram_are_all_read() -> None:
    assert len(list(nflog.decode(logged(V4) + logged(V6)))) == 2


@given(st.binary(max_size=100), st.integers(0, 2**32 - 1))
def test_any_packet_is_read_or_passed_over(packet: bytes, mark: int) -> None:
    assert len(list(nflog.decode(logged(packet, mark=mark)))) <= 1


@given(st.binary(max_size=200))
def test_any_datagram_is_read_or_refused(data: bytes) -> None:
    try:
        list(nflog.decode(data))
    except WireError:
        return


def test_the_group_is_bound_with_three_settings() -> None:
    read = list(nl.messages(nflog.configuration(7, 1)))
    assert [sequence for _, _, sequence, _ in read] == [1, 2, 3]
    assert all(payload[2:4] == b"\0\x07" for _, _, _, payload in read)
