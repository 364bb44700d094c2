"""What a side has proved of itself goes with it through transfers: its name, and that it is a guest."""

from __future__ import annotations

import pytest

from b2bua import sip
from b2bua.call.call import Call
from b2bua.call.identify import Caller
from b2bua.call.tokens import Guest
from tests.b2bua.call.register import NET as HOUSE
from tests.b2bua.call.register import House
from tests.b2bua.call.test_attended import consult, replacing
from tests.b2bua.call.test_calls import BOB, NET, SDN, answer, sdp
from tests.b2bua.call.test_transfer import CAROL, Party, by
from vdx.pinhole import Side

ANNA = Guest("anna", "bob", 9e9)


def call_of(line: Party, leg: sip.Leg | None) -> Call:
    """Give the call that a leg of an agent belongs to."""
    assert leg
    assert leg.dialog
    ours = line.gateway.endpoint.leg(leg.dialog.remote_tag)
    assert ours
    assert isinstance(ours.owner, Call)
    return ours.owner


def prove(call: Call, side: Side, user: str, guest: Guest | None = None) -> None:
    """Have a side logged in."""
    party = call.parties[side]
    call.parties[side] = party._replace(known=Caller(party.peer, "credentials", user, guest))


def test_who_logged_in_is_known_with_the_call() -> None:
    house = House()
    house.log_in(house.flow(), "INVITE", uri=f"sip:alice@{HOUSE}")
    (call,) = house.gateway._calls.values()
    assert call.parties["a"].known
    assert (call.parties["a"].known.user, call.parties["b"].known) == ("room-1", None)


def test_a_newcomer_is_called_by_the_name_that_was_proved() -> None:
    line = Party()
    line.up()
    prove(call_of(line, line.alice.leg), "a", "room-12")
    line.refer(line.bob, by(line.carol, NET))
    event = line.carol.last(sip.IncomingInvite)
    assert isinstance(event, sip.IncomingInvite)
    assert event.request.from_.uri.startswith("sip:room-12@")
    line.everybody_idle()


def test_a_guest_cannot_open_another_door() -> None:
    """The token of a guest names the one room it is for, whatever his peer may do."""
    line = Party()
    line.up()
    prove(call_of(line, line.alice.leg), "a", "anna", ANNA)
    assert line.refer(line.alice, by(line.carol, SDN)).status == 403
    assert line.refer(line.bob, by(line.carol, NET)).status == 202  # the room may send him on
    line.everybody_idle()


def test_a_guest_stays_one_on_whatever_side() -> None:
    """Alice joins Bob, a guest, to Carol; he was called, and still has one door only."""
    line = Party()
    second = consult(line)
    prove(call_of(line, line.alice.leg), "b", "anna", ANNA)
    line.refer(line.alice, replacing(second, SDN, "carol"))
    answer(line.carol, line.world, sdp(CAROL, 9000))
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.refer(line.bob, f"<sip:alice@{NET}>").status == 403
    assert line.refer(line.carol, f"<sip:alice@{NET}>").status == 202  # she took the place of no guest
    line.everybody_idle()


@pytest.mark.parametrize(
    ("sub", "shown"),
    [("anna", "anna"), ("anna@example.org", "anna%40example.org"), ("at 10.0.0.1", "guests"), ("10.0.0.1", "guests")],
)
def test_a_guest_is_called_by_his_token_whatever_he_says(sub: str, shown: str) -> None:
    house = House("tls")
    bearer = f"Authorization: Bearer {house.token(sub=sub)}"
    house.send(house.flow(), "INVITE", bearer, user="room-1", uri=f"sip:bob@{HOUSE}", name='"The director" ')
    (invite,) = [data for _, to, data in house.world.wire if to[0] == BOB and data.startswith(b"INVITE")]
    request = sip.parse(invite)
    assert isinstance(request, sip.Request)
    assert (sip.parse_uri(request.from_.uri).user, request.from_.display) == (shown, "")
    assert b"director" not in invite


def test_who_refers_is_named_as_he_proved() -> None:
    line = Party()
    line.up()
    prove(call_of(line, line.alice.leg), "a", "room-12")
    (info,) = line.gateway.calls(line.world.now)
    assert info.caller.party == "sip:room-12"
    line.refer(line.alice, by(line.carol, SDN))
    event = line.carol.last(sip.IncomingInvite)
    assert isinstance(event, sip.IncomingInvite)
    assert event.request.get("referred-by") == "<sip:room-12@anonymous.invalid>"
    line.everybody_idle()


def test_records_name_who_logged_in_and_not_who_he_says_he_is() -> None:
    line = Party()
    line.up()
    call = call_of(line, line.alice.leg)
    request = sip.Request("INVITE", "sip:bob@x", "SIP/2.0", [], {"from": ["<sip:minister@x>;tag=1"]}, b"")
    request.caller = Caller(call.parties["a"].peer, "credentials", "room-12")
    line.gateway.accounts.begin(call.id, request)
    line.everybody_idle()
    (record,) = line.world.records
    assert record.details
    assert record.details.caller.alias == "room-12"
