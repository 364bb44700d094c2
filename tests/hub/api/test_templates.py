"""Scheduling templates through the API, and how meetings find theirs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hub.api.test_pools import template
from tests.hub.world import World


@pytest.fixture(autouse=True)
def organisations(world: World) -> None:
    world.organisation("region")
    world.organisation("north", above="region")
    world.organisation("south", above="region")


def domain(world: World, organisation: str = "north", **fields: Any) -> str:
    uuid = world.book(organisation=organisation, **fields)["uuid"]
    address: str = world.room(uuid)["uriWithDomain"]
    return address.partition("@")[2]


def test_a_template_is_kept_and_given_back(world: World) -> None:
    number = template(
        world, "north", returnUrl="https://back.example", vMRAvailableBefore=10, hostView="nine_mains_zero_pips"
    )
    path = f"/v2/scheduling-templates/{number}"
    found = world.ask("GET", path, "meeting-user").json()
    assert found["organisationId"] == "north"
    assert found["vMRAvailableBefore"] == 10
    assert found["hostView"] == "nine_mains_zero_pips"
    assert found["createdBy"]["email"] == "admin@north.example"
    assert found["_links"]["self"]["href"] == f"https://hub.example{path}"
    assert world.ask("GET", "/v2/scheduling-templates", "meeting-user").json() == [found]
    assert world.ask("GET", path, "meeting-admin", organisation="south").status_code == 403
    assert world.ask("GET", "/v2/scheduling-templates/4711", "meeting-admin").status_code == 404
    assert world.ask("POST", "/v2/scheduling-templates", "meeting-planner", json={}).status_code == 403


def test_a_template_is_replaced_and_deleted(world: World) -> None:
    number = template(world, "north", isPoolTemplate=True)
    path = f"/v2/scheduling-templates/{number}"
    body = world.ask("GET", path, "meeting-admin").json() | {"uriPrefix": "q"}
    changed = world.ask("PUT", path, "meeting-admin", json=body).json()
    assert changed["uriPrefix"] == "q"
    assert changed["updatedBy"]["email"] == "admin@north.example"
    assert world.ask("DELETE", path, "meeting-admin").status_code == 204
    assert world.ask("GET", path, "meeting-admin").status_code == 404
    assert world.ask("GET", "/v2/scheduling-templates", "meeting-admin").json() == []


def test_one_pool_template_and_one_default_an_organisation(world: World) -> None:
    template(world, "north", isPoolTemplate=True, isDefaultTemplate=True)
    body = {
        "conferencingSysId": 1,
        "uriPrefix": "",
        "uriDomain": "b.example",
        "hostPinRequired": False,
        "guestPinRequired": False,
        "uriNumberRangeLow": 1,
        "uriNumberRangeHigh": 9,
    }
    second = {**body, "isPoolTemplate": True}
    refused = world.ask("POST", "/v2/scheduling-templates", "meeting-admin", json=second)
    assert (refused.status_code, refused.json()["detailed_error_code"]) == (406, "18")
    world.ask("POST", "/v2/scheduling-templates", "meeting-admin", json={**body, "isDefaultTemplate": True})
    listed = world.ask("GET", "/v2/scheduling-templates", "meeting-admin").json()
    assert [each["isDefaultTemplate"] for each in listed] == [False, True]


def test_a_meeting_finds_the_nearest_template(world: World) -> None:
    assert domain(world) == "rooms.example"
    template(world, "region", uriDomain="region.example", isDefaultTemplate=True)
    assert domain(world) == "region.example"
    template(world, "north", uriDomain="north.example", isDefaultTemplate=True)
    other = template(world, "north", uriDomain="other.example")
    assert domain(world) == "north.example"
    assert domain(world, schedulingTemplateId=other) == "other.example"
    assert domain(world, "south") == "region.example"
    assert domain(world, "south", schedulingTemplateId=other) == "region.example"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"uriNumberRangeLow": 9, "uriNumberRangeHigh": 1}, "14"),
        ({"guestPinRequired": True, "guestPinRangeLow": 5}, "16"),
        ({"hostPinRangeLow": 5, "hostPinRangeHigh": 5}, "17"),
    ],
)
def test_a_template_that_cannot_be_used_says_so_when_it_is(world: World, fields: dict[str, object], code: str) -> None:
    template(world, "north", isDefaultTemplate=True, **fields)
    refused = world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting())
    assert (refused.status_code, refused.json()["detailed_error_code"]) == (406, code)


def test_a_range_of_numbers_ends(world: World) -> None:
    template(world, "north", isDefaultTemplate=True, uriNumberRangeLow=1, uriNumberRangeHigh=2)
    addresses = {world.room(world.book()["uuid"])["uriWithoutDomain"] for _ in range(2)}
    assert addresses == {"p1", "p2"}
    refused = world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting())
    assert (refused.status_code, refused.json()["detailed_error_code"]) == (406, "15")


def test_settings_come_from_the_request_before_the_template(world: World) -> None:
    template(world, "north", isDefaultTemplate=True, vmrQuality="sd", forceEncryption=True, maxParticipants=9)
    room = world.room(world.book(vmrQuality="fullhd", callType="audio")["uuid"])
    assert (room["vmrQuality"], room["forceEncryption"], room["maxParticipants"]) == ("fullhd", True, 9)
    assert "callType=audio" in room["portalLink"]
