"""Every message of RFC 4475 and RFC 5118, sent to a running edge: answered as the RFC says, and the edge goes on."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
import yaml

from b2bua.sip import Endpoint, Flow, Response, SipError, parse
from lab.topology import SIP_PORT
from tests.b2bua.sip.wire import CountingIds
from tests.peers.host import hostport
from tests.system.calls.edge import Edge, sip

pytestmark = pytest.mark.system

ROOT = Path(os.environ.get("VDX_CONFORMANCE", Path(__file__).parents[4] / "shared" / "conformance"))
PEER = "hospital"
ANSWER_SECONDS = 30.0
PROCESSED = {100, 180, 200, 300, 302, 401, 403, 404, 405, 407, 416, 480, 481, 488, 603}
"""What an application may answer to a well-formed message, by its own policy."""


def vectors() -> dict[tuple[str, str], tuple[bytes, list[str | int]]]:
    """Read messages and verdicts; none at all is a failure that says what to do."""
    path = ROOT / "verdicts.yaml"
    assert path.exists(), f"the conformance vectors are missing: set VDX_CONFORMANCE, {ROOT} has no verdicts.yaml"
    table = yaml.safe_load(path.read_text())
    return {
        (rfc, name): ((ROOT / rfc / f"{name}.dat").read_bytes(), row["outcome"])
        for rfc, rows in table.items()
        for name, row in rows.items()
    }


def probe(address: str, port: int, branch: int) -> bytes:
    """Write an OPTIONS whose answer shows that all before it has been handled."""
    return (
        f"OPTIONS sip:probe@{address} SIP/2.0\r\nVia: SIP/2.0/UDP {hostport(address, port)};rport;"
        f"branch=z9hG4bKprobe{branch}\r\nMax-Forwards: 70\r\nFrom: <sip:p@x>;tag=p\r\nTo: <sip:p@x>\r\n"
        f"Call-ID: probe{branch}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def answered_to(data: bytes, address: str) -> int:
    """Tell at which port an answer to a datagram arrives: that of its Via, where it has no rport (RFC 3581)."""
    flow = Flow("udp", ("192.0.2.1", 5060), (address, SIP_PORT), "sdn", 1, ("192.0.2.1", 5060))
    endpoint = Endpoint(CountingIds("x"))
    endpoint.receive(data, flow, 0.0)
    found = [out.to.remote[1] for out in endpoint.to_send() if isinstance(out.to, Flow)]
    if found:
        return found[0]
    try:
        return parse(data).via.port or SIP_PORT
    except SipError:
        return SIP_PORT


def outcome(edge: Edge, data: bytes, number: int) -> set[str]:
    """Send a datagram to the edge and give every status that came back before the probe's."""
    host = edge.host(PEER)
    address, target = host.address(4), sip(edge.address("sdn"))
    with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wire.bind((address, answered_to(data, address)))
        wire.settimeout(1.0)
        wire.sendto(data, target)
        seen: set[str] = set()
        deadline = time.monotonic() + ANSWER_SECONDS
        wire.sendto(probe(address, wire.getsockname()[1], number), target)
        while time.monotonic() < deadline:
            try:
                answer = parse(wire.recv(65_536))
            except TimeoutError:  # lost on a busy machine: the same request again is no other one
                wire.sendto(probe(address, wire.getsockname()[1], number), target)
                continue
            assert isinstance(answer, Response)
            if answer.get("call-id") == f"probe{number}":
                return seen
            # None for a message before, sent again; two of them share a branch and are one transaction to a server
            branch = answer.get("via").partition("branch=")[2].partition(";")[0]
            if answer.get("call-id").encode() in data or (branch and branch.encode() in data):
                seen.add(str(answer.status))
    raise AssertionError("the edge does not answer any more")


def accepted(verdict: list[str | int]) -> set[str]:
    """Give the statuses that fulfil a verdict, "drop" for none."""
    words = {str(word) for word in verdict}
    if words & {"process", "lenient"}:
        words |= {str(status) for status in PROCESSED}
    return words


def test_every_message_is_answered_as_its_rfc_says(edge: Edge) -> None:
    wrong = []
    for number, ((rfc, name), (data, verdict)) in enumerate(vectors().items()):
        got = outcome(edge, data, number) or {"drop"}
        if not got & accepted(verdict):
            wrong.append(f"{rfc} {name}: {sorted(got)} instead of {verdict}")
    assert not wrong, "\n".join(wrong)
    edge.wait_idle()


def test_every_message_on_a_stream_leaves_the_edge_serving(edge: Edge) -> None:
    host, target = edge.host(PEER), sip(edge.address("sdn"))
    for data, _ in vectors().values():
        with host.socket(socket.AF_INET, socket.SOCK_STREAM) as wire:
            wire.settimeout(ANSWER_SECONDS)
            wire.connect(target)
            wire.sendall(data)
    outcome(edge, b"\r\n\r\n", 1_000)
    edge.wait_idle()
