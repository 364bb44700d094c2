"""Values that hurt elsewhere: time zones, emoji, nulls, years, a clock that jumps."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from pydantic.alias_generators import to_camel

from hub.api.requests import CreateMeeting
from hub.settings import NullInPatch
from tests.hub.world import World, text


@pytest.fixture(autouse=True)
def north(world: World) -> None:
    world.organisation("north")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-11-02T14:00:00+02:00", "2026-11-02T12:00:00Z"),
        ("2026-11-02T14:00:00.999999Z", "2026-11-02T14:00:00Z"),
        ("2026-11-02t14:00:00z", "2026-11-02T14:00:00Z"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_times_of_every_zone_are_kept_in_utc(world: World, given: str, kept: str) -> None:
    answer = world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting(endTime=given))
    assert answer.status_code == 200, answer.text
    assert answer.json()["endTime"] == kept


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("9999-12-31T23:59:59-01:00", "10"),
        ("0001-01-01T00:00:00+01:00", "10"),
        ("10000-01-01T00:00:00Z", "25"),
        ("2026-02-30T00:00:00Z", "10"),
        ("2026-11-02T24:00:00Z", "10"),
        ("2026-11-02T12:00:00", "10"),
        ("2026-11-02T12:00:00+99:99", "10"),
        (1793620800, "10"),
        (None, "10"),
    ],
)
def test_times_that_are_none_are_refused(world: World, given: Any, code: str) -> None:
    answer = world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting(startTime=given))
    assert (answer.status_code, answer.json()["detailed_error_code"]) == (400, code)


@pytest.mark.parametrize(
    "start", ["0001-01-01T00:00:00Z", "0001-01-01T00:05:00Z"], ids=["the first second", "five minutes later"]
)
def test_a_meeting_before_all_times_is_no_fault_of_ours(world: World, start: str) -> None:
    answer = world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting(startTime=start))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "given", ["\N{FAMILY}\N{ZERO WIDTH JOINER}\N{GIRL}", "ﷺ" * 50, "\u202e" + "x" * 99, "a\r\nb", "%"]
)
def test_every_text_is_kept_and_found(world: World, given: str) -> None:
    world.book(subject="Other")
    made = world.book(subject=given, labels=[given], projectCode=given)
    assert (made["subject"], made["labels"], made["projectCode"]) == (given, [given], given)
    found = world.ask("GET", "/v2/meetings", "meeting-planner", params={"search": given}).json()
    assert [each["uuid"] for each in found] == [made["uuid"]]


@pytest.mark.parametrize("given", ["a\x00b", "\ud800"], ids=["NUL", "a lone surrogate"])
def test_texts_that_cannot_be_stored_are_refused(world: World, given: str) -> None:
    body = b'{"subject":"%s","startTime":"2026-11-02T13:00:00Z","endTime":"2026-11-02T14:00:00Z"}'
    escaped = "".join(f"\\u{ord(each):04x}" for each in given).encode()
    headers = world.headers("meeting-planner") | {"content-type": "application/json"}
    answer = world.client.post("/v2/meetings", content=body % escaped, headers=headers)
    assert (answer.status_code, answer.json()["detailed_error_code"]) == (400, "10")


def test_null_is_as_if_it_were_not_there(world: World) -> None:
    optional = [name for name, field in CreateMeeting.model_fields.items() if not field.is_required()]
    given: dict[str, Any] = {to_camel(name): None for name in optional}
    assert world.book(**given)["labels"] == []


def test_a_clock_that_jumps_back_stops_nothing(world: World) -> None:
    made = world.book()
    world.clock.turn(days=-3)
    changed = world.ask("PATCH", f"/v2/meetings/{made['uuid']}", "meeting-planner", json={"subject": "Earlier"})
    assert changed.json()["updatedTime"] == text(world.clock.now)
    world.clock.turn(days=30)
    assert world.report(made["uuid"], "PROVISIONED_OK").status_code == 200
    due = world.ask("GET", "/v2/scheduling-info-deprovision", "meeting-provisioner-user").json()
    assert [each["uuid"] for each in due] == [made["uuid"]]


@pytest.mark.parametrize("world", [{"null_in_patch": NullInPatch.CLEARS}], indirect=True)
def test_null_clears_what_may_be_empty_and_nothing_else(world: World) -> None:
    pairs = [{"key": "ward", "value": "7"}]
    given: dict[str, Any] = {"description": "x", "projectCode": "p", "labels": ["a"], "additionalInformation": pairs}
    path = f"/v2/meetings/{world.book(**given)['uuid']}"

    def cleared(name: str) -> httpx2.Response:
        return world.ask("PATCH", path, "meeting-planner", json={name: None})

    for name in ("subject", "startTime", "endTime", "guestMicrophone", "guestPinRequired"):
        refused = cleared(name)
        assert (refused.status_code, refused.json()["detailed_error_code"]) == (400, "30"), name
    for name in (*given, "organizedByEmail", "guestPin", "hostPin", "callType"):
        assert cleared(name).status_code == 200, name
    found = world.ask("GET", path, "meeting-planner").json()
    assert [found[name] for name in given] == [None, None, [], []]
    assert (found["subject"], found["organizedBy"]["email"]) == ("Rounds", "planner@north.example")
