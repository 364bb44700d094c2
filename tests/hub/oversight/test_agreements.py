"""Providers see and do what their agreements cover, and only while they hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub.settings import Provisioning
from tests.hub.world import World, text

BASE = "/services/v2"
ROLE = "meeting-provisioner-user"


@pytest.fixture(autouse=True)
def tree(world: World) -> None:
    world.organisation("vdx")
    for code, above in (("north", "vdx"), ("ward", "north"), ("south", "vdx"), ("acme", "vdx")):
        world.organisation(code, above=above, pool_size=1)


def agree(world: World, code: str, days: int = 10, **changes: Any) -> Any:
    now = world.clock.now
    body = {"provider": "acme", "organisationCode": code, "begins": text(now), "ends": text(now + timedelta(days=days))}
    return world.ask("POST", f"{BASE}/agreement", "meeting-admin", organisation=code, json=body | changes)


def seen(world: World, organisation: str = "acme") -> set[str]:
    found = world.ask("GET", "/v2/scheduling-info-provision", ROLE, organisation=organisation)
    assert found.status_code == 200, found.text
    return {each["meetingDetails"]["createdBy"]["organisationId"] for each in found.json()}


def test_a_provider_is_held_to_its_agreements(world: World) -> None:
    made = {code: world.book(organisation=code)["uuid"] for code in ("north", "ward", "south")}
    world.clock.turn(hours=1)
    assert seen(world) == {"north", "ward", "south"}  # no agreement at all: the installation's own
    number = agree(world, "north").json()["id"]
    assert seen(world) == {"north", "ward"}
    for code, status in (("ward", 200), ("south", 403)):
        path = f"/v2/scheduling-info/{made[code]}"
        assert world.ask("GET", path, ROLE, organisation="acme").status_code == status
        body = {"provisionStatus": "PROVISIONED_OK"}
        assert world.ask("PUT", path, ROLE, organisation="acme", json=body).status_code == status
        found = world.ask("GET", f"/v2/meetings?uriWithDomain={world.room(made[code])['uriWithDomain']}", ROLE)
        assert [each["uuid"] for each in found.json()] == [made[code]]  # another provisioner, without agreements
        asked = f"/v2/meetings?uriWithDomain={world.room(made[code])['uriWithDomain']}"
        found = world.ask("GET", asked, ROLE, organisation="acme")
        assert [each["uuid"] for each in found.json()] == ([made[code]] if status == 200 else [])
        without = f"/v2/meetings/findByUriWithoutDomain?uri={world.room(made[code])['uriWithoutDomain']}"
        assert world.ask("GET", without, ROLE, organisation="acme").status_code == (200 if status == 200 else 404)
    period = "from-start-time=2026-11-01T00:00:00Z&to-end-time=2026-12-01T00:00:00Z"
    listed = world.ask("GET", f"/v2/scheduling-info?{period}", ROLE, organisation="acme").json()
    assert [each["uuid"] for each in listed] == [made["north"]]
    world.clock.turn(days=10)
    assert seen(world) == set()  # it has ended
    assert agree(world, "south").status_code == 200
    path = f"{BASE}/agreement/{number}"
    assert world.ask("DELETE", path, "meeting-admin", organisation="south").status_code == 401
    assert world.ask("DELETE", path, "meeting-admin", organisation="north").status_code == 204
    assert world.ask("DELETE", f"{BASE}/agreement/99", "meeting-admin").status_code == 404


def test_an_agreement_that_is_ended_does_not_open_everything(world: World) -> None:
    world.book()
    world.clock.turn(hours=1)
    number = agree(world, "north").json()["id"]
    assert seen(world) == {"north"}
    assert world.ask("DELETE", f"{BASE}/agreement/{number}", "meeting-admin").status_code == 204
    assert seen(world) == set()
    (listed,) = world.ask("GET", f"{BASE}/agreement?organisationCode=north", "meeting-admin").json()
    assert listed["holds"] is False


@pytest.mark.parametrize("changes", [{"ends": "2026-01-01T00:00:00Z"}, {"provider": "nobody"}])
def test_agreements_that_cannot_be(world: World, changes: dict[str, Any]) -> None:
    assert agree(world, "north", **changes).status_code == 400


@pytest.mark.parametrize("world", [{"provisioning": Provisioning(require_agreement=True)}], indirect=True)
def test_agreements_can_be_required(world: World) -> None:
    world.book()
    world.clock.turn(hours=1)
    assert seen(world) == set()
    agree(world, "north")
    assert seen(world) == {"north"}
    template = world.ask("GET", "/v2/scheduling-templates", "meeting-admin")
    assert template.status_code == 200
    body = {"organizationId": "south", "schedulingTemplateId": 1}
    assert world.ask("POST", "/v2/scheduling-info", ROLE, organisation="acme", json=body).status_code == 403
