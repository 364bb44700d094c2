"""HEP3 packets: their chunks read back."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdx import hep
from vdx.hep import Captured

SIP = b"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: x@y\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"


def chunks(packet: bytes) -> dict[int, bytes]:
    assert packet[:4] == b"HEP3"
    assert int.from_bytes(packet[4:6]) == len(packet)
    found, at = {}, 6
    while at < len(packet):
        vendor, kind, length = struct.unpack_from("!HHH", packet, at)
        assert vendor == 0
        assert kind not in found
        found[kind] = packet[at + 6 : at + length]
        at += length
    assert at == len(packet)
    return found


def test_a_packet_says_who_sent_what_to_whom_when_in_which_call() -> None:
    packet = hep.packet(Captured(("192.0.2.1", 5060), ("192.0.2.2", 40000), "udp", 1_790_000_000.25, SIP, "c1"), 7)
    assert packet is not None
    assert chunks(packet) == {
        1: b"\x02",
        2: b"\x11",
        3: bytes([192, 0, 2, 1]),
        4: bytes([192, 0, 2, 2]),
        7: (5060).to_bytes(2),
        8: (40000).to_bytes(2),
        9: (1_790_000_000).to_bytes(4),
        10: (250_000).to_bytes(4),
        11: b"\x01",
        12: (7).to_bytes(4),
        17: b"c1",
        15: SIP,
    }


@pytest.mark.parametrize("transport", ["tcp", "tls", "wss"])
def test_ipv6_over_streams(transport: str) -> None:
    packet = hep.packet(Captured(("2001:db8::1", 5061), ("2001:db8::2", 40000), transport, 1.0, SIP))
    assert packet is not None
    found = chunks(packet)
    assert (found[1], found[2]) == (b"\x0a", b"\x06")
    assert len(found[5]) == len(found[6]) == 16
    assert 17 not in found


def test_ends_that_are_no_addresses_of_one_family_give_no_packet() -> None:
    assert hep.packet(Captured(("", 0), ("192.0.2.2", 1), "udp", 1.0, SIP)) is None
    assert hep.packet(Captured(("2001:db8::1", 1), ("192.0.2.2", 1), "udp", 1.0, SIP)) is None


@given(st.binary(max_size=300), st.floats(0, 2**32 - 2), st.integers(0, 65535))
def test_every_message_is_carried_whole(data: bytes, at: float, port: int) -> None:
    packet = hep.packet(Captured(("192.0.2.1", port), ("192.0.2.2", port), "udp", at, data, "c"))
    assert packet is not None
    assert chunks(packet)[15] == data


def test_a_long_message_is_cut_to_a_datagram() -> None:
    packet = hep.packet(Captured(("192.0.2.1", 1), ("192.0.2.2", 1), "tls", 1.0, b"x" * 200_000, "c"))
    assert packet is not None
    assert len(packet) == hep.MAX_PACKET
    assert set(chunks(packet)[15]) == set(b"x")
