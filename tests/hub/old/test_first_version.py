"""The first version is gone: whoever calls it hears where to go, and is counted."""

from __future__ import annotations

from typing import Any

import pytest

from hub.api.old.routes import OPERATIONS
from tests.hub.world import World


@pytest.fixture
def tree(world: World) -> World:
    world.organisation("root")
    world.organisation("north", "root")
    return world


@pytest.mark.parametrize("path", [each.replace("{rest:path}", "a/b") for each in OPERATIONS])
def test_every_path_says_where_to_go(tree: World, path: str) -> None:
    answer = tree.client.get(f"{path}?subject=x")
    body = answer.json()
    assert answer.status_code == 410
    assert f"/v2{path}" in body["message"]
    keys = {"timestamp", "status", "error", "message", "path", "errorCode", "errorText"}
    assert keys == set(body)
    assert (body["status"], body["path"]) == (410, path)


def test_who_calls_is_counted(tree: World) -> None:
    agent = {"user-agent": "Journal/4.2 (somebody@north.example)"}
    for _ in range(2):
        tree.client.post("/meetings", headers=tree.headers("meeting-user") | agent, json={})
    tree.client.get("/meetings/1", headers={"user-agent": "Scanner/1"})

    def listed(organisation: str) -> Any:
        rows = tree.ask("GET", "/services/v2/old-callers", "meeting-admin", organisation=organisation).json()
        return [(each["organisationCode"], each["agent"], each["operation"], each["count"]) for each in rows]

    ours = ("north", "Journal/4.2", "POST /meetings", 2)
    assert listed("north") == [ours]
    assert listed("root") == [ours, ("", "", "GET /meetings/{id}", 1)]
    page = tree.client.get("/reports/old-callers", headers=tree.sign_in("meeting-admin", organisation="root"))
    assert "Journal/4.2" in page.text
    assert "ukendt" in page.text
    assert tree.client.get("/reports/old-callers", headers=tree.sign_in("meeting-user")).status_code == 403
