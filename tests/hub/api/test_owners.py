"""Who owns a dialled address, and whose a key of the history API is."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.owners import Address, by_domain, parsed
from hub.store import organisations
from hub.tokens import api_keys
from tests.hub.world import World, text

BASE = "/services/v2"

TEMPLATE = {
    "conferencingSysId": 22,
    "uriPrefix": "",
    "hostPinRequired": False,
    "guestPinRequired": False,
    "uriNumberRangeLow": 1000,
    "uriNumberRangeHigh": 9999,
    "isDefaultTemplate": True,
}


def ask(world: World, path: str, method: str = "POST", **arguments: Any) -> Any:
    return world.ask(method, BASE + path, "meeting-admin", **arguments)


def owners(world: World, *dialled: str) -> list[tuple[str, str, bool]]:
    answer = ask(world, "/organisation/uri", json=dialled)
    assert answer.status_code == 200, answer.text
    return [(each["uri"], each["code"], each["booked"]) for each in answer.json()]


def test_rooms_come_before_domains(world: World) -> None:
    world.organisation("north")
    world.organisation("south", above="north")
    for code, domain in (("north", "north.example"), ("south", "South.example")):
        body = TEMPLATE | {"uriDomain": domain}
        assert world.ask("POST", "/v2/scheduling-templates", "meeting-admin", organisation=code, json=body).is_success
    uuid = world.book(organisation="south", startTime=text(world.clock.now))["uuid"]
    address = world.room(uuid)["uriWithDomain"]
    assert owners(world, address) == [(address, "south", False)]  # not there yet: its domain decides
    world.report(uuid, "PROVISIONED_OK")
    asked = [f"sip:{address};transport=tls", "anything@meet.north.example", "1@elsewhere.example", "nonsense", address]
    assert owners(world, *asked) == [
        (asked[0], "south", True),
        (asked[1], "north", False),
        (address, "south", True),
    ]
    assert ask(world, "/organisation/uri", json=["a"] * 501).status_code == 400
    assert ask(world, "/organisation/uri", "GET").status_code == 405
    assert world.ask("POST", f"{BASE}/organisation/uri", "meeting-planner", json=[]).status_code == 403


def test_what_is_always_there_comes_between(world: World) -> None:
    world.organisation("north")
    world.organisation("ward", above="north")
    body = TEMPLATE | {"uriDomain": "north.example"}
    assert world.ask("POST", "/v2/scheduling-templates", "meeting-admin", json=body).is_success
    room = {"organisation": "ward", "name": "Ward", "aliases": ["ward7"], "domain": "rooms.example"}
    assert ask(world, "/room", json=room).is_success
    system = {"organisation": "ward", "name": "Codec", "alias": "codec1", "username": "codec1"}
    assert ask(world, "/room-system", json=system).is_success
    assert owners(world, "WARD7@rooms.example", "ward7@north.example", "ward7", "codec1@north.example") == [
        ("WARD7@rooms.example", "ward", False),
        ("ward7@north.example", "ward", False),
        ("ward7", "ward", False),
        ("codec1@north.example", "ward", False),
    ]
    assert owners(world, "ward7@elsewhere.example", "codec1@elsewhere.example", "x@north.example") == [
        ("x@north.example", "north", False)
    ]


def test_addresses_are_taken_apart() -> None:
    assert parsed("SIPS:12@Rooms.example:5061;a=b") == Address("SIPS:12@Rooms.example:5061;a=b", "12", "rooms.example")
    assert parsed("12") == Address("12", "12", "")
    owned = {"a.example": {1}, "example": {2, 3}}
    assert by_domain("b.a.example", owned) == 1
    assert by_domain("b.example", owned) is None
    assert by_domain("xa.example", {"a.example": {1}}) is None


def test_a_key_is_shown_once_and_kept_as_its_digest(world: World) -> None:
    world.organisation("north")
    world.organisation("ward", above="north")
    world.organisation("south")
    first = ask(world, "/history-api-key?organisationCode=ward").json()["historyApiKey"]
    key = ask(world, "/history-api-key?organisationCode=ward").json()["historyApiKey"]
    assert len(key) == api_keys.LENGTH
    assert key != first
    stored = world.change(lambda connection: organisations.by_code(connection, "ward"))
    assert stored is not None
    assert key not in str(stored)
    asked = {"api_key": key, "api_key_type": "history"}
    assert ask(world, "/organisation-tree-for-api-key", json=asked).json()["code"] == "ward"
    assert ask(world, "/organisation-tree-for-api-key", json=asked | {"api_key": first}).status_code == 404
    assert ask(world, "/organisation-tree-for-api-key", json=asked | {"api_key_type": "other"}).status_code == 400
    assert ask(world, "/history-api-key?organisationCode=south").status_code == 401
    assert ask(world, "/history-api-key?organisationCode=ward", "DELETE").status_code == 204
    assert ask(world, "/organisation-tree-for-api-key", json=asked).status_code == 404


def test_a_key_of_another_installation_is_taken_along(world: World) -> None:
    world.organisation("north")
    world.organisation("ward", above="north")
    body = {"code": "ward", "name": "Ward", "historyApiKey": "0123456789abcdef0123456789abcdef"}
    assert ask(world, "/organisation/ward", "PUT", json=body).status_code == 200
    del body["historyApiKey"]
    assert ask(world, "/organisation/ward", "PUT", json=body).status_code == 200  # it stays
    asked = {"api_key": "0123456789abcdef0123456789abcdef", "api_key_type": "history"}
    assert ask(world, "/organisation-tree-for-api-key", json=asked).json()["code"] == "ward"
    again = body | {"code": "bed", "historyApiKey": asked["api_key"]}
    refused = ask(world, "/organisation/ward", json=again)
    assert refused.status_code == 400
    assert "historyApiKey" in refused.json()["error"]


@pytest.mark.parametrize("key", ["short", "x" * 37])
def test_keys_have_a_length(world: World, key: str) -> None:
    world.organisation("north")
    body = {"code": "north", "name": "North", "historyApiKey": key}
    assert ask(world, "/organisation/north", "PUT", json=body).status_code == 400
