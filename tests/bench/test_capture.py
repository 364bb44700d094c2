"""What a call waited is read from a capture made of hand-written packets."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.signalling.capture import COOKED, DIRECTION, FILE, LINUX_SLL2, MICROSECONDS, OUTGOING, RECORD, waits

IN, OUT = 0, OUTGOING


def message(start: str, user: str, method: str = "INVITE") -> bytes:
    return f"{start}\r\nVia: x\r\nFrom: <sip:{user}@h>;tag=1\r\nCSeq: 1 {method}\r\n\r\n".encode()


def frame(direction: int, payload: bytes) -> bytes:
    header = bytearray(COOKED)
    header[DIRECTION] = direction
    return bytes(header) + b"\x45" + bytes(19) + bytes(8) + payload  # IPv4 without options, UDP


def captured(path: Path, packets: list[tuple[float, int, bytes]]) -> Path:
    data = FILE.pack(MICROSECONDS, 2, 4, 0, 0, 65535, LINUX_SLL2)
    for at, direction, payload in packets:
        whole = frame(direction, payload)
        data += RECORD.pack(int(at), round(at % 1 * 1e6), len(whole), len(whole)) + whole
    path.write_bytes(data)
    return path


def call(user: str, at: float) -> list[tuple[float, int, bytes]]:
    invite, ok = message("INVITE sip:b@c SIP/2.0", user), message("SIP/2.0 200 OK", user)
    return [(at, IN, invite), (at + 0.002, OUT, invite), (at + 0.010, IN, ok), (at + 0.013, OUT, ok)]


def test_both_ways_through_the_middle_are_added(tmp_path: Path) -> None:
    packets = sorted(call("u1", 1.0) + call("u2", 1.001))
    assert waits(captured(tmp_path / "a.pcap", packets)) == pytest.approx([0.005, 0.005], abs=1e-5)


def test_what_is_sent_again_does_not_count(tmp_path: Path) -> None:
    packets = [*call("u1", 1.0), (1.5, IN, message("INVITE sip:b@c SIP/2.0", "u1")), *call("u1", 2.0)]
    assert waits(captured(tmp_path / "a.pcap", packets)) == pytest.approx([0.005], abs=1e-5)


def test_other_answers_and_unanswered_calls_are_left_out(tmp_path: Path) -> None:
    bye = message("SIP/2.0 200 OK", "u1", "BYE")
    trying = message("SIP/2.0 100 Trying", "u2")
    packets = [*call("u1", 1.0)[:3], (1.02, OUT, bye), *call("u2", 1.1)[:2], (1.2, OUT, trying)]
    assert waits(captured(tmp_path / "a.pcap", packets)) == []


def test_another_kind_of_capture_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.pcap"
    file.write_bytes(FILE.pack(MICROSECONDS, 2, 4, 0, 0, 65535, 1))
    with pytest.raises(ValueError, match="link 1"):
        waits(file)
