"""What waits for names: deadlines hold afterwards, and a fault is the end of that call alone."""

from __future__ import annotations

import pytest
from msgspec import structs

from b2bua import sip
from b2bua.call.call import MAX_LOOKING_UP
from b2bua.call.entrance import Entrance
from b2bua.call.plan import Plan
from b2bua.locate import Destination
from tests.b2bua.call.test_calls import BOB, NET, SDN, answer, offer, sdp
from tests.b2bua.call.test_faults import boom
from tests.b2bua.call.test_redirects import Redirected
from tests.b2bua.call.test_transfer import CAROL, Party, by
from tests.b2bua.call.town import REACH
from vdx.dialplan import HostTarget

HOST = HostTarget("sip.clinic.example")


FOUND = {HOST: (Destination("udp", CAROL, 5060),)}


def look_up_carol(line: Party) -> None:
    """Have Carol be called by a name that is not found by itself."""
    signalling = line.gateway.plan.signalling
    peers = tuple(
        structs.replace(one, target=None, dial=structs.replace(one.dial, host=HOST, reach=REACH))
        if one.name == "practice"
        else one
        for one in signalling.peers
    )
    line.gateway.plan = Plan("v10", structs.replace(signalling, peers=peers))
    line.world.finds = False


def waiting() -> Redirected:
    line = Redirected()
    look_up_carol(line)
    line.dial(offer(NET))
    line.redirect(f"<sip:carol@{NET}>")
    line.world.wait(3)
    return line


def test_a_call_redirected_to_a_name_has_a_deadline() -> None:
    line = waiting()
    line.gateway.located(1, FOUND, line.world.now)
    line.world.settle()
    assert line.carol.leg
    line.carol.leg.ring(line.world.now)
    line.world.wait(400)
    assert line.gateway.sizes["calls"] == 0
    assert line.heard() == 408


def test_a_fault_over_what_is_found_ends_that_call(monkeypatch: pytest.MonkeyPatch) -> None:
    line = waiting()
    monkeypatch.setattr(Entrance, "places", boom)
    line.gateway.located(1, {}, line.world.now)
    line.world.settle()
    assert line.heard() == 500
    assert line.gateway.sizes["calls"] == 0


def deserted() -> Party:
    """Alice refers Bob to Carol and hangs up while Carol is looked up."""
    line = Party()
    look_up_carol(line)
    line.up()
    assert line.refer(line.alice, by(line.carol, SDN)).status == 202
    assert line.refer(line.alice, by(line.carol, SDN)).status == 491
    assert line.alice.leg
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    assert line.gateway.sizes["calls"] == 1
    assert line.bob.leg
    assert line.bob.leg.state == "up"
    return line


def test_who_refers_may_hang_up_while_names_are_looked_up() -> None:
    line = deserted()
    line.gateway.located(1, FOUND, line.world.now)
    line.world.settle()
    answer(line.carol, line.world, sdp(CAROL, 9000))
    answer(line.bob, line.world, sdp(BOB, 7000))
    (info,) = line.gateway.calls(line.world.now)
    assert {info.caller.peer, info.callee and info.callee.peer} == {"practice", "clinic"}
    line.world.wait(60)
    assert line.gateway.sizes["calls"] == 1
    line.everybody_idle()


def test_without_a_place_to_call_a_deserted_side_is_let_go() -> None:
    line = deserted()
    line.gateway.located(1, {}, line.world.now)
    line.world.settle()
    assert line.bob.saw(sip.ByeReceived)
    assert "who asked for it is gone" in line.world.records[0].why
    line.everybody_idle()


def test_a_deserted_side_does_not_wait_for_ever() -> None:
    line = deserted()
    line.world.wait(MAX_LOOKING_UP - 0.1)
    assert line.gateway.sizes["calls"] == 1
    line.world.wait(0.2)
    assert line.bob.saw(sip.ByeReceived)
    line.gateway.located(1, FOUND, line.world.now)
    line.world.settle()
    assert not line.carol.saw(sip.IncomingInvite)
    line.everybody_idle()


def test_a_call_goes_on_where_who_refers_stays_and_nobody_is_found() -> None:
    line = Party()
    look_up_carol(line)
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    line.world.wait(MAX_LOOKING_UP + 1)
    line.gateway.located(1, {}, line.world.now)
    line.world.settle()
    assert line.progress(line.alice) == ["100 Trying", "480 Temporarily Unavailable"]
    assert line.gateway.sizes["calls"] == 1
    line.everybody_idle()
