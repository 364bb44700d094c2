"""Captures that other programs read: tshark is asked what it sees, and scapy about sums."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from gatewayd.ctl.pcap import MAX_PACKET, capture
from vdx.trace import TraceEntry

INVITE = (
    b"INVITE sip:bob@example.org SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:bob@example.org>\r\nCall-ID: capture@test\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
    b"Content-Length: %d\r\n\r\n"
)

CHECKED = [word for name in ("ip", "udp", "tcp") for word in ("-o", f"{name}.check_checksum:TRUE")]


def entry(transport: str, ours: str, theirs: str, data: bytes, *, inward: bool = True) -> TraceEntry:
    return TraceEntry(
        1, 1_790_000_000.25, "a" * 13, "", (), "a", inward, transport, "sdn", (ours, 5061), (theirs, 40123), data
    )


def seen(path: Path, *fields: str) -> list[list[str]]:
    columns = [word for field in fields for word in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-n", "-r", path, *CHECKED, "-T", "fields", "-E", "separator=;", *columns],
        check=True,
        capture_output=True,
        text=True,
    )
    return [row.split(";") for row in done.stdout.splitlines()]


@pytest.mark.parametrize(("ours", "theirs"), [("198.18.0.10", "198.18.1.10"), ("2001:db8::1", "2001:db8::2")])
@pytest.mark.parametrize(("transport", "layer"), [("udp", "udp"), ("tls", "udp"), ("wss", "udp"), ("tcp", "tcp")])
def test_tshark_reads_messages_with_their_true_ends(
    tmp_path: Path, transport: str, layer: str, ours: str, theirs: str
) -> None:
    path = tmp_path / "trace.pcap"
    path.write_bytes(capture([entry(transport, ours, theirs, INVITE % 0), entry(transport, ours, theirs, INVITE % 0)]))
    ip = "ipv6" if ":" in ours else "ip"
    fields = ("sip.Method", "sip.Call-ID", f"{ip}.src", f"{ip}.dst", f"{layer}.srcport", f"{layer}.dstport")
    rows = seen(path, *fields, f"{layer}.checksum.status", "frame.time_epoch")
    assert [row[:-1] for row in rows] == [["INVITE", "capture@test", theirs, ours, "40123", "5061", "1"]] * 2
    assert float(rows[0][-1]) == 1_790_000_000.25


def test_a_message_that_went_out_goes_the_other_way(tmp_path: Path) -> None:
    path = tmp_path / "trace.pcap"
    path.write_bytes(capture([entry("udp", "198.18.0.10", "198.18.1.10", INVITE % 0, inward=False)]))
    assert seen(path, "ip.src", "udp.srcport") == [["198.18.0.10", "5061"]]


def test_a_long_message_over_tcp_is_put_together_again(tmp_path: Path) -> None:
    path = tmp_path / "trace.pcap"
    body = b"v=0\r\n" + b"a=x\r\n" * 30_000
    path.write_bytes(capture([entry("tcp", "198.18.0.10", "198.18.1.10", INVITE % len(body) + body)]))
    assert [row for row in seen(path, "sip.Method", "sip.Content-Length") if row[0]] == [["INVITE", str(len(body))]]


def test_a_message_longer_than_a_datagram_is_cut() -> None:
    file = capture([entry("udp", "198.18.0.10", "198.18.1.10", b"x" * 100_000)])
    _, _, kept, _ = struct.unpack("!IIII", file[24:40])
    assert kept == MAX_PACKET
    assert len(file) == 24 + 16 + MAX_PACKET


def test_events_and_ends_without_address_are_left_out() -> None:
    empty = capture([])
    assert capture([TraceEntry(1, 1.0, "a" * 13, "pinholes open")]) == empty
    assert capture([entry("udp", "", "198.18.1.10", b"x")]) == empty
    assert capture([entry("udp", "2001:db8::1", "198.18.1.10", b"x")]) == empty
