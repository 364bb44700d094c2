"""The doctor on machines of files, and what it is told by others."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from gatewayd.system import around, doctor
from gatewayd.system.finding import Finding
from vdx import site
from vdx.control import StatusReport
from vdx.pinhole import OpenLease, Traffic, Usage
from vdx.site.model import Site

SITE = """\
name: edge1
interfaces: {sdn0: {mtu: 1500}}
zones:
  sdn:
    interface: sdn0
    addresses: [198.18.0.10/24]
    media: {addresses: [198.18.0.10], ports: 40000-40019}
  mgmt: {interface: mgmt0, addresses: [10.9.0.10/24]}
upstream: {zone: mgmt, dns: [10.9.0.53, 10.9.0.54]}
"""


@pytest.fixture
def told() -> Site:
    return site.parse(SITE.encode()).site


def graded(found: list[Finding]) -> list[tuple[str, str]]:
    return [(each.grade, each.about) for each in found]


@pytest.mark.parametrize(
    ("tracking", "grade"),
    [
        ("C0000201,ntp,2,1.7e9,0.000012,0.1,0.1,0,0,0,0,0,64,Normal\n", "well"),
        ("C0000201,ntp,2,1.7e9,-0.300000,0.1,0.1,0,0,0,0,0,64,Normal\n", "bad"),
        ("00000000,,0,0,0,0,0,0,0,0,0,0,0,Not synchronised\n", "bad"),
        ("", "bad"),
    ],
)
def test_the_clock_is_looked_at(tracking: str, grade: str) -> None:
    assert [each.grade for each in doctor.clock(tracking)] == [grade]


def card(system: Path, name: str, **files: str) -> None:
    home = system / "sys/class/net" / name
    (home / "statistics").mkdir(parents=True)
    for file, text in {"carrier": "1", "mtu": "1500", "speed": "1000", **files}.items():
        (home / file).write_text(text)
    for file in ("rx_packets", "rx_dropped", "rx_missed_errors"):
        if not (home / "statistics" / file).exists():
            (home / "statistics" / file).write_text("0")


def test_links_are_looked_at(tmp_path: Path, told: Site) -> None:
    card(tmp_path, "sdn0")
    assert graded(list(doctor.links(tmp_path, told))) == [("well", "zone sdn (sdn0)"), ("bad", "zone mgmt (mgmt0)")]
    (tmp_path / "sys/class/net/sdn0/mtu").write_text("1400")
    assert next(doctor.links(tmp_path, told)).text == "MTU is 1400 and should be 1500"
    (tmp_path / "sys/class/net/sdn0/carrier").write_text("0")
    assert next(doctor.links(tmp_path, told)).text == "no link"


def test_a_link_in_half_duplex_is_told(tmp_path: Path, told: Site) -> None:
    card(tmp_path, "sdn0", duplex="half\n", speed="100")
    found = next(doctor.links(tmp_path, told))
    assert (found.grade, found.text) == ("bad", "100 Mbit/s in half duplex: packets collide")
    (tmp_path / "sys/class/net/sdn0/duplex").write_text("full\n")
    assert next(doctor.links(tmp_path, told)).grade == "well"


def test_packets_that_a_card_drops_are_told(tmp_path: Path, told: Site) -> None:
    card(tmp_path, "sdn0")
    (tmp_path / "sys/class/net/sdn0/statistics/rx_packets").write_text("100000")
    (tmp_path / "sys/class/net/sdn0/statistics/rx_dropped").write_text("50")
    assert next(doctor.links(tmp_path, told)).text == "50 of 100000 packets dropped by the card"


def test_name_servers_are_asked(told: Site) -> None:
    found = list(around.name_servers(told, lambda server: server == "10.9.0.53"))
    assert graded(found) == [("well", "name server 10.9.0.53"), ("bad", "name server 10.9.0.54")]
    assert list(around.name_servers(None)) == []


@pytest.mark.parametrize(("flags", "answers"), [(b"\x81\x80", True), (b"\x81\x82", False), (b"\x01\x00", False)])
def test_what_a_name_server_answers_counts(monkeypatch: pytest.MonkeyPatch, flags: bytes, answers: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        monkeypatch.setattr(around, "DNS_PORT", server.getsockname()[1])

        def serve() -> None:
            question, source = server.recvfrom(512)
            server.sendto(question[:2] + flags + question[4:], source)

        serving = threading.Thread(target=serve)
        serving.start()
        assert around.resolves("127.0.0.1") == answers
        serving.join()


def test_peers_that_do_not_answer_are_told() -> None:
    facts: dict[str, str | int | float] = {"peer clinic": "down for 9 s, no answer", "peer mixer": "up", "calls": 1}
    inner = StatusReport(1, "b2bua", "1", "serving", facts)
    found = list(around.peers(StatusReport(1, "gatewayd", "1", "serving", {"leases": 3}, (inner,))))
    assert graded(found) == [("bad", "peer clinic"), ("well", "peer mixer")]


def test_peers_that_nobody_asks_are_named() -> None:
    def peers(text: str) -> Site:
        return site.parse((SITE + f"peers: {text}\n").encode()).site

    one = "clinic: {zone: sdn, sources: [198.18.0.20/32], target: {address: 198.18.0.20}"
    assert list(around.unasked(peers("{" + one + ", qualify: 30}}"))) == []
    (found,) = around.unasked(peers("{" + one + "}, ward: {zone: sdn, sources: [198.18.0.21/32]}}"))
    assert (found.grade, found.text) == ("look", "nobody asks whether they answer: clinic")


def test_ports_left_are_counted_for_each_address(told: Site) -> None:
    def lease(kind: str, port: int) -> OpenLease:
        name, local = "a" * 13 + ".0", (f"198.18.0.10:{port}", "192.0.2.10:40000")
        zones, remote = ("sdn", "internet"), (None, None)
        usage = Usage(name, Traffic(), Traffic())
        return OpenLease(name, "b2bua", kind, "kernel", zones, ("a", "b"), local, remote, usage, 60.0)

    found = list(around.ports(told, [lease("rtp", 40000), lease("bfcp", 40002)]))
    assert [(each.grade, each.text) for each in found] == [("well", "17 of 20 ports left")]
    short = list(around.ports(told, [lease("rtp", 40000 + 2 * each) for each in range(9)]))
    assert [(each.grade, each.text) for each in short] == [("look", "2 of 20 ports left")]
