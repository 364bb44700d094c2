"""Rooms that are always there: kept by administrators, seen by their owners, found by nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.words import Kind
from tests.hub.world import World

BASE = "/services/v2/room"


@pytest.fixture(autouse=True)
def tree(world: World) -> None:
    world.organisation("vdx", kind=Kind.GROUP)
    world.organisation("north", above="vdx")
    world.organisation("ward", above="north")
    world.organisation("south", above="vdx")


def body(**fields: Any) -> dict[str, Any]:
    usual = {"organisation": "north", "name": "Ward 7", "aliases": ["Ward7", "7007"], "domain": "rooms.example"}
    return usual | {"hostPin": 123456} | fields


def ask(world: World, method: str = "GET", path: str = "", **arguments: Any) -> Any:
    return world.ask(method, BASE + path, "meeting-admin", **arguments)


def test_a_room_is_made_changed_and_deleted(world: World) -> None:
    made = ask(world, "POST", json=body()).json()
    assert (made["aliases"], made["kind"], made["provided"]) == (["ward7", "7007"], "department", False)
    path = f"/{made['uuid']}"
    assert ask(world, path=path).json() == made
    wanted = body(kind="person", owner="ida@north.example", aliases=["ida"], guestPin=2222, use="clinical")
    changed = ask(world, "PUT", path, json=wanted).json()
    assert (changed["uuid"], changed["aliases"], changed["use"]) == (made["uuid"], ["ida"], "clinical")
    assert ask(world).json() == [changed]
    assert ask(world, "DELETE", path).status_code == 204
    assert ask(world, path=path).status_code == 404
    assert ask(world, "POST", json=wanted).status_code == 200  # the alias is free again


def test_everybody_sees_his_own(world: World) -> None:
    ask(world, "POST", json=body())
    mine = ask(world, "POST", json=body(kind="person", owner="Ida@north.example", aliases=["ida"])).json()
    other = ask(world, "POST", json=body(organisation="ward", aliases=["ward"])).json()

    def seen(organisation: str, email: str) -> list[str]:
        found = world.ask("GET", BASE, "meeting-user", organisation=organisation, email=email).json()
        return [each["uuid"] for each in found]

    assert seen("north", "ida@north.example") == [mine["uuid"]]
    assert seen("south", "ida@north.example") == []
    path = f"{BASE}/{other['uuid']}"
    assert world.ask("GET", path, "meeting-user", email="ida@north.example").status_code == 404
    assert world.ask("GET", path, "meeting-admin", organisation="south").status_code == 401
    assert world.ask("POST", BASE, "meeting-planner", json=body(aliases=["x"])).status_code == 403
    assert world.ask("GET", f"{BASE}?organisationCode=ward", "meeting-admin").json() == [other]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"aliases": []}, "aliases"),
        ({"aliases": ["two words"]}, "aliases"),
        ({"aliases": ["æble"]}, "aliases"),
        ({"aliases": ["a", "A"]}, "aliases"),
        ({"kind": "person"}, "owner"),
        ({"owner": "a@b.example\nBcc: x@y.example"}, "owner"),
        ({"hostPin": None, "allowGuests": False}, "hostPin"),
        ({"guestPin": 2222, "allowGuests": False}, "guestPin"),
        ({"guestPin": 123456}, "guestPin"),
        ({"theme": "none"}, "theme"),
        ({"domain": "a b"}, "domain"),
        ({"organisation": "south"}, "south"),
    ],
)
def test_what_cannot_be(world: World, fields: dict[str, Any], field: str) -> None:
    refused = ask(world, "POST", json=body(**fields))
    assert refused.status_code == (401 if field == "south" else 400)
    assert field in refused.json()["error"]


def test_nothing_is_dialled_twice(world: World) -> None:
    template = {"conferencingSysId": 1, "uriPrefix": "", "uriDomain": "rooms.example", "hostPinRequired": False}
    numbers = {"uriNumberRangeLow": 1000, "uriNumberRangeHigh": 1002, "guestPinRequired": False}
    rules = {"vMRAvailableBefore": 15, "maxParticipants": 0, "endMeetingOnEndTime": False, "isDefaultTemplate": True}
    made = world.ask("POST", "/v2/scheduling-templates", "meeting-admin", json=template | numbers | rules)
    assert made.status_code == 200, made.text
    assert ask(world, "POST", json=body(aliases=["1001"], domain="other.example")).status_code == 200
    taken = {world.room(world.book()["uuid"])["uriWithoutDomain"] for _ in range(2)}
    assert taken == {"1000", "1002"}
    assert world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting()).status_code == 406
    refused = ask(world, "POST", json=body(aliases=["1000"]))
    assert (refused.status_code, "1000" in refused.json()["error"]) == (400, True)
    assert ask(world, "POST", json=body(aliases=["1001"])).status_code == 400


def test_themes_go_down_the_tree(world: World) -> None:
    theme = {"organisation": "north", "name": "calm", "title": "Calm"}
    path = "/services/v2/room-theme"
    assert world.ask("POST", path, "meeting-admin", json=theme).json() == theme
    assert world.ask("POST", path, "meeting-admin", json=theme).status_code == 400
    assert world.ask("GET", path, "meeting-user", organisation="ward").json() == [theme]
    assert world.ask("GET", path, "meeting-user", organisation="south").json() == []
    room = ask(world, "POST", json=body(organisation="ward", theme="calm")).json()
    assert world.ask("DELETE", f"{path}/calm", "meeting-admin").status_code == 400
    ask(world, "DELETE", f"/{room['uuid']}")
    assert world.ask("DELETE", f"{path}/calm", "meeting-admin").status_code == 204
    assert world.ask("DELETE", f"{path}/calm", "meeting-admin").status_code == 404


def test_many_rooms_at_once(world: World) -> None:
    rows = "organisation;name;aliases;domain;hostPin;allowGuests\nnorth;Ærø;ward1 1001;rooms.example;1234;ja\n"
    rows += "ward;Ward 2;ward2;rooms.example;;true\n"

    def send(text: str, query: str = "", kind: str = "text/csv") -> Any:
        headers = world.headers("meeting-admin") | {"content-type": kind}
        return world.client.post(f"{BASE}-import{query}", headers=headers, content=text.encode())

    assert send(rows, "?dry=true").json() == {"rooms": 2, "faults": []}
    assert ask(world).json() == []
    assert send(rows).json() == {"rooms": 2, "faults": []}
    assert [each["name"] for each in ask(world).json()] == ["Ward 2", "Ærø"]
    bad = rows.replace("ward1 1001", "x1").replace("ward2", "x1") + "south;S;s;rooms.example;;\nnorth;N;n n;d;12;\n"
    faults = send(bad).json()["faults"]
    assert [each.split(":")[0] for each in faults] == ["line 3", "line 4", "line 5"]
    assert len(ask(world).json()) == 2
    for text, kind in (("name,colour\n", "text/csv"), ("{}", "application/json"), ("\x00", "image/png")):
        assert send(text, kind=kind).status_code == 400
    assert send('[{"organisation": "north"}]', kind="application/json").json()["rooms"] == 0


def test_room_systems_and_the_file_of_the_edge(world: World) -> None:
    path = "/services/v2/room-system"
    wanted = {"organisation": "ward", "name": "Room 102", "alias": "102", "username": "Room-102"}
    made = world.ask("POST", path, "meeting-admin", json=wanted).json()
    assert len(made["password"]) == 20
    listed = world.ask("GET", path, "meeting-admin").json()
    assert "password" not in listed[0]
    assert world.ask("POST", path, "meeting-admin", json=wanted).status_code == 400
    secrets = world.ask("GET", f"{path}-secrets", "meeting-provisioner").text
    assert secrets.splitlines()[1].startswith("room-102 SHA-256 ")
    one = f"{path}/{made['uuid']}"
    assert world.ask("PUT", one, "meeting-admin", json=wanted | {"alsoMd5": True}).status_code == 400
    weak = wanted | {"alsoMd5": True, "password": "correct horse battery"}
    assert world.ask("PUT", one, "meeting-admin", json=weak).status_code == 200
    assert "room-102 MD5 " in world.ask("GET", f"{path}-secrets", "meeting-provisioner").text
    assert world.ask("PUT", one, "meeting-admin", json=wanted | {"enabled": False}).status_code == 200
    assert "room-102" not in world.ask("GET", f"{path}-secrets", "meeting-provisioner").text
    assert world.ask("GET", f"{path}-secrets", "meeting-admin").status_code == 403
    assert world.ask("DELETE", one, "meeting-admin", organisation="south").status_code == 401
    assert world.ask("DELETE", one, "meeting-admin").status_code == 204
