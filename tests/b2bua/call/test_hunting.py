"""Several places for one call: alternatives, names with several addresses, what leads on and what does not."""

from __future__ import annotations

import pytest

from b2bua import sip
from b2bua.locate import Destination, UnavailableError
from tests.b2bua.call.test_calls import offer, sdp
from tests.b2bua.call.town import ALICE, BOB, ONE, TWO, Town
from vdx.dialplan import Alternative, DialRule

BOTH = DialRule("site:1", "*", among=(Alternative("one"), Alternative("two")))


def test_an_overloaded_place_leads_on_and_is_left_in_peace() -> None:
    town = Town(BOTH)
    town.dial("ward")
    town.reject("one", 503, headers=[("Retry-After", "3600")])
    town.answer("two")
    assert town.alice.saw(sip.Answered)
    assert town.invited() == ["one", "two"]
    assert town.gateway.calls(town.world.now)[0].callee.peer == "two"  # type: ignore[union-attr]
    town.dial("ward")
    assert town.invited() == ["one", "two", "two"]
    town.world.wait(61)
    town.dial("ward")
    assert town.invited()[3:] == ["one"]


@pytest.mark.parametrize("status", [404, 480, 486, 500, 603])
def test_an_answer_is_an_answer(status: int) -> None:
    town = Town(BOTH)
    town.dial("ward")
    town.reject("one", status)
    assert (town.failed().status, town.invited()) == (status, ["one"])
    town.idle()


def test_silence_leads_on_after_a_few_seconds() -> None:
    town = Town(BOTH)
    town.world.lose = lambda _from, to, _data: to[0] == ONE
    town.dial("ward")
    town.world.wait(4.9)
    assert set(town.invited()) == {"one"}
    town.world.wait(0.2)
    town.answer("two")
    assert town.alice.saw(sip.Answered)
    leg = town.alice.last(sip.Answered)
    assert isinstance(leg, sip.Answered)
    leg.leg.bye(town.world.now)
    town.idle()


def test_the_last_place_has_all_the_time() -> None:
    town = Town(BOTH)
    town.world.lose = lambda _from, to, _data: to[0] in {ONE, TWO}
    town.dial("ward")
    town.world.wait(5 + 31.9)
    assert not town.alice.saw(sip.Failed)
    town.world.wait(0.2)
    assert town.failed().status == 408
    town.idle()


def test_a_place_at_work_is_not_given_up() -> None:
    town = Town(BOTH)
    town.dial("ward")  # 100 comes after 200 ms, nothing else
    town.world.wait(60)
    assert town.invited() == ["one"]
    town.world.wait(125)
    assert (town.failed().status, town.invited()) == (408, ["one"])
    town.idle()


def test_a_caller_with_an_early_answer_stays() -> None:
    town = Town(BOTH)
    town.dial("ward")
    leg = town.agent("one").leg
    assert leg
    leg.ring(town.world.now, 183, body=sdp(ONE, 7000))
    town.world.settle()
    town.reject("one", 503)
    assert town.failed().status == 500
    assert town.invited() == ["one"]
    town.idle()


def test_the_caller_gives_up_between_two_places() -> None:
    town = Town(BOTH)
    town.world.lose = lambda _from, to, _data: to[0] in {ONE, TWO}
    leg = town.dial("ward")
    town.world.wait(6)
    leg.cancel(town.world.now)
    town.world.settle()
    assert [record.why for record in town.world.records] == ["cancelled"]
    town.idle()


def test_weights_share_calls() -> None:
    rule = DialRule("site:1", "*", among=(Alternative("one", 1), Alternative("two", 3)))
    town = Town(rule)
    for _ in range(4):
        town.dial("ward")
    assert town.invited() == ["two"] * 4  # chance is 0.5 here


def test_the_session_is_made_anew_and_nothing_of_the_first_one_stays() -> None:
    town = Town(BOTH)
    town.dial("ward")
    first = set(town.ports.open)
    town.reject("one", 503)
    town.answer("two")
    assert len(town.ports.open) == len(first)
    assert {stream.b.peer for stream in town.ports.open.values()} == {"two"}
    answered = town.alice.last(sip.Answered)
    assert isinstance(answered, sip.Answered)
    answered.leg.bye(town.world.now)
    town.idle()


def test_a_dead_place_that_takes_a_call_is_alive() -> None:
    town = Town(BOTH)
    town.dial("ward")
    for name in ("one", "two"):
        town.reject(name, 503)
    town.dial("ward")
    town.reject("one", 503)
    town.answer("two")
    town.dial("ward")
    assert town.invited() == ["one", "two", "one", "two", "two"]


def test_a_peer_that_is_known_to_be_down_is_tried_last() -> None:
    town = Town(BOTH)
    town.gateway._entrance._is_down = lambda peer: peer == "one"
    town.dial("ward")
    assert town.invited() == ["two"]


# Names

OUT = DialRule("site:1", "*", domain="*", to="dns", via="world")


def udp(*hosts: str) -> tuple[Destination, ...]:
    return tuple(Destination("udp", host, 5060) for host in hosts)


def test_a_foreign_domain_is_looked_up_and_called() -> None:
    town = Town(OUT)
    town.world.names["else.example"] = udp(BOB)
    town.dial("desk", "Else.example")
    town.answer("bob")
    assert town.world.asked == ["else.example"]
    assert town.request("bob").uri == "sip:desk@else.example"
    assert town.alice.saw(sip.Answered)


def test_a_peer_may_be_a_name() -> None:
    town = Town(DialRule("site:1", "*", to="named"))
    town.world.names["sip.clinic.example"] = udp("198.51.100.99", BOB)
    town.world.lose = lambda _from, to, _data: to[0] == "198.51.100.99"
    town.dial("desk")
    town.world.wait(5.1)
    town.answer("bob")
    assert town.request("bob").uri == "sip:desk@sip.clinic.example"
    town.dial("desk")
    assert town.invited() == ["bob", "bob"]  # the dead one is tried last now
    assert not town.alice.saw(sip.Failed)


@pytest.mark.parametrize(
    ("host", "found", "status"),
    [
        ("else.example", None, 404),
        ("else.example", UnavailableError("DNS is silent"), 504),
        ("else.example", udp("10.0.0.11"), 480),  # a name that leads into our core
        ("else.example", udp("203.0.113.10"), 480),  # or to ourselves
        ("else.example", udp("2001:db8::1"), 480),  # or where no listener of ours reaches
        ("198.51.100.10", None, 404),  # an address is no domain
        ("localhost", None, 404),
        ("health.example", None, 404),  # ours, and no rule for it
    ],
)
def test_names_that_lead_nowhere(host: str, found: object, status: int) -> None:
    town = Town(OUT)
    if found is not None:
        town.world.names[host] = found  # type: ignore[assignment]
    town.dial("desk", host)
    assert town.failed().status == status
    assert town.invited() == []
    town.idle()


def test_a_call_that_is_taken_back_while_its_name_is_looked_up() -> None:
    town = Town(OUT)
    town.world.finds = False
    leg = town.dial("desk", "else.example")
    town.world.wait(1)
    assert town.gateway.sizes["lookups"] == 1
    leg.cancel(town.world.now)
    town.world.settle()
    town.gateway.located(1, {}, town.world.now)
    town.world.settle()
    assert town.invited() == []
    town.idle()


def test_an_answer_for_a_lookup_that_nobody_waits_for_is_dropped() -> None:
    town = Town(OUT)
    town.gateway.located(99, {}, town.world.now)
    town.idle()


def test_a_late_offer_is_hunted_for_too() -> None:
    town = Town(BOTH)
    town.dial("ward", body=b"")
    town.reject("one", 503)
    leg = town.agent("two").leg
    assert leg
    leg.answer(town.world.now, body=offer(TWO))
    town.world.settle()
    answered = town.alice.last(sip.Answered)
    assert isinstance(answered, sip.Answered)
    assert answered.ack_owed
    answered.leg.ack(town.world.now, body=sdp(ALICE, 6000))
    town.world.settle()
    assert town.agent("two").saw(sip.Confirmed)
