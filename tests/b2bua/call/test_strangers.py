"""Sources that are no peer: they hear 403, nothing is kept for them, and the calls of others do not notice."""

from __future__ import annotations

import pytest

from b2bua import sip
from tests.b2bua.call.test_calls import NET, Line

MALLORY = sip.Flow("udp", (NET, 5060), ("198.51.100.66", 5060), "internet", 9, (NET, 5060))


def from_mallory(method: str, number: int) -> bytes:
    lines = (
        f"{method} sip:alice@{NET} SIP/2.0",
        f"Via: SIP/2.0/UDP 198.51.100.66;branch=z9hG4bK{number}",
        "From: <sip:mallory@example.org>;tag=m",
        "To: <sip:alice@example.org>",
        f"Call-ID: {number}",
        f"CSeq: 1 {method}",
        "Contact: <sip:mallory@198.51.100.66>",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "REGISTER"])
def test_a_flood_of_strangers_takes_no_room(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("b2bua.sip.endpoint.MAX_NEW_REQUESTS", 3)
    line = Line()
    line.up()
    held = line.gateway.sizes
    for number in range(10):
        line.gateway.receive(from_mallory(method, number), MALLORY, line.world.now)
    assert [sent.data.split()[1] for sent in line.gateway.to_send()] == [b"403"] * 10
    assert line.gateway.sizes == held
    assert line.gateway.counts["refused: stranger"] == 10
    assert line.gateway.counts["invites"] == 1
    assert line.alice.leg
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    assert line.bob.saw(sip.ByeReceived)
    line.idle()
