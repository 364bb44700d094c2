"""Messages on their way to a collector, over a real socket on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from b2bua.hep import HepSender
from b2bua.sip import Flow, Outgoing, Target
from b2bua.trace import Traces
from vdx.record import HepRules

FLOW = Flow("tls", ("198.18.0.10", 5061), ("198.18.1.10", 40000), "sdn", 1, ("198.18.0.10", 5061))
SIP = b"OPTIONS sip:x SIP/2.0\r\nCall-ID: a\r\nAuthorization: Bearer topsecret\r\n\r\n"
SECONDS = 20.0


@pytest.fixture
def collector() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(SECONDS)
        yield bound


def sender(traces: Traces) -> HepSender:
    return HepSender(traces, lambda: 1_790_000_000.0, lambda _target: ("203.0.113.10", 5060))


def rules(to: socket.socket) -> HepRules:
    return HepRules("127.0.0.1", "127.0.0.1", to.getsockname()[1], 7)


def test_each_message_is_sent_without_its_secrets(collector: socket.socket) -> None:
    traces = Traces()
    out = sender(traces)
    out.follow(rules(collector))
    traces.received(SIP, FLOW, 1.0)
    traces.place()
    traces.sent(Outgoing(Target("internet", "udp", "198.51.100.10", 5060), SIP), 2.0)
    first, second = collector.recv(65_536), collector.recv(65_536)
    for packet in (first, second):
        assert packet[:4] == b"HEP3"
        assert b"OPTIONS sip:x" in packet
        assert b"topsecret" not in packet
    assert socket.inet_aton("198.18.1.10") + b"\0\0\0\4\0\x0a" + socket.inet_aton("198.18.0.10") in first
    assert socket.inet_aton("203.0.113.10") + b"\0\0\0\4\0\x0a" + socket.inet_aton("198.51.100.10") in second
    out.close()
    assert traces.taps == []


def test_another_site_version_changes_where_it_goes(collector: socket.socket) -> None:
    traces = Traces()
    out = sender(traces)
    out.follow(HepRules("127.0.0.1", "127.0.0.1", 9, 7))
    out.follow(rules(collector))
    assert len(traces.taps) == 1
    traces.received(SIP, FLOW, 1.0)
    traces.place()
    assert collector.recv(65_536)
    out.follow(None)
    assert traces.taps == []


def test_a_collector_that_is_away_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    traces = Traces()
    out = sender(traces)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        where = rules(gone)
    out.follow(where)
    for number in range(20):
        traces.received(SIP, FLOW, float(number))
        traces.place()
    out.close()
    assert caplog.text.count("hep.unsent") <= 20
    assert len(traces.source("198.18.1.10")) == 20


def test_an_address_that_is_not_ours_is_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    traces = Traces()
    out = sender(traces)
    out.follow(HepRules("192.0.2.1", "127.0.0.1", 9060, 7))
    assert "hep.unusable" in caplog.text
    assert traces.taps == []
