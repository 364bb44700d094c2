"""The organisation API: every administrator has his part of the tree."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.words import Kind
from tests.hub.world import World

BASE = "/services/v2"


@pytest.fixture(autouse=True)
def tree(world: World) -> None:
    world.organisation("vdx", kind=Kind.GROUP)
    world.organisation("north", above="vdx", pool_size=3)
    world.organisation("ward/7", above="north")
    world.organisation("ward/7/desk", above="ward/7", kind=Kind.PRACTICE)
    world.organisation("south", above="vdx")


def ask(world: World, path: str, method: str = "GET", organisation: str = "north", **arguments: Any) -> Any:
    return world.ask(method, BASE + path, "meeting-admin", organisation=organisation, **arguments)


def test_one_or_all_below(world: World) -> None:
    one = ask(world, "/organisation?organisationCode=ward/7").json()
    assert (one["code"], one["name"], one["poolSize"], one["kind"]) == ("ward/7", "The ward/7", 0, "organisation")
    assert [each["code"] for each in ask(world, "/organisation").json()] == ["north", "ward/7", "ward/7/desk"]
    assert ask(world, "/organisation/ward/7").json() == one
    assert ask(world, "/organisation/ward/7/descendants").json() == [{"code": "ward/7"}, {"code": "ward/7/desk"}]


def test_other_parts_of_the_tree_stay_closed(world: World) -> None:
    refused = ask(world, "/organisation/south")
    assert refused.status_code == 401
    assert list(refused.json()) == ["error", "path", "status", "status_text", "timestamp"]
    assert ask(world, "/organisation/vdx").status_code == 401
    assert ask(world, "/organisation/nowhere").status_code == 404
    assert world.ask("GET", f"{BASE}/organisation", "meeting-planner").status_code == 403


def test_the_chain_above_and_the_tree_below(world: World) -> None:
    chain = ask(world, "/organisationtree/ward/7").json()
    assert [chain["code"], chain["children"][0]["code"], chain["children"][0]["children"][0]["code"]] == [
        "vdx",
        "north",
        "ward/7",
    ]
    number = world.made["ward/7"].id
    assert ask(world, f"/organisationtree?groupId={number}").json() == chain
    below = ask(world, "/organisationtree-children?organisationCode=north").json()
    assert [each["code"] for each in below["children"]] == ["ward/7"]
    for query in ("", f"?organisationCode=north&groupId={number}"):
        assert ask(world, f"/organisationtree{query}").status_code == 400


def test_an_organisation_is_added_and_changed(world: World) -> None:
    body = {
        "code": "ward/8",
        "name": "Ward 8",
        "poolSize": 2,
        "field": "eldercare",
        "deviceWebhookEndpointKey": "secret",
    }
    made = ask(world, "/organisation?parent_code=north", "POST", json=body)
    assert made.status_code == 200, made.text
    assert made.json()["poolSize"] == 2
    assert "secret" not in made.text
    changed = ask(world, "/organisation/ward/8", "PUT", json={**body, "name": "Ward 8b", "use": "clinical"}).json()
    assert (changed["name"], changed["use"], changed["groupId"]) == ("Ward 8b", "clinical", made.json()["groupId"])
    assert ask(world, "/organisation/ward/8", "POST", json={"code": "bed", "name": "Bed"}).status_code == 200
    assert ask(world, "/organisation/ward/8/descendants").json() == [{"code": "ward/8"}, {"code": "bed"}]


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [
        ("/organisation?parent_code=nowhere", "POST", {"code": "x", "name": "X"}),
        ("/organisation/north", "POST", {"code": "south", "name": "X"}),
        ("/organisation/ward/7", "PUT", {"code": "other", "name": "X"}),
        ("/organisation/north", "POST", {"code": "x" * 251, "name": "X"}),
        ("/organisation/north", "POST", {"code": "x", "name": "X", "smsSenderName": "x" * 12}),
    ],
)
def test_what_cannot_be(world: World, path: str, method: str, body: dict[str, str]) -> None:
    refused = ask(world, path, method, json=body)
    assert refused.status_code == 400
    assert refused.json()["error"]
