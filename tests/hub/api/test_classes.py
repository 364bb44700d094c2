"""Classes and trials through the API: clients that know nothing of them book right, and trials end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hub.booking.trials import Trials
from hub.domain.words import Field, Kind, Use
from hub.provision.record import record
from hub.store import rooms
from tests.hub.api.test_owners import TEMPLATE
from tests.hub.world import World, text

BASE = "/services/v2"


@pytest.fixture(autouse=True)
def tree(world: World) -> None:
    world.organisation("vdx", kind=Kind.GROUP)
    world.organisation("north", above="vdx", use=Use.CLINICAL, field=Field.HEALTH)
    world.organisation("ward", above="north")


def ask(world: World, method: str, path: str, organisation: str = "north", **arguments: Any) -> Any:
    return world.ask(method, BASE + path, "meeting-admin", organisation=organisation, **arguments)


def booked(world: World, organisation: str = "ward", **fields: Any) -> tuple[str, str]:
    """Book; gives class and field as mixing servers are told them."""
    made = world.book(organisation=organisation, **fields)
    return on_the_bus(world, made["uuid"])


def on_the_bus(world: World, uuid: str) -> tuple[str, str]:
    room = world.change(lambda connection: rooms.by_uuid(connection, UUID(uuid)))
    assert room is not None
    written = record(room, uuid, bytes(32))
    return written.klass, written.field


def test_a_client_that_knows_no_classes_books_right(world: World) -> None:
    assert booked(world) == ("clinical", "health")
    assert booked(world, "vdx") == ("administrative", "")
    body = {
        "inherits": True,
        "rules": [
            {"part": "label", "pattern": "staff*", "use": "administrative"},
            {"part": "projectCode", "pattern": "hjem-*", "field": "eldercare"},
        ],
    }
    written = ask(world, "PUT", "/organisation-classes?organisationCode=ward", "ward", json=body)
    assert written.status_code == 200, written.text
    assert ask(world, "GET", "/organisation-classes?organisationCode=ward", "ward").json() == written.json()
    assert booked(world, labels=["Staff meeting"]) == ("administrative", "health")
    assert booked(world, projectCode="HJEM-7") == ("clinical", "eldercare")
    template = TEMPLATE | {"uriDomain": "rooms.example", "use": "trial"}
    made = world.ask("POST", "/v2/scheduling-templates", "meeting-admin", organisation="ward", json=template).json()
    assert made["use"] == "trial"
    assert booked(world) == ("trial", "health")
    template = {name: value for name, value in template.items() if name != "use"}
    path = f"/v2/scheduling-templates/{made['id']}"
    assert "use" not in world.ask("PUT", path, "meeting-admin", organisation="ward", json=template).json()


def test_a_meeting_that_is_changed_is_told_anew(world: World) -> None:
    body = {"rules": [{"part": "label", "pattern": "staff", "use": "administrative"}]}
    ask(world, "PUT", "/organisation-classes?organisationCode=ward", json=body)
    uuid = world.book(organisation="ward")["uuid"]
    path = f"/v2/meetings/{uuid}"
    for labels, use in ((["staff"], "administrative"), ([], "clinical")):
        world.ask("PATCH", path, "meeting-planner", organisation="ward", json={"labels": labels})
        assert on_the_bus(world, uuid)[0] == use


def test_clients_name_classes_where_those_above_let_them(world: World) -> None:
    said = [{"key": "vdx-class", "value": "administrative"}]
    assert booked(world, additionalInformation=said)[0] == "clinical"
    path, body = "/organisation-classes?organisationCode=ward", {"maySetUse": True}
    assert ask(world, "PUT", path, "ward", json=body).status_code == 403
    assert ask(world, "PUT", path, json=body).status_code == 200
    assert ask(world, "PUT", path, "ward", json=body | {"use": "trial"}).status_code == 200  # it stays allowed
    assert booked(world, additionalInformation=said)[0] == "administrative"
    said[0]["value"] = "urgent"
    body = world.meeting(additionalInformation=said)
    refused = world.ask("POST", "/v2/meetings", "meeting-planner", organisation="ward", json=body)
    assert refused.status_code == 400
    assert refused.json()["detailed_error_code"] == "10"
    assert "vdx-class" in refused.json()["detailed_error"]


def test_templates_come_from_above_until_they_are_stopped(world: World) -> None:
    template = TEMPLATE | {"uriDomain": "north.example"}
    world.ask("POST", "/v2/scheduling-templates", "meeting-admin", json=template)
    uuid = world.book(organisation="ward")["uuid"]
    assert world.room(uuid)["uriWithDomain"].endswith("@north.example")
    ask(world, "PUT", "/organisation-classes?organisationCode=ward", json={"inherits": False})
    made = world.book(organisation="ward")["uuid"]
    assert world.room(made)["uriWithDomain"].endswith("@rooms.example")
    assert on_the_bus(world, made)[0] == "administrative"


def test_the_clinical_share(world: World) -> None:
    body = {"rules": [{"part": "label", "pattern": "staff", "use": "administrative"}]}
    ask(world, "PUT", "/organisation-classes?organisationCode=ward", json=body)
    for labels in ([], [], [], ["staff"]):
        world.book(organisation="ward", labels=labels)
    world.book(startTime="2026-12-01T00:00:00Z", endTime="2026-12-01T01:00:00Z")  # after the period
    period = "from-start-time=2026-11-01T00:00:00Z&to-start-time=2026-12-01T00:00:00Z"
    found = ask(world, "GET", f"/clinical-share?organisationCode=north&{period}").json()
    assert [(each["code"], each["meetings"], each["clinicalShare"]) for each in found] == [
        ("north", 0, 0.0),
        ("ward", 4, 0.75),
    ]
    assert found[1]["uses"] == {"clinical": 3, "administrative": 1, "trial": 0}
    assert found[1]["fields"] == {"health": 4}


def test_a_trial_from_its_begin_to_an_ordinary_organisation(world: World) -> None:
    path = "/trial?organisationCode=north"
    body = {"ends": text(world.clock.now + timedelta(days=40)), "mostMeetings": 2}
    assert ask(world, "PUT", path, json=body).status_code == 403  # not by itself
    assert ask(world, "PUT", path, "vdx", json=body | {"ends": text(world.clock.now)}).status_code == 400
    assert ask(world, "PUT", path, "vdx", json=body).status_code == 200
    uuid = world.book(organisation="ward", startTime=text(world.clock.now + timedelta(days=39)))["uuid"]
    assert on_the_bus(world, uuid) == ("trial", "health")
    assert post(world, startTime=body["ends"]).status_code == 403
    moved = {"startTime": body["ends"]}
    patch = world.ask("PATCH", f"/v2/meetings/{uuid}", "meeting-planner", organisation="ward", json=moved)
    assert (patch.status_code, "earlier time" in patch.json()["detailed_error"]) == (403, True)
    world.book(organisation="north")
    full = post(world)
    assert (full.status_code, full.json()["detailed_error_code"]) == (403, "11")
    assert "has had its 2 meetings" in full.json()["detailed_error"]
    ask(world, "PUT", path, "vdx", json=body | {"mostMeetings": 9})
    duty = Trials(world.database, world.office)
    for days, given in ((0, 0), (10, 1), (29, 1), (1, 1)):
        world.clock.turn(days=days)
        assert world.run(duty.round) == given
        assert world.run(duty.round) == 0
    (state,) = ask(world, "GET", "/trials", "vdx").json()
    assert (state["code"], state["daysLeft"], state["meetings"], state["warned"]) == ("north", 0, 2, 0)
    over = post(world)
    assert over.status_code == 403
    assert "ended on" in over.json()["detailed_error"]
    data = ask(world, "GET", "/trial-data?organisationCode=north", "vdx").json()
    assert sorted(each["meetingDetails"]["createdBy"]["organisationId"] for each in data) == ["north", "ward"]
    assert ask(world, "DELETE", path, "vdx").status_code == 204
    assert ask(world, "DELETE", path, "vdx").status_code == 404
    assert ask(world, "GET", "/trial-data?organisationCode=north", "vdx").status_code == 404
    assert post(world).status_code == 200


def test_meetings_to_come_are_told_anew_when_a_trial_ends(world: World) -> None:
    path, ends = "/trial?organisationCode=north", text(world.clock.now + timedelta(days=40))
    ask(world, "PUT", path, "vdx", json={"ends": ends, "mostMeetings": 9})
    uuid = world.book(organisation="ward")["uuid"]
    assert on_the_bus(world, uuid)[0] == "trial"
    ask(world, "DELETE", path, "vdx")
    assert on_the_bus(world, uuid) == ("clinical", "health")


def post(world: World, **fields: Any) -> Any:
    body = world.meeting(**fields)
    return world.ask("POST", "/v2/meetings", "meeting-planner", organisation="ward", json=body)


@pytest.mark.parametrize(
    "rule",
    [
        {"part": "label", "pattern": "x"},
        {"part": "label", "pattern": "", "use": "trial"},
        {"part": "subject", "pattern": "x", "use": "trial"},
        {"part": "label", "pattern": "x", "use": "urgent"},
    ],
)
def test_rules_that_cannot_be(world: World, rule: dict[str, str]) -> None:
    refused = ask(world, "PUT", "/organisation-classes?organisationCode=ward", json={"rules": [rule]})
    assert refused.status_code == 400
