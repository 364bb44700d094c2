"""Whose a connection is after a REGISTER came over it: one device's, for as long as it is registered there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from b2bua import sip
from b2bua.call.credentials import gather
from b2bua.call.plan import Plan
from b2bua.sip.digest import Secret
from tests.b2bua.call.register import NET, House
from tests.b2bua.call.test_registrations import ring

PROXY = "Via: SIP/2.0/TCP 192.168.1.5:5060;branch=z9hG4bKdevice"
PATH = "Path: <sip:proxy.example;lr>"
SECOND = "203.0.113.8"


def registered(*lines: str) -> tuple[House, sip.Flow]:
    """Give a house and the connection over which room-1 registered."""
    house = House("tcp")
    flow = house.flow()
    assert house.log_in(flow, "REGISTER", *lines).status == 200
    return house, flow


def knock(house: House, flow: sip.Flow, *lines: str, user: str = "room-1") -> int:
    """Send a request without a proof, and give the status that answers it."""
    (answered,) = house.send(flow, "OPTIONS", *lines, user=user)
    return answered.status


@pytest.mark.parametrize("user", ["room-1", "Room-1"])
def test_a_device_is_known_by_its_own_connection(user: str) -> None:
    house, flow = registered()
    assert knock(house, flow, user=user) == 200


@pytest.mark.parametrize("lines", [(PROXY,), (PATH, "Supported: path")])
def test_the_connection_of_a_proxy_is_nobodys(lines: tuple[str, ...]) -> None:
    house, flow = registered(*lines)
    assert knock(house, flow) == 401


def test_a_request_that_came_through_a_proxy_is_asked_who_sent_it() -> None:
    house, flow = registered()
    assert knock(house, flow, PROXY) == 401
    assert knock(house, flow, "Via: SIP/2.0/TCP a;branch=z9hG4bKa, SIP/2.0/TCP b;branch=z9hG4bKb") == 401


def test_another_name_over_the_connection_has_to_be_proved() -> None:
    house, flow = registered()
    assert knock(house, flow, user="room-2") == 401


def test_a_connection_that_two_users_share_proves_neither() -> None:
    house, flow = registered()
    assert house.log_in(flow, user="room-2").status == 200
    assert [knock(house, flow, user=user) for user in ("room-1", "room-2")] == [401, 401]


def test_a_registration_that_is_over_proves_nothing() -> None:
    house, flow = registered()
    house.world.now += 599
    assert knock(house, flow) == 200
    house.world.now += 2
    assert knock(house, flow) == 401


def test_a_device_that_went_to_another_connection_leaves_none_behind() -> None:
    house, flow = registered()
    back = house.flow(port=5070, ident=2)
    assert house.log_in(back).status == 200
    assert (knock(house, flow), knock(house, back)) == (401, 200)


def test_who_only_asks_where_he_is_registered_has_no_connection() -> None:
    house, _ = registered()
    other = house.flow(SECOND)
    assert house.log_in(other, "REGISTER", "Contact-Of-None: x").all("contact")
    assert knock(house, other) == 401


def test_a_device_that_is_taken_away_from_elsewhere_is_a_stranger() -> None:
    house, flow = registered()
    assert house.log_in(house.flow(SECOND), "REGISTER", "Contact: *", "Expires: 0").status == 200
    assert knock(house, flow) == 401


def test_a_peer_that_registers_nobody_any_more() -> None:
    house, flow = registered()
    old = house.gateway.plan.signalling
    peers = tuple(
        structs.replace(peer, access=structs.replace(peer.access, registers=False)) if peer.name == "rooms" else peer
        for peer in old.peers
    )
    house.gateway.plan = Plan("v3", structs.replace(old, peers=peers))
    house.gateway.use(house.gateway.access.keyring)
    assert knock(house, flow) == 401


def test_a_password_that_changed_has_to_be_shown() -> None:
    house, flow = registered()
    keyring = house.gateway.access.keyring
    users = keyring.users["internet"]
    secrets = {name: user.secret for name, user in users.by_name.items()}

    def use(**changed: Secret) -> None:
        gathered = gather(
            [("rooms", secrets | {f"room-{name[1:]}": one for name, one in changed.items()})], users.algorithms
        )
        house.gateway.use(replace(keyring, users={"internet": gathered}))

    use(n2=Secret("another one"))
    assert knock(house, flow) == 200
    use(n1=Secret("another one"))
    assert knock(house, flow) == 401


@pytest.mark.parametrize(("caller", "moves"), [("room-1", True), ("room-2", False)])
def test_who_comes_back_takes_his_own_calls_along_and_nobody_elses(caller: str, moves: bool) -> None:
    house, flow = registered()
    assert house.log_in(flow, user="room-2").status == 200
    house.log_in(flow, "INVITE", user=caller, uri=f"sip:alice@{NET}")
    (leg,) = [leg for leg in house.gateway.endpoint._layer.legs.values() if leg.called]
    assert leg.dialog is not None
    assert leg.dialog.to == flow
    back = house.flow(SECOND, ident=2)
    contact = f"Contact: <sip:room-1@{flow.remote[0]}>"
    assert house.log_in(back, "REGISTER", contact).status == 200
    assert leg.dialog.to == (back if moves else flow)


def test_who_is_called_and_comes_back_is_reached_where_he_is_now() -> None:
    house, flow = registered()
    ring(house)
    (leg,) = [leg for leg in house.gateway.endpoint._layer.legs.values() if leg.zone == "internet"]
    assert leg.dialog is not None
    back = house.flow(SECOND, ident=2)
    assert house.log_in(back, "REGISTER", f"Contact: <sip:room-1@{flow.remote[0]}>").status == 200
    assert leg.dialog.to == back
