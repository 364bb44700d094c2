"""Every message of RFC 4475 and RFC 5118, sent to an endpoint over UDP, gets the verdict of the RFC."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from b2bua.sip import Endpoint, Flow, IncomingInvite, RequestReceived, Settings, parse
from tests.b2bua.sip.wire import CountingIds

ROOT = Path(os.environ.get("VDX_CONFORMANCE", Path(__file__).parents[4] / "shared" / "conformance"))
FLOW = Flow("udp", ("192.0.2.250", 5060), ("203.0.113.9", 5060), "sdn", 1, ("192.0.2.250", 5060))
SETTINGS = Settings(allow=("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER"))


def verdicts() -> list[Any]:
    """Read the table of verdicts; a missing one is a failed test, not a skipped one."""
    path = ROOT / "verdicts.yaml"
    if not path.exists():
        return [pytest.param("", "", [], id="missing")]
    table = yaml.safe_load(path.read_text())
    return [
        pytest.param(rfc, name, row["outcome"], id=f"{rfc}-{name}")
        for rfc, rows in table.items()
        for name, row in rows.items()
    ]


def outcome(data: bytes) -> str:
    """Send one datagram and say what came of it: `process`, `drop` or a status."""
    endpoint = Endpoint(CountingIds("x"), SETTINGS)
    endpoint.receive(data, FLOW, 0.0)
    if any(isinstance(event, IncomingInvite | RequestReceived) for event in endpoint.events()):
        return "process"
    answers = endpoint.to_send()
    if not answers:
        return "drop"
    assert len(answers) == 1
    answer = parse(answers[0].data)
    return str(getattr(answer, "status", "a request"))


@pytest.mark.parametrize(("rfc", "name", "allowed"), verdicts())
def test_verdict(rfc: str, name: str, allowed: list[str | int]) -> None:
    assert rfc, f"the conformance vectors are missing: set VDX_CONFORMANCE, {ROOT} has no verdicts.yaml"
    got = outcome((ROOT / rfc / f"{name}.dat").read_bytes())
    acceptable = {str(one) for one in allowed}
    if "process" in acceptable:
        # What the element answers by itself to a well-formed message, as any application behind it would:
        # there is no such dialog (a BYE from nowhere), or the method is not allowed
        acceptable |= {"481"}
    if "lenient" in acceptable:
        acceptable |= {"process"}
    assert got in acceptable


def test_the_answer_goes_only_to_the_sender() -> None:
    """Wherever a Via points to, what leaves goes to the address the message came from."""
    for path in sorted(ROOT.glob("rfc*/*.dat")):
        endpoint = Endpoint(CountingIds("x"), SETTINGS)
        endpoint.receive(path.read_bytes(), FLOW, 0.0)
        for answer in endpoint.to_send():
            assert isinstance(answer.to, Flow)
            assert answer.to.remote[0] == FLOW.remote[0], path.name
