from __future__ import annotations

from typing import Any

import pytest

from tests.gatewayd.config.sites import NORTH, replaced
from tests.gatewayd.web.world import World

NORTH_TEXT = replaced(NORTH, (", files: [pcs.txt]", ""))
SOUTH_TEXT = """\
agreements:
  services:
    south.archive: {zone: internet, endpoints: [203.0.113.40/32], tcp: [104]}   # until the move
"""
ASKED = {"name": "north.pictures", "client": "north.pcs", "service": "south.archive", "starts": "2027-01-01"}


@pytest.fixture
def two(edge: World) -> World:
    edge.applied(NORTH_TEXT, "bo", "north")
    edge.applied(SOUTH_TEXT, "siri", "south")
    return edge


def agreed(edge: World, who: str, name: str = ASKED["name"]) -> Any:
    found = edge.call("GET", "/agreements", who).json()["agreements"]
    return next((each for each in found if each["name"] == name), None)


def applied(edge: World, who: str, candidate: Any) -> None:
    assert candidate.status_code == 200, candidate.text
    done = edge.call("POST", f"/candidates/{candidate.json()['ref']}/apply", who, json={})
    assert done.status_code == 200, done.text


def test_the_consumer_asks_and_the_provider_answers(two: World) -> None:
    applied(two, "bo", two.call("POST", "/agreements", "bo", json=ASKED))
    seen = agreed(two, "siri")
    assert (seen["state"], seen["consumer"], seen["provider"]) == ("asked", "north", "south")
    applied(two, "siri", two.call("POST", "/agreements/north.pictures/approve", "siri", json={}))
    assert agreed(two, "bo")["state"] == "running"
    applied(two, "siri", two.call("POST", "/agreements/north.pictures/reject", "siri", json={"why": "not any more"}))
    seen = agreed(two, "bo")
    assert (seen["state"], seen["rejected"]) == ("rejected", "not any more")
    applied(two, "siri", two.call("POST", "/agreements/north.pictures/approve", "siri", json={}))
    assert agreed(two, "bo")["state"] == "running"
    text = two.call("GET", "/fragments/south", "siri").json()["text"]
    assert text.startswith(SOUTH_TEXT)  # with its remark
    assert "approves:" in text.removeprefix(SOUTH_TEXT)


def test_a_provider_without_a_fragment_is_answered_for_in_the_base(two: World) -> None:
    assert agreed(two, "bo", "north.a")["state"] == "asked"
    assert two.call("POST", "/agreements/north.a/approve", "bo", json={}).status_code == 403
    applied(two, "anna", two.call("POST", "/agreements/north.a/approve", "anna", json={}))
    assert agreed(two, "bo", "north.a")["state"] == "running"
    applied(two, "anna", two.call("POST", "/agreements/north.a/reject", "anna", json={"why": "moved"}))
    assert agreed(two, "bo", "north.a")["rejected"] == "moved"


def test_others_do_not_see_an_agreement_and_who_rejects_says_why(two: World) -> None:
    assert agreed(two, "siri", "north.a") is None
    assert two.call("POST", "/agreements/north.a/approve", "siri", json={}).status_code == 422
    assert "say why" in two.call("POST", "/agreements/north.a/reject", "anna", json={}).json()["reasons"][0]
    assert "another name" in two.call("POST", "/agreements", "bo", json={**ASKED, "name": "north.a"}).text


def test_notice_is_given_before_an_agreement_ends(two: World) -> None:
    ends = {**ASKED, "starts": "2027-01-01", "ends": "2027-03-01"}  # it is 15 January 2027 on the bench
    applied(two, "bo", two.call("POST", "/agreements", "bo", json=ends))
    applied(two, "siri", two.call("POST", "/agreements/north.pictures/approve", "siri", json={}))
    assert agreed(two, "bo")["soon"] is True
    two.bench.now += 60 * 86400
    assert agreed(two, "bo")["state"] == "ended"


def test_tables_come_in_and_go_out_as_csv_and_json(two: World) -> None:
    table = two.call("GET", "/agreements/export", "bo", params={"fragment": "north", "kind": "agreements"})
    assert table.headers["content-type"].startswith("text/csv")
    more = table.text + "north.b,north.pcs,south.archive,2027-01-01,2027-12-31,,\r\n"
    where = {"fragment": "north", "why": "from the register"}
    csv = {"content": more.encode(), "headers": {"content-type": "text/csv"}}
    applied(two, "bo", two.call("POST", "/agreements/import", "bo", params=where, **csv))
    assert {agreed(two, "bo", name)["name"] for name in ("north.a", "north.b")} == {"north.a", "north.b"}
    whole = two.call("GET", "/agreements/export", "bo", params={"fragment": "north"})
    assert set(whole.json()) == {"services", "clients", "agreements"}
    json = {"content": whole.content, "headers": {"content-type": "application/json"}}
    again = two.call("POST", "/agreements/import", "bo", params={**where, "replace": "true"}, **json)
    assert again.json()["state"] == "running"  # the same content
    only = b"agreement,client,service,starts\r\nnorth.b,north.pcs,south.archive,2027-01-01\r\n"
    csv["content"] = only
    applied(two, "bo", two.call("POST", "/agreements/import", "bo", params={**where, "replace": "true"}, **csv))
    assert agreed(two, "bo", "north.a") is None


@pytest.mark.parametrize(
    ("content", "media", "word"),
    [
        (b"what,is,this\r\n", "text/csv", "table.csv:1"),
        (b"\xff", "text/csv", "UTF-8"),
        (b"{", "application/json", "table.json"),
        (b"x", "image/png", "Content-Type"),
    ],
)
def test_a_table_that_cannot_be_read_changes_nothing(two: World, content: bytes, media: str, word: str) -> None:
    where = {"fragment": "north"}
    answer = two.call(
        "POST", "/agreements/import", "bo", params=where, content=content, headers={"content-type": media}
    )
    assert answer.status_code == 422
    assert word in answer.json()["reasons"][0]
    assert two.call("GET", "/candidates", "bo").json()["candidates"] == []
