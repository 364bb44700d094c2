"""What we call ourselves in Contact and Via: on every leg, in every message, also after changes and transfers."""

from __future__ import annotations

import re

import pytest

from b2bua import sip
from tests.b2bua.call.test_calls import ALICE, BOB, NET, SDN, answer, offer, sdp
from tests.b2bua.call.test_transfer import CAROL, Party, by

CREATES = {"INVITE", "UPDATE", "NOTIFY", "REFER"}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_contacts_are_bare_and_keep_their_transport(transport: str) -> None:
    """A deviation shows late: the peer sends the next request of the dialog to a place where nobody is."""
    line = Party(transport)
    line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.ring(line.world.now, 183, body=sdp(BOB, 7000))
    line.world.settle()
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.alice.leg
    line.alice.leg.reinvite(line.world.now, body=sdp(ALICE, 6100))
    line.world.settle()
    answer(line.bob, line.world, sdp(BOB, 7000))
    line.bob.leg.update(line.world.now, body=sdp(BOB, 7100))
    line.world.settle()
    offered = line.alice.last(sip.Offered)
    assert isinstance(offered, sip.Offered)
    offered.handle.respond(line.world.now, body=sdp(ALICE, 6100))
    line.world.wait(1000)  # refreshed meanwhile
    line.refer(line.alice, by(line.carol, SDN))
    assert line.carol.leg
    answer(line.carol, line.world, sdp(CAROL, 9000))
    answer(line.bob, line.world, sdp(BOB, 7100))
    suffix = "" if transport == "udp" else f";transport={transport}"
    seen = set()
    for source, _, data in line.world.wire:
        if source[0] not in {SDN, NET}:
            continue
        message = sip.parse(data)
        contacts = message.all("contact")
        for contact in contacts:
            assert re.fullmatch(rf"<sip:(\w+@)?{re.escape(source[0])}:5060{suffix}>", contact), contact
        if isinstance(message, sip.Request):
            seen.add(message.method)
            assert message.via.transport == transport
            assert bool(contacts) == (message.method in CREATES), message.method
        elif 101 <= message.status < 300 and message.cseq.method in CREATES - {"NOTIFY"}:
            assert contacts, (message.status, message.cseq)
    assert {"INVITE", "ACK", "PRACK", "UPDATE", "NOTIFY", "BYE"} <= seen
    line.everybody_idle()
