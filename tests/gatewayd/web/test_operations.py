from __future__ import annotations

import json
from typing import Any

import pytest

from gatewayd.web import doorway, pace
from tests.gatewayd.config.bench import limited
from tests.gatewayd.config.sites import NORTH, replaced
from tests.gatewayd.web.world import CALL, SITE, World
from vdx import api
from vdx.pinhole import Refused

NORTH_TEXT = replaced(NORTH, (", files: [pcs.txt]", ""))


def test_a_change_goes_through_its_whole_cycle(edge: World) -> None:
    pushed = edge.push(limited(4, SITE), why="more calls")
    assert (pushed.status_code, pushed.json()["state"]) == (200, "candidate")
    assert edge.push(limited(4, SITE), why="more calls").json() == pushed.json()  # twice is once
    ref = pushed.json()["ref"]
    checked = edge.call("POST", f"/candidates/{ref}/check", json={"prove": True}).json()
    assert (checked["faults"], checked["proof"]["packets"]) == ([], 10)
    told = edge.call("GET", f"/candidates/{ref}/differences").json()
    assert any("limits.calls" in word for word in told["words"])
    applied = edge.call("POST", f"/candidates/{ref}/apply", json={"confirm_within": 120}).json()
    assert (applied["number"], edge.bench.calls) == (2, 4)
    (waiting,) = edge.call("GET", "/situation").json()["waiting"]
    assert (waiting["who"], waiting["seconds"]) == ("anna", 120)
    assert edge.call("POST", "/confirm", json={"number": 2}).json()["confirm_by"] is None
    back = edge.call("POST", "/versions/1/rollback", json={"why": "too many"}).json()
    assert (back["number"], edge.bench.calls) == (3, 3)
    states = [(each["number"], each["state"]) for each in edge.call("GET", "/versions").json()["versions"]]
    assert states == [(3, "running"), (2, "replaced"), (1, "replaced")]
    lines = edge.call("GET", "/journal", params={"after": 0, "verify": "true"}).json()
    assert lines["damage"] == ""
    assert {each["who"] for each in lines["lines"]} >= {"anna"}


def test_a_push_that_was_made_from_something_else_is_a_conflict(edge: World) -> None:
    running = edge.call("GET", "/situation").json()["fragments"][0]["ref"]
    stale = {"fragment": "base", "text": limited(5, SITE), "expected": "0" * 64}
    answer = edge.call("POST", "/candidates", json=stale)
    assert (answer.status_code, answer.json()["code"], answer.json()["running"]) == (409, "conflict", running)


def test_what_gatewayd_declines_has_its_status(edge: World) -> None:
    assert edge.call("PUT", "/freeze", json={"why": "holiday"}).status_code == 200
    ref = edge.push(limited(4, SITE)).json()["ref"]
    assert edge.call("POST", f"/candidates/{ref}/apply", json={}).status_code == 423
    assert edge.call("DELETE", "/freeze").status_code == 200
    assert edge.call("DELETE", f"/candidates/{ref}").status_code == 200
    assert edge.call("DELETE", f"/candidates/{ref}").status_code == 404
    assert edge.push("a: [").status_code == 422
    edge.appliance.away = True
    assert edge.call("GET", "/situation").status_code == 503


def test_who_may_what_is_decided_by_gatewayd(edge: World) -> None:
    for who, method, path, status in (
        ("dora", "GET", "/versions", 200),
        ("dora", "GET", "/fragments/base", 403),
        ("dora", "DELETE", f"/calls/{CALL}", 403),
        ("carl", "DELETE", f"/calls/{CALL}", 200),
        ("dora", "DELETE", "/drain", 403),
        ("carl", "DELETE", "/drain", 200),
        ("bo", "GET", "/pinholes", 403),
        ("bo", "GET", "/rules", 403),
        ("bo", "GET", "/agreements", 200),
        ("eve", "GET", "/status", 403),
    ):
        assert edge.call(method, path, who).status_code == status, (who, path)


def test_prometheus_reads_the_numbers_as_a_viewer(edge: World) -> None:
    found = edge.call("GET", "/metrics", "dora")
    assert (found.status_code, found.text) == (200, "vdx_calls 1\n")
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert edge.call("GET", "/metrics", "bo").status_code == 403


def test_who_is_cut_off_is_not_answered_any_more(edge: World) -> None:
    assert edge.call("PUT", "/cuts/token/dora", json={"why": "lost"}).status_code == 200
    assert edge.call("GET", "/situation", "dora").status_code == 403
    assert edge.call("DELETE", "/cuts/token/dora", params={"why": "found"}).status_code == 200
    assert edge.call("GET", "/situation", "dora").status_code == 200


def test_an_owner_pushes_its_own_fragment_and_reads_no_other(edge: World) -> None:
    edge.applied(NORTH_TEXT, "bo", "north")
    assert edge.push(NORTH_TEXT, "bo", "south").status_code == 403
    assert [each["name"] for each in edge.call("GET", "/situation", "bo").json()["fragments"]] == ["north"]
    assert edge.call("GET", "/fragments/north", "bo").json()["text"] == NORTH_TEXT


def test_rules_come_with_what_they_have_met(edge: World) -> None:
    edge.appliance.hits = (7, 700)
    (rule,) = edge.call("GET", "/rules", "dora").json()["rules"]
    assert (rule["source"], rule["target"], rule["action"], rule["packets"]) == ("sdn", "internet", "deny", 7)
    assert rule["origin"].startswith("site.yaml:")


def test_what_b2bua_would_tell_is_away_and_what_it_does_not_know_is_not_found(edge: World) -> None:
    edge.appliance.looks["calls"] = Refused(1, "unknown", "b2bua is away")
    assert edge.call("GET", "/calls").status_code == 503
    assert edge.call("GET", "/pinholes").json()["leases"][0]["lease"] == f"{CALL}.0"


@pytest.mark.parametrize(
    ("method", "path", "more", "word"),
    [
        ("GET", "/versions", {"params": {"rows": "0"}}, "rows"),
        ("GET", "/versions", {"params": {"row": "1"}}, "row"),
        ("GET", "/versions", {"params": {"principal": "anna"}}, "principal"),
        ("GET", "/versions", {"params": [("rows", "1"), ("rows", "2")]}, "twice"),
        ("POST", "/confirm", {"json": {"number": "1"}}, "number"),
        ("POST", "/confirm", {"json": {"principal": {"name": "eve"}}}, "principal"),
        ("POST", "/confirm", {"json": []}, "no JSON object"),
        ("POST", "/confirm", {"content": b"[" * 5000}, "no JSON object"),
        ("POST", "/confirm", {"content": b"{}", "headers": {"content-type": "text/plain"}}, "Content-Type"),
        ("POST", "/confirm", {"params": {"number": "1"}}, "query"),
        ("POST", "/versions/1/rollback", {"json": {"number": 2}}, "path already"),
        ("POST", "/candidates/xyz/check", {"json": {}}, "candidate"),
        ("PUT", "/cuts/house/a", {"json": {}}, "kind"),
    ],
)
def test_what_cannot_be_read_is_named(edge: World, method: str, path: str, more: dict[str, Any], word: str) -> None:
    answer = edge.call(method, path, **more)
    assert answer.status_code == 422
    assert word in answer.json()["reasons"][0]


def test_what_is_too_large_is_refused_before_it_is_read(edge: World) -> None:
    stated = {"content-length": str(doorway.MAX_CONTENT + 1)}
    assert edge.call("POST", "/candidates", content=b"{}", headers=stated).status_code == 413
    assert edge.call("POST", "/confirm", content=bytes(doorway.MAX_BODY + 1)).status_code == 413
    assert edge.call("POST", "/confirm", content=iter([bytes(doorway.MAX_BODY)] * 2)).status_code == 413
    assert edge.call("POST", "/candidates", content=bytes(doorway.MAX_BODY + 1)).status_code == 422
    unknown = {"authorization": "Bearer vdx_aaaaaaaa_" + "A" * 43}
    large = edge.client.post("/api/v1/candidates", content=bytes(doorway.MAX_CONTENT), headers=unknown)
    assert large.status_code == 401  # and nothing of it was kept


def test_who_asks_too_often_waits(edge: World) -> None:
    for _ in range(int(pace.PER_NAME.burst)):
        assert edge.call("GET", "/whoami").status_code == 200
    answer = edge.call("GET", "/whoami")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert edge.call("GET", "/whoami", "dora").status_code == 200
    edge.now += 1
    assert edge.call("GET", "/whoami").status_code == 200


def test_an_answer_reads_back_as_the_message_it_was(edge: World) -> None:
    edge.applied(NORTH_TEXT, "bo", "north")
    ref = edge.push(limited(4, SITE)).json()["ref"]
    named = {"candidate": ref, "number": "1", "fragment": "base"}
    for route in api.ROUTES:
        if route.method != "GET":
            continue
        answer = edge.call("GET", route.path.format(**named))
        assert answer.status_code == 200, answer.text
        message = api.read(json.loads(answer.content), route.answer)
        assert api.told(message) == answer.json(), route.path
