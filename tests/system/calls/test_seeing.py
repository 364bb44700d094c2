"""What an operator sees of a real call: its ladder, its capture, its record, the numbers, also of refused strangers."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gatewayd.ctl import main
from tests.peers.sngrep import Read, Sngrep
from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import HEP_PORT, Edge
from vdx.record import CallRecord
from vdx.trace import TraceReport

pytestmark = pytest.mark.system

SOON_SECONDS = 30.0


def ctl(edge: Edge, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run gatewayctl against the lab's edge and give what it prints."""
    capsys.readouterr()
    status = main(["--run-dir", str(edge.lab.state.run), *arguments])
    printed = capsys.readouterr()
    assert status == 0, printed.err
    return printed.out


def soon(edge: Edge, capsys: pytest.CaptureFixture[str], enough: Callable[[str], bool], *arguments: str) -> str:
    """Run gatewayctl until it prints enough: what ends a call is still on its way when a peer has its answer."""
    deadline = time.monotonic() + SOON_SECONDS
    while not enough(text := ctl(edge, capsys, *arguments)):
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
    return text


def a_call(crossing: Crossing) -> str:
    """Make a call from INVITE to BYE and give its id."""
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        (ident,) = crossing.edge.calls()
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
    return ident


def test_a_call_is_seen_from_its_first_message_to_its_end(
    crossing: Crossing, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    edge = crossing.edge
    call = a_call(crossing)
    text = soon(edge, capsys, lambda text: text.count("200 OK (BYE)") == 2 and "closed" in text, "trace", call)
    assert text.startswith(call)
    for expected in ("INVITE sip:", "200 OK (INVITE)", "pinholes open", "SDP says", "ended by caller: bye"):
        assert expected in text
    assert text.count("-- ACK ") == 2

    path = tmp_path / "call.pcap"
    ctl(edge, capsys, "trace", call, "--pcap", str(path))
    done = subprocess.run(
        ["tshark", "-n", "-r", path, "-Y", 'sip.Method == "INVITE"', "-T", "fields", "-e", "ip.src", "-e", "ip.dst"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[:2] == [
        f"{crossing.left_address}\t{crossing.edge_left}",
        f"{crossing.edge_right}\t{crossing.right_address}",
    ]
    assert path.stat().st_mode & 0o777 == 0o600

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(SOON_SECONDS)
        ctl(edge, capsys, "trace", call, "--hep", f"127.0.0.1:{collector.getsockname()[1]}")
        packet = collector.recv(65_536)
    assert packet[:4] == b"HEP3"
    assert b"INVITE sip:" in packet
    assert call.encode() in packet


def test_a_foreign_reader_gets_every_message(crossing: Crossing, tmp_path: Path) -> None:
    """As it comes, where the site file names a collector, and later by `trace --hep`: TLS is plain in both."""
    edge, desk = crossing.edge, crossing.edge.host("admin")
    with (
        Sngrep(desk, desk.address(4), HEP_PORT, tmp_path / "live.pcap") as live,
        Sngrep(desk, desk.address(4), HEP_PORT + 1, tmp_path / "later.pcap") as later,
    ):
        with crossing.agents() as (left, right):
            call = crossing.establish(left, right)
            (ident,) = edge.calls()
            left.bye(call.left)
            right.reply(right.expect("BYE"), 200)
            left.expect(200)
        edge.wait_for_record(ident)
        command = [sys.executable, "-m", "gatewayd.ctl", "--run-dir", str(edge.lab.state.run), "--json", "trace", ident]
        collector = f"{desk.address(4)}:{HEP_PORT + 1}"
        told = desk.run([*command, "--hep", collector], timeout=SOON_SECONDS)  # where its user sits
        report = msgspec.json.decode(told.stdout, type=TraceReport)
        assert report.left_out == 0
        messages = [
            Read(
                one.theirs if one.inward else one.ours,
                one.ours if one.inward else one.theirs,
                round(one.at * 1_000_000),
                one.data,
            )
            for one in report.entries
            if one.transport
        ]
        said = [one for agent in (left, right) for one in (*agent.received, *agent.sent)]
        dialogs = {call.left.call_id, call.right.call_id}  # a page has registered before
        assert len(messages) >= len([one for one in said if one["Call-ID"] in dialogs])
        assert later.wait_for(lambda read: len(read) >= len(messages)) == messages
        wanted = Counter(one._replace(at=0) for one in messages)
        live.wait_for(lambda read: wanted <= Counter(one._replace(at=0) for one in read))


def test_a_call_leaves_a_record(crossing: Crossing, capsys: pytest.CaptureFixture[str]) -> None:
    edge = crossing.edge
    call = a_call(crossing)
    lines = soon(edge, capsys, lambda text: call in text, "--json", "records", "--since", "10m").splitlines()
    record = next(one for line in lines if (one := msgspec.json.decode(line, type=CallRecord)).call == call)
    assert (record.status, record.ended_by, record.why) == (200, "caller", "bye")
    assert (record.caller.peer, record.callee.peer) == (crossing.caller, crossing.callee)
    assert record.callee.alias == crossing.alias
    assert record.began <= (record.answered or "") <= record.ended
    assert [stream.medium for stream in record.streams] == ["audio", "video", "application"]
    assert call in ctl(edge, capsys, "records", "--since", "10m")


def test_the_numbers_of_the_appliance_are_told(crossing: Crossing, capsys: pytest.CaptureFixture[str]) -> None:
    edge = crossing.edge

    def answered(text: str) -> float:
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return sum(one.value for one in samples if one.name == "vdx_answers_total" and one.labels["status"] == "200")

    before = answered(ctl(edge, capsys, "metrics"))
    a_call(crossing)
    text = soon(edge, capsys, lambda text: answered(text) >= before + 1, "metrics")
    for expected in ("vdx_call_setup_seconds_bucket", 'vdx_nft_packets_total{counter="spoofed",table="edge"}'):
        assert expected in text
    assert "vdx_b2bua_connected" in (edge.lab.state.run / "metrics.prom").read_text()
