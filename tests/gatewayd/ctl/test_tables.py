from __future__ import annotations

from gatewayd.ctl import tables
from vdx.access import BindingInfo
from vdx.control import CallInfo, LegInfo, StatusReport, StreamInfo
from vdx.pinhole import OpenLease, Traffic, Usage

LEASE = OpenLease(
    "abcdefghijklm.0", "b2bua", "rtp", "kernel", ("sdn", "internet"), ("hospital", "citizen"),
    ("10.0.0.1:40000", "198.51.100.1:50000"), ("10.1.2.3:20000", None),
    Usage("abcdefghijklm.0", Traffic(12, 1200, 1, 3.2), Traffic()), 71.4,
)  # fmt: skip


def test_pinholes_stand_in_columns() -> None:
    head, row = tables.pinholes([LEASE]).splitlines()
    for name, value in (
        ("LEASE", "abcdefghijklm.0"), ("RELAY", "kernel"), ("A ", "sdn 10.0.0.1:40000"),
        ("B ", "internet 198.51.100.1:50000"),
    ):  # fmt: skip
        assert row[head.index(name) :].startswith(value)
    assert "hospital 10.1.2.3:20000" in row
    assert "citizen (waits for its first packet)" in row
    assert row.endswith("3 s     71 s")


def test_registrations_stand_in_columns() -> None:
    here = BindingInfo("rooms", "room-1", "sip:a@10.0.0.5", "198.51.100.9:5060", "udp", 88.2, "Cisco/1")
    lost = BindingInfo("rooms", "room-2", "sip:b@x.invalid", "198.51.100.9:40001", "wss", 599.6, connected=False)
    head, first, second = tables.registrations([here, lost]).splitlines()
    assert head.split() == ["USER", "PEER", "CONTACT", "FROM", "OVER", "ENDS", "IN", "DEVICE"]
    assert first.split() == ["room-1", "rooms", "sip:a@10.0.0.5", "198.51.100.9:5060", "udp", "88", "s", "Cisco/1"]
    assert "wss (connection lost)" in second
    assert second.endswith("600 s")


def test_bans_stand_in_the_order_of_their_ends() -> None:
    assert tables.bans({"198.51.100.9": 3600.0, "2001:db8::7": 59.6}).splitlines() == [
        "ADDRESS       ENDS IN",
        "2001:db8::7      0:59",
        "198.51.100.9  1:00:00",
    ]


def test_nothing_is_said_in_words() -> None:
    assert tables.bans({}) == "nobody is banned"
    assert tables.registrations([]) == "nobody is registered"
    assert tables.pinholes([]) == "no pinholes open"
    assert tables.calls([]) == "no calls"


def test_calls_with_their_streams() -> None:
    caller = LegInfo("sdn", "hospital", "10.1.2.3:5060", "room 5", "up")
    callee = LegInfo("internet", "citizen", "198.51.100.9:5060", "anna", "up")
    audio = StreamInfo("abcdefghijklm.0", "audio", "opus/48000", "sendrecv")
    text = tables.calls([
        CallInfo("abcdefghijklm", "up", caller, callee, (audio,), 3725.0, 1.234),
        CallInfo("bcdefghijklmn", "ringing", caller, None, (), 5.0),
    ])  # fmt: skip
    assert text.splitlines() == [
        "abcdefghijklm  up  room 5 (hospital, sdn) -> anna (citizen, internet)  up 1:02:05, answered after 1.23 s",
        "    audio    opus/48000               sendrecv   abcdefghijklm.0",
        "bcdefghijklmn  ringing  room 5 (hospital, sdn) -> nobody yet  up 0:05",
    ]


def test_status_of_a_program_and_those_beside_it() -> None:
    report = StatusReport(
        1, "gatewayd", "0.1.0", "serving", {"leases": 4, "site": "edge-1", "empty": ""},
        (StatusReport(1, "b2bua", "0.1.0", "serving", {"calls": 2}),),
    )  # fmt: skip
    assert tables.status(report).splitlines() == [
        "gatewayd 0.1.0: serving", "  leases  4", "  site    edge-1", "  b2bua 0.1.0: serving", "    calls  2"
    ]  # fmt: skip
