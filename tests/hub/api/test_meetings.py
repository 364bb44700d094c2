"""Meetings through the API, as booking clients see them."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.hub.world import NOW, World, text


@pytest.fixture(autouse=True)
def north(world: World) -> None:
    world.organisation("north")


def test_a_meeting_is_made_and_answered_whole(world: World) -> None:
    made = world.book(
        subject="Discharge", description="Ward 7", labels=["a", "b"], additionalInformation=[{"key": "k", "value": "v"}]
    )
    assert list(made)[:2] == ["subject", "uuid"]
    assert made["createdBy"] == {"organisationId": "north", "email": "planner@north.example"}
    assert made["updatedBy"] == {}
    assert made["startTime"] == "2026-11-02T13:00:00Z"
    assert made["labels"] == ["a", "b"]
    assert made["additionalInformation"] == [{"key": "k", "value": "v"}]
    assert made["guestMicrophone"] == "on"
    assert made["guestPinRequired"] is False
    assert made["shortLink"] == made["shortlink"] == f"https://m.example/{made['shortId']}"
    assert len(made["shortId"]) == 12
    links = made["_links"]
    assert links["self"]["href"] == f"https://hub.example/v2/meetings/{made['uuid']}"
    assert links["scheduling-info"]["href"] == f"https://hub.example/v2/scheduling-info/{made['uuid']}"
    read = world.ask("GET", f"/v2/meetings/{made['uuid']}/", "meeting-user", "meeting-planner")
    assert read.json() == made
    assert read.headers["content-type"] == "application/hal+json"
    assert b": " not in read.content


def test_the_room_of_a_meeting_begins_with_its_uuid(world: World) -> None:
    made = world.book()
    room = world.room(made["uuid"])
    assert next(iter(room)) == "uuid"
    assert room["uuid"] == made["uuid"]
    assert room["provisionStatus"] == "AWAITS_PROVISION"
    assert room["meetingDetails"] == made
    assert room["uriWithDomain"] == f"{room['uriWithoutDomain']}@rooms.example"
    assert 10_000 <= room["hostPin"] <= 99_999
    assert room["guestPin"] != room["hostPin"]
    assert f"pin={room['guestPin']}" in room["portalLink"]
    assert "start_dato=2026-11-02T14:00:00" in room["portalLink"]
    assert "callType" not in room["portalLink"]


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"subject": ...}, 400, "10"),
        ({"subject": "x" * 101}, 400, "10"),
        ({"subject": None}, 400, "10"),
        ({"startTime": "yesterday"}, 400, "10"),
        ({"startTime": "12026-01-01T00:00:00Z"}, 400, "25"),
        ({"guestPin": 999}, 400, "10"),
        ({"guestPin": 1_000_000_000}, 400, "10"),
        ({"vmrType": "party"}, 400, "10"),
        ({"uuid": "no"}, 400, "10"),
        ({"labels": ["x" * 1025]}, 400, "10"),
        ({"subject": "a\x00b"}, 400, "10"),
        ({"meetingType": "POOL", "startTime": text(NOW)}, 400, "19"),
        ({"schedulingInfoReservationId": str(uuid4())}, 400, "29"),
        ({"schedulingInfoReservationId": str(uuid4()), "hostPin": 1234}, 400, "34"),
        ({"uriWithoutDomain": "ward7"}, 400, "31"),
        ({"additionalInformation": [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]}, 400, "35"),
    ],
)
def test_what_cannot_be_made_says_why(world: World, fields: dict[str, object], status: int, code: str) -> None:
    refused = world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting(**fields))
    body = refused.json()
    assert (refused.status_code, body["detailed_error_code"]) == (status, code)
    assert list(body) == ["timestamp", "status", "error", "path", "detailed_error", "detailed_error_code"]
    assert body["path"] == "/v2/meetings"


def test_times_keep_their_moment_and_lose_their_fraction(world: World) -> None:
    made = world.book(startTime="2026-11-02T15:30:00.987+02:00", endTime="2026-11-02T14:00:00z")
    assert made["startTime"] == "2026-11-02T13:30:00Z"


def test_an_external_id_is_there_once_in_an_organisation(world: World) -> None:
    world.organisation("south")
    world.book(externalId="e-1")
    again = world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting(externalId="e-1"))
    assert again.json()["detailed_error_code"] == "21"
    assert world.book(externalId="e-1", organisation="south")["externalId"] == "e-1"


def test_a_uuid_is_there_once(world: World) -> None:
    uuid = str(uuid4())
    assert world.book(uuid=uuid)["uuid"] == uuid
    again = world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting(uuid=uuid))
    assert (again.status_code, again.json()["detailed_error_code"]) == (400, "24")


def test_an_address_of_ones_own(world: World) -> None:
    world.organisation("free", allow_custom_uri_without_domain=True)
    made = world.book(organisation="free", uriWithoutDomain="ward7")
    assert world.room(made["uuid"])["uriWithDomain"] == "ward7@rooms.example"
    for address, code in (("ward7", "32"), ("ward-8", "33"), ("wærd", "33")):
        body = world.meeting(uriWithoutDomain=address)
        refused = world.ask("POST", "/v2/meetings", "meeting-planner", organisation="free", json=body)
        assert refused.json()["detailed_error_code"] == code


def test_who_organises(world: World) -> None:
    assert world.book("meeting-planner", organizedByEmail="x@y.example")["organizedBy"]["email"] == "x@y.example"
    assert world.book("meeting-user", organizedByEmail="x@y.example")["organizedBy"]["email"] == "user@north.example"


# who may see what


def test_roles(world: World) -> None:
    uuid = world.book()["uuid"]
    path = f"/v2/meetings/{uuid}"
    assert world.client.get(path).status_code == 401
    assert world.client.get(path).content == b""
    assert world.ask("GET", path, "director").status_code == 401
    assert world.ask("GET", path, "meeting-provisioner", organisation=None).status_code == 403
    assert world.ask("DELETE", path, "meeting-provisioner").status_code == 403
    assert world.ask("GET", path, "meeting-planner", organisation="nowhere").status_code == 403
    assert world.ask("GET", path, "meeting-user").status_code == 403
    assert world.ask("GET", path, "meeting-user", email="planner@north.example").status_code == 200
    missing = world.ask("GET", f"/v2/meetings/{uuid4()}", "meeting-planner")
    assert (missing.status_code, missing.json()["detailed_error_code"]) == (404, "11")


def test_other_organisations_are_not_seen(world: World) -> None:
    world.organisation("south", above="north")
    uuid = world.book(organisation="south", subject="Secret")["uuid"]
    assert world.ask("GET", f"/v2/meetings/{uuid}", "meeting-admin").status_code == 403
    assert world.ask("GET", "/v2/meetings?subject=Secret", "meeting-admin").json() == []


def test_an_organisation_is_made_under_its_parent(world: World) -> None:
    token = world.issuer.token(["meeting-user"], "practice/7", "a@b.example", parent_org="north")
    made = world.client.post("/v2/meetings", json=world.meeting(), headers={"authorization": f"Bearer {token}"})
    assert made.json()["createdBy"]["organisationId"] == "practice/7"


# searching


def test_searching_by_one_thing_at_a_time(world: World) -> None:
    one = world.book(subject="One", labels=["red"])
    two = world.book(subject="Two", description="the red house")
    room = world.room(two["uuid"])

    def found(query: str) -> list[str]:
        answer = world.ask("GET", f"/v2/meetings?{query}", "meeting-planner")
        assert answer.status_code == 200, answer.text
        return sorted(each["subject"] for each in answer.json())

    assert found(f"short-id={one['shortId']}&subject=Two") == ["One"]
    assert found("label=red&subject=Two") == ["One"]
    assert found("subject=Two") == ["Two"]
    assert found("subject=tw") == []
    assert found("organizedBy=planner@north.example") == ["One", "Two"]
    assert found("search=red") == ["One", "Two"]
    assert found("search=twO") == ["Two"]
    assert found("search=%25") == []
    assert found(f"search={room['uriWithDomain']}") == ["Two"]
    assert found("from-start-time=2026-11-02T13:00:00Z&to-start-time=2026-11-02T14:00:00%2B00:00") == ["One", "Two"]
    assert found("search=red&from-start-time=2026-11-02T13:00:00Z&to-start-time=2026-11-02T14:00:00Z") == []
    assert found(f"uriWithDomain={room['uriWithDomain']}") == ["Two"]


@pytest.mark.parametrize(
    ("query", "code"),
    [("", "36"), ("search=a&from-start-time=2026-11-02T13:00:00Z", "28"), ("from-start-time=soon", "10")],
)
def test_queries_that_say_too_little(world: World, query: str, code: str) -> None:
    assert world.ask("GET", f"/v2/meetings?{query}", "meeting-user").json()["detailed_error_code"] == code


def test_by_address(world: World) -> None:
    made = world.book()
    room = world.room(made["uuid"])
    by = "/v2/meetings/findByUriWith"
    assert world.ask("GET", f"{by}Domain?uri={room['uriWithDomain']}", "meeting-planner").json() == made
    assert world.ask("GET", f"{by}outDomain?uri={room['uriWithoutDomain']}", "meeting-planner").json() == made
    assert world.ask("GET", f"{by}Domain?uri=nobody@rooms.example", "meeting-planner").status_code == 404


# changing


def test_put_replaces_and_moves_to_the_caller(world: World) -> None:
    made = world.book(description="old", labels=["x"])
    body = {"subject": "New", "startTime": made["startTime"], "endTime": made["endTime"]}
    changed = world.ask("PUT", f"/v2/meetings/{made['uuid']}", "meeting-admin", json=body).json()
    assert changed["subject"] == "New"
    assert changed["description"] is None
    assert changed["labels"] == []
    assert changed["organizedBy"]["email"] == "admin@north.example"
    assert changed["updatedBy"]["email"] == "admin@north.example"


def test_patch_changes_what_it_names(world: World) -> None:
    made = world.book(description="old", labels=["x"])
    path = f"/v2/meetings/{made['uuid']}"
    body = {"subject": None, "labels": ["y"], "hostPin": 4321, "guestMicrophone": "muted"}
    changed = world.ask("PATCH", path, "meeting-planner", json=body).json()
    assert changed["subject"] == "Rounds"
    assert changed["labels"] == ["y"]
    room = world.room(made["uuid"])
    assert room["hostPin"] == 4321
    assert "muteMicrophone=muted" in room["portalLink"]


def test_what_can_be_changed_follows_the_room(world: World) -> None:
    made = world.book()
    path = f"/v2/meetings/{made['uuid']}"
    assert world.report(made["uuid"], "PROVISIONED_OK", provisionVmrId="7").status_code == 200
    body = {"subject": "Later", "endTime": "2026-11-02T15:00:00Z", "hostPin": 4321}
    changed = world.ask("PATCH", path, "meeting-planner", json=body).json()
    assert changed["subject"] == "Rounds"
    assert changed["endTime"] == "2026-11-02T15:00:00Z"
    assert world.room(made["uuid"])["hostPin"] != 4321
    assert world.ask("DELETE", path, "meeting-planner").json()["detailed_error_code"] == "13"
    assert world.report(made["uuid"], "STARTING_TO_DEPROVISION").status_code == 200
    refused = world.ask("PATCH", path, "meeting-planner", json=body)
    assert (refused.status_code, refused.json()["detailed_error_code"]) == (406, "12")


def test_delete(world: World) -> None:
    made = world.book(labels=["x"])
    path = f"/v2/meetings/{made['uuid']}"
    gone = world.ask("DELETE", path, "meeting-planner")
    assert (gone.status_code, gone.content) == (204, b"")
    assert world.ask("GET", path, "meeting-planner").status_code == 404
    assert world.ask("GET", f"/v2/scheduling-info/{made['uuid']}", "meeting-provisioner").status_code == 404


def test_ending_a_meeting_is_moving_its_end(world: World) -> None:
    made = world.book()
    world.clock.turn(minutes=50)
    due = world.ask("GET", "/v2/scheduling-info-provision", "meeting-provisioner-user").json()
    assert [each["uuid"] for each in due] == [made["uuid"]]
    world.report(made["uuid"], "PROVISIONED_OK")
    assert world.ask("GET", "/v2/scheduling-info-provision", "meeting-provisioner-user").json() == []
    world.ask("PATCH", f"/v2/meetings/{made['uuid']}", "meeting-planner", json={"endTime": text(world.clock.now)})
    world.clock.turn(seconds=1)
    over = world.ask("GET", "/v2/scheduling-info-deprovision", "meeting-provisioner-user").json()
    assert [each["uuid"] for each in over] == [made["uuid"]]
    gone = world.report(made["uuid"], "DEPROVISION_OK").json()
    assert gone["uriWithoutDomain"] is None
    assert gone["uriWithDomain"] is None
