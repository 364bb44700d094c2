"""Pools, reservations and overflow: meetings that begin now need rooms that are there."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from hub.domain.words import Kind
from tests.hub.world import NOW, OVERFLOW, World, text


@pytest.fixture(autouse=True)
def organisations(world: World) -> None:
    world.organisation("region", kind=Kind.GROUP)
    world.organisation("north", above="region", pool_size=2)
    world.organisation("ward", above="north")
    world.organisation("south", above="region")
    world.organisation(OVERFLOW, pool_size=1)


def template(world: World, organisation: str, **fields: Any) -> int:
    body = {
        "conferencingSysId": 22,
        "uriPrefix": "p",
        "uriDomain": "rooms.example",
        "hostPinRequired": True,
        "hostPinRangeLow": 1000,
        "hostPinRangeHigh": 9999,
        "guestPinRequired": False,
        "uriNumberRangeLow": 1000,
        "uriNumberRangeHigh": 9999,
        **fields,
    }
    made = world.ask("POST", "/v2/scheduling-templates", "meeting-admin", organisation=organisation, json=body)
    assert made.status_code == 200, made.text
    number: int = made.json()["id"]
    return number


def pool_room(world: World, organisation: str = "north", *, aged: bool = True, **fields: Any) -> Any:
    number = template(world, organisation, **fields)
    body = {"organizationId": organisation, "schedulingTemplateId": number}
    made = world.ask("POST", "/v2/scheduling-info", "meeting-provisioner-user", json=body)
    assert made.status_code == 200, made.text
    assert "meetingDetails" not in made.json()
    assert world.report(made.json()["uuid"], "PROVISIONED_OK").status_code == 200
    if aged:
        world.clock.turn(minutes=2)
    return made.json()


def now(world: World, organisation: str = "north", **fields: Any) -> Any:
    body = world.meeting(startTime=text(world.clock.now), **fields)
    return world.ask("POST", "/v2/meetings", "meeting-planner", organisation=organisation, json=body)


@pytest.mark.parametrize("organisation", ["north", "ward"])
def test_a_meeting_that_begins_now_takes_a_room_of_the_nearest_pool(world: World, organisation: str) -> None:
    free = pool_room(world)
    made = now(world, organisation).json()
    room = world.room(made["uuid"])
    assert room["uriWithDomain"] == free["uriWithDomain"]
    assert room["provisionStatus"] == "PROVISIONED_OK"
    assert room["meetingDetails"]["uuid"] == made["uuid"]
    gone = world.ask("GET", f"/v2/scheduling-info/{free['uuid']}", "meeting-provisioner")
    assert gone.status_code == 404


def test_a_room_must_have_been_there_for_a_while(world: World) -> None:
    free = pool_room(world, aged=False)
    made = now(world).json()
    assert world.room(made["uuid"])["uriWithDomain"] != free["uriWithDomain"]


def test_a_room_must_be_as_wished(world: World) -> None:
    free = pool_room(world, vmrQuality="sd")
    assert now(world, vmrQuality="hd", meetingType="POOL").json()["detailed_error_code"] == "20"
    made = now(world, vmrQuality="sd", meetingType="POOL").json()
    assert world.room(made["uuid"])["uriWithDomain"] == free["uriWithDomain"]


def test_a_meeting_later_gets_a_room_of_its_own(world: World) -> None:
    free = pool_room(world)
    made = world.book(startTime=text(world.clock.now.replace(minute=30)))
    assert world.room(made["uuid"])["uriWithDomain"] != free["uriWithDomain"]


def test_without_a_pool_there_is_no_pool_meeting(world: World) -> None:
    assert now(world, "south", meetingType="POOL").json()["detailed_error_code"] == "19"
    assert now(world, "north", meetingType="POOL").json()["detailed_error_code"] == "20"
    assert now(world, "south").status_code == 200


def test_the_overflow_pool_serves_when_one_is_empty(world: World) -> None:
    free = pool_room(world, OVERFLOW)
    made = now(world).json()
    assert world.room(made["uuid"])["uriWithDomain"] == free["uriWithDomain"]
    seen = world.ask("GET", f"/v2/scheduling-info/{made['uuid']}", "meeting-planner", organisation="north")
    assert seen.status_code == 200


def reserve(world: World, query: str = "") -> Any:
    return world.ask("GET", f"/v2/scheduling-info-reserve{query}", "meeting-admin")


def test_a_reserved_room_is_taken_once(world: World) -> None:
    free = pool_room(world)
    reserved = reserve(world).json()
    assert reserved["uuid"] == free["uuid"]
    number = reserved["reservationId"]
    assert reserve(world).status_code == 404
    assert world.ask("GET", f"/v2/scheduling-info-reserve/{number}", "meeting-admin").json() == reserved
    other = world.ask("GET", f"/v2/scheduling-info-reserve/{number}", "meeting-admin", organisation="south")
    assert other.status_code == 404
    made = world.book(schedulingInfoReservationId=number)
    assert world.room(made["uuid"])["uriWithDomain"] == free["uriWithDomain"]
    again = world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting(schedulingInfoReservationId=number))
    assert again.json()["detailed_error_code"] == "29"
    assert world.ask("GET", f"/v2/scheduling-info-reserve/{number}", "meeting-admin").status_code == 404


def test_a_reservation_wants_what_it_names(world: World) -> None:
    pool_room(world)
    assert reserve(world, "?forceEncryption=true").status_code == 404
    assert reserve(world, "?hostView=upside_down").json()["detailed_error_code"] == "10"
    assert world.ask("GET", "/v2/scheduling-info-reserve", "meeting-planner").status_code == 403


def test_pools_are_listed(world: World) -> None:
    number = template(world, "north", isPoolTemplate=True)
    pool_room(world)
    listed = world.ask("GET", "/v2/pool", "meeting-user", organisation="region").json()
    assert [(each["organisationId"], each["desiredPoolSize"], each["availablePoolSize"]) for each in listed] == [
        ("north", 2, 1)
    ]
    assert listed[0]["schedulingTemplate"]["id"] == number
    assert len(listed[0]["schedulingInfoList"]) == 1


@pytest.mark.parametrize(
    ("organisation", "foreign", "code"), [("nowhere", False, "22"), ("south", False, "23"), ("north", True, "27")]
)
def test_pool_rooms_that_cannot_be_made(world: World, organisation: str, code: str, *, foreign: bool) -> None:
    home = "region" if foreign else "south" if organisation == "south" else "north"
    body = {"organizationId": organisation, "schedulingTemplateId": template(world, home)}
    refused = world.ask("POST", "/v2/scheduling-info", "meeting-provisioner-user", json=body)
    assert (refused.status_code, refused.json()["detailed_error_code"]) == (400, code)
    body["schedulingTemplateId"] = 4711
    unknown = world.ask("POST", "/v2/scheduling-info", "meeting-provisioner-user", json=body)
    assert unknown.json()["detailed_error_code"] == ("22" if organisation == "nowhere" else "26")


# reports


def test_reports_follow_the_life_of_a_room(world: World) -> None:
    uuid = world.book()["uuid"]
    starting = world.report(uuid, "STARTING_TO_PROVISION", provisionStatusDescription="on its way").json()
    assert starting["provisionStatusDescription"] == "on its way"
    assert starting["provisionTimestamp"] == text(NOW)
    assert world.report(uuid, "PROVISIONED_OK", provisionVmrId="17").json()["provisionVmrId"] == "17"
    assert world.report(uuid, "PROVISIONED_OK").json()["provisionVmrId"] == "17"
    assert world.report(uuid, "AWAITS_PROVISION").status_code == 406
    assert world.report(uuid, "FINE").json()["detailed_error_code"] == "10"
    assert world.report(str(uuid4()), "PROVISIONED_OK").status_code == 404


def test_rooms_of_a_period(world: World) -> None:
    made = world.book()
    world.organisation("elsewhere")
    world.book(organisation="elsewhere")
    period = "from-start-time=2026-11-02T12:00:00Z&to-end-time=2026-11-02T13:30:00Z"

    def found(*roles: str, organisation: str = "north", query: str = period) -> int:
        answer = world.ask("GET", f"/v2/scheduling-info?{query}", *roles, organisation=organisation)
        assert answer.status_code == 200, answer.text
        return len(answer.json())

    assert found("meeting-provisioner") == 2
    assert found("meeting-admin") == 1
    assert found("meeting-admin", organisation="region") == 1
    assert found("meeting-user", organisation="region") == 0
    assert found("meeting-user") == 1
    assert found("meeting-provisioner", query=period + "&provision-status=PROVISIONED_OK") == 0
    world.report(made["uuid"], "PROVISIONED_OK")
    assert found("meeting-provisioner", query=period + "&provision-status=PROVISIONED_OK") == 1
    missing = world.ask("GET", "/v2/scheduling-info", "meeting-user")
    assert missing.json()["detailed_error_code"] == "10"
