"""What waits for names: deadlines hold afterwards, and a fault is the end of that call alone."""

from __future__ import annotations

import pytest
from msgspec import structs

from b2bua.call.entrance import Entrance
from b2bua.call.plan import Plan
from b2bua.locate import Destination
from tests.b2bua.call.test_calls import NET, offer
from tests.b2bua.call.test_faults import boom
from tests.b2bua.call.test_redirects import Redirected
from tests.b2bua.call.test_transfer import CAROL
from tests.b2bua.call.town import REACH
from vdx.dialplan import HostTarget

HOST = HostTarget("sip.clinic.example")


def waiting() -> Redirected:
    line = Redirected()
    signalling = line.gateway.plan.signalling
    peers = tuple(
        structs.replace(one, target=None, dial=structs.replace(one.dial, host=HOST, reach=REACH))
        if one.name == "practice"
        else one
        for one in signalling.peers
    )
    line.gateway.plan = Plan("v10", structs.replace(signalling, peers=peers))
    line.world.finds = False
    line.dial(offer(NET))
    line.redirect(f"<sip:carol@{NET}>")
    line.world.wait(3)
    return line


def test_a_call_redirected_to_a_name_has_a_deadline() -> None:
    line = waiting()
    line.gateway.located(1, {HOST: (Destination("udp", CAROL, 5060),)}, line.world.now)
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
