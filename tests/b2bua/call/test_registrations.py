"""Room systems register and are called; trunks that challenge us are answered."""

from __future__ import annotations

import pytest

from b2bua import sip
from b2bua.call.registrar import Binding
from tests.b2bua.call.register import NET, ROOM, House
from tests.b2bua.call.test_calls import ALICE, answer, offer, sdp


def ring(house: House, host: str = ROOM) -> sip.IncomingInvite:
    """Call room-1 from the SDN and give what reaches `host`."""
    room = house.world.agent("room", host)
    house.dial(offer(ALICE), "ROOM-1")
    found = room.last(sip.IncomingInvite)
    assert isinstance(found, sip.IncomingInvite)
    answer(room, house.world, sdp(host, 7000))
    assert house.alice.saw(sip.Answered)
    return found


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_room_system_registers_and_is_called(transport: str) -> None:
    house = House(transport)
    done = house.log_in(house.flow())
    assert (done.status, done.all("contact"), done.get("supported")) == (
        200,
        [f"<sip:room-1@{ROOM}>;expires=600"],
        "path, outbound",
    )
    invite = ring(house)
    assert invite.request.uri == f"sip:room-1@{ROOM}"
    assert not [data for _, to, data in house.world.wire if to == house.alice.address and ROOM.encode() in data]
    assert [one.user for one in house.gateway.registrations.listed()] == ["room-1"]


def test_who_does_not_come_back_is_counted_no_more() -> None:
    house = House()
    house.log_in(house.flow())
    assert house.gateway.registrations.count() == 1
    house.world.now += 600
    assert house.gateway.registrations.count() == 0


def test_who_is_not_registered_cannot_be_called_now() -> None:
    house = House()
    house.dial(offer(ALICE), "room-1")
    failed = house.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 480


def test_only_own_users_register_and_only_where_that_is_meant() -> None:
    house = House()
    assert house.log_in(house.flow(), "REGISTER", user="room-1", uri=f"sip:{NET}").status == 200
    (asked,) = house.send(house.flow("198.51.100.2"), "REGISTER")
    assert asked.status == 403
    assert house.gateway.counts["refused: register 403"] == 1


def test_a_connection_that_registered_calls_without_a_password() -> None:
    house = House("tcp")
    flow = house.flow()
    house.log_in(flow)
    house.send(flow, "INVITE", uri=f"sip:alice@{NET}")
    assert [call.caller.peer for call in house.gateway.calls(house.world.now)] == ["rooms"]
    assert house.send(flow, "REGISTER")[0].status == 401  # whoever registers proves himself each time
    house.gateway.flow_closed(flow, house.world.now)
    assert house.send(flow, "INVITE", uri=f"sip:alice@{NET}")[0].status == 401


def test_a_datagram_never_calls_without_a_password() -> None:
    house = House("udp")
    house.log_in(house.flow())
    assert house.send(house.flow(), "INVITE", uri=f"sip:alice@{NET}")[0].status == 401


def test_a_guess_over_a_registered_connection_is_a_wrong_password() -> None:
    house = House("tcp")
    flow = house.flow()
    house.log_in(flow)
    guess = 'Digest username="room-2", realm="edge", nonce="n", uri="sip:x", response="0", qop=auth, nc=00000001'
    (answered,) = house.send(flow, "INVITE", f'Authorization: {guess}, cnonce="c"', uri=f"sip:alice@{NET}")
    assert answered.status == 401
    assert house.gateway.counts["refused: credentials"] == 1


def test_a_user_who_is_taken_out_is_forgotten() -> None:
    house = House()
    house.log_in(house.flow())
    house.log_in(house.flow("203.0.113.8"), user="room-2")
    house.gateway.use(house.without("room-1"))
    assert [one.user for one in house.gateway.registrations.listed()] == ["room-2"]


def test_a_connection_of_a_user_who_is_taken_out_is_a_strangers() -> None:
    house = House("tcp")
    flow = house.flow()
    house.log_in(flow)
    house.gateway.use(house.without("room-2"))
    assert house.send(flow, "OPTIONS")[0].status == 200
    house.gateway.use(house.without("room-1"))
    assert house.send(flow, "OPTIONS")[0].status == 401


def test_a_200_waits_until_it_is_stored() -> None:
    house = House()
    kept = house.gateway.registrations
    kept.stores = True
    flow = house.flow()
    assert house.log_in(flow).status == 401  # its answer is not answered yet
    (change,) = kept.to_store()
    assert isinstance(change.binding, Binding)
    assert kept.to_store() == []
    kept.stored(house.world.now)
    (done,) = [sip.parse(out.data) for out in house.gateway.to_send()]
    assert isinstance(done, sip.Response)
    assert done.status == 200
    assert kept.to_store() == []


def test_a_trunk_that_challenges_us_is_answered() -> None:
    house = House()
    trunk = house.world.agent("trunk", "198.51.100.2")
    house.dial(offer(ALICE), "out-123")
    first = trunk.last(sip.IncomingInvite)
    assert isinstance(first, sip.IncomingInvite)
    challenge = [("WWW-Authenticate", 'Digest realm="trunk", nonce="abc", algorithm=SHA-256, qop="auth"')]
    first.leg.reject(house.world.now, 401, headers=challenge)
    house.world.settle()
    second = trunk.last(sip.IncomingInvite)
    assert isinstance(second, sip.IncomingInvite)
    assert second is not first
    assert 'username="edge"' in second.request.get("authorization")
    assert second.request.cseq.number == first.request.cseq.number + 1
    second.leg.reject(house.world.now, 401, headers=challenge)
    house.world.settle()
    failed = house.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 500  # our credentials are our own matter


def test_who_logged_in_is_called_by_the_name_he_proved() -> None:
    house = House("tcp")
    flow = house.flow()
    house.log_in(flow)
    house.send(flow, "INVITE", user="Room-1", uri=f"sip:alice@{NET}")
    house.world.settle()
    invite = house.alice.last(sip.IncomingInvite)
    assert isinstance(invite, sip.IncomingInvite)
    assert sip.parse_uri(invite.request.from_.uri).user == "room-1"
