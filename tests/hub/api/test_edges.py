"""What stands around operations: sizes, origins, correlation, tokens, the document, and a database that is away."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from hub.store.database import Database
from tests.hub.issuer import AUDIENCE, Issuer
from tests.hub.world import ORIGIN, World, settings

PREFLIGHT = {"access-control-request-method": "PATCH", "access-control-request-headers": "authorization"}


@pytest.fixture(autouse=True)
def north(world: World) -> None:
    world.organisation("north")


def test_a_known_origin_may_ask(world: World) -> None:
    asked = world.client.options("/v2/meetings", headers={"origin": ORIGIN, **PREFLIGHT})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == ORIGIN
    assert asked.headers["access-control-allow-methods"] == "PATCH"
    assert asked.headers["access-control-allow-credentials"] == "true"
    read = world.client.get("/v2/info", headers={"origin": ORIGIN, **world.headers("meeting-user")})
    assert read.headers["access-control-allow-origin"] == ORIGIN


def test_an_unknown_origin_may_not(world: World) -> None:
    origin = "https://elsewhere.example"
    assert world.client.options("/v2/meetings", headers={"origin": origin, **PREFLIGHT}).status_code == 403
    read = world.client.get("/v2/info", headers={"origin": origin, **world.headers("meeting-user")})
    assert "access-control-allow-origin" not in read.headers


def test_info_tells_the_version(world: World) -> None:
    info = world.ask("GET", "/v2/info", "meeting-provisioner", organisation=None)
    assert info.json() == {"info": [{"key": "git", "value": {"version": "test"}}]}


def test_requests_carry_a_correlation_id(world: World) -> None:
    given = world.client.get("/v2/info", headers={"x-request-id": "abc-1"})
    assert given.headers["x-request-id"] == "abc-1"
    odd = world.client.get("/v2/info", headers={"x-request-id": "a b\t<"})
    assert len(odd.headers["x-request-id"]) == 32


@pytest.mark.parametrize("octets", [b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"subject": "\\ud800"}', b"1e999"])
def test_bodies_that_are_no_meetings(world: World, octets: bytes) -> None:
    headers = {**world.headers("meeting-planner"), "content-type": "application/json"}
    refused = world.client.post("/v2/meetings", content=octets, headers=headers)
    assert (refused.status_code, refused.json()["detailed_error_code"]) == (400, "10")


def test_a_body_has_a_limit(world: World) -> None:
    def endless() -> Any:
        for _ in range(100):
            yield b"[" * 10_000

    for content in (b" " * 1_000_000, endless()):
        assert world.client.post("/v2/meetings", content=content).status_code == 413


def test_unknown_paths_and_methods_answer_in_the_same_form(world: World) -> None:
    assert world.ask("GET", "/v2/nothing", "meeting-user").json()["detailed_error_code"] == "11"
    assert world.ask("DELETE", "/v2/meetings", "meeting-user").status_code == 405


# tokens


def test_tokens_that_do_not_count(world: World, issuer: Issuer) -> None:
    now = int(time.time())
    person: dict[str, Any] = {"roles": ["meeting-user"], "organisation": "north", "email": "a@b.example"}
    bad = [
        issuer.token(**person, exp=now - 60),
        issuer.token(**person, nbf=now + 60),
        issuer.token(**person, iss="https://other.example"),
        issuer.token(**person, aud="other"),
        issuer.token(["meeting-user"], None, "a@b.example"),
        issuer.token(["meeting-user"], "north", None),
        Issuer().token(**person),
        issuer.token(**person)[:-3] + "abc",
        "x" * 20_000,
        "",
    ]
    for token in bad:
        assert world.client.get("/v2/info", headers={"authorization": f"Bearer {token}"}).status_code == 401
    good = issuer.token(**person, aud=[AUDIENCE, "more"], exp=now - 10)
    assert world.client.get("/v2/info", headers={"authorization": f"Bearer {good}"}).status_code == 200


def test_new_keys_of_the_issuer_are_found(database_url: str, tmp_path: Path) -> None:
    old, new = Issuer(), Issuer()
    jwks = tmp_path / "jwks.json"
    jwks.write_text(old.jwks())
    with World.over(settings(database_url, jwks), new) as world:
        assert world.ask("GET", "/v2/info", "meeting-user").status_code == 401
        jwks.write_text(json.dumps({"keys": json.loads(old.jwks())["keys"] + json.loads(new.jwks())["keys"]}))
        assert world.ask("GET", "/v2/info", "meeting-user").status_code == 401  # asked a moment ago
        world.monotonic.turn(seconds=11)
        assert world.ask("GET", "/v2/info", "meeting-user").status_code == 200


# the database


def test_a_database_that_is_away_is_503(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    away = Database("postgresql://hub@/hub?host=/nowhere")
    monkeypatch.setattr(world.database, "engine", away.engine)
    refused = world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting())
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "2"
    monkeypatch.undo()
    assert world.book()["subject"] == "Rounds"


@pytest.mark.parametrize("said", ["a\x00b", "a\nb", "a\u2028b"])
def test_a_claim_that_cannot_be_kept_is_none(world: World, said: str) -> None:
    for wrong in ({"organisation": said}, {"email": said}):
        refused = world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting(), **wrong)
        assert refused.status_code == 401
