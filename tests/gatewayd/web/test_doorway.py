from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from gatewayd.web import credentials, pace, sessions
from gatewayd.web.credentials import Certificate
from gatewayd.web.doorway import HEADERS
from tests.gatewayd.web.world import ORIGIN, World, world


def test_nobody_comes_in_unknown(edge: World) -> None:
    for headers in ({}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer x"}):
        answer = edge.client.get("/api/v1/whoami", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert edge.client.get("/rules", follow_redirects=False).headers["location"] == "/login"
    assert edge.client.get("/api/v1/openapi.json").status_code == 200


def test_a_token_that_was_taken_back_is_refused_at_once(edge: World) -> None:
    edge.log_in("dora")
    assert edge.client.get("/changes").status_code == 200
    listed = credentials.load(edge.file)
    credentials.store(edge.file, credentials.Listed(listed.key, listed.tokens[:1], ()))
    assert edge.call("GET", "/whoami", "dora").status_code == 401
    assert edge.client.get("/changes", follow_redirects=False).status_code == 303  # and so is its session
    assert edge.call("GET", "/whoami", "anna").status_code == 200


def test_a_file_of_credentials_that_cannot_be_read_lets_nobody_in(edge: World) -> None:
    edge.file.chmod(0o644)
    edge.file.touch()
    assert edge.call("GET", "/whoami").status_code == 503


def test_a_token_is_worth_no_more_than_it_says(tmp_path: Path) -> None:
    edge = world(tmp_path, roles={"anna": "viewer"})
    me = edge.call("GET", "/whoami").json()
    assert "push" not in me["verbs"]
    assert edge.call("PUT", "/freeze", json={"why": "x"}).status_code == 403


def test_who_guesses_has_to_wait_and_others_do_not(edge: World) -> None:
    wrong = {"authorization": "Bearer vdx_aaaaaaaa_" + "A" * 43}
    seen = [edge.client.get("/api/v1/whoami", headers=wrong).status_code for _ in range(12)]
    assert seen == [401] * int(pace.FAILURES.burst) + [429] * 2
    assert edge.client.post("/login", data={"token": "x"}).status_code == 429
    edge.now += 31
    assert edge.client.post("/login", data={"token": "x"}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin", "origin": ORIGIN}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_a_change_in_a_session_comes_from_our_own_page(edge: World, headers: dict[str, str], status: int) -> None:
    forms = edge.log_in("anna")
    told = {"why": "x"}
    answer = edge.client.put("/api/v1/freeze", json=told, headers={"x-forms": forms, **headers})
    assert answer.status_code == status


def test_a_change_in_a_session_carries_its_secret(edge: World) -> None:
    forms = edge.log_in("anna")
    assert edge.client.put("/api/v1/freeze", json={"why": "x"}).status_code == 403
    assert edge.client.post("/freeze", data={"why": "x"}).status_code == 403
    assert edge.client.post("/freeze", data={"why": "x", "forms": "A" + forms[1:]}).status_code == 403
    assert edge.client.post("/freeze", data={"why": "x", "forms": forms}, follow_redirects=False).status_code == 303


def test_a_session_ends_when_nobody_touches_it_and_at_the_end_of_the_day(edge: World) -> None:
    edge.log_in("dora")
    edge.now += sessions.IDLE_SECONDS - 1
    assert edge.client.get("/changes", headers={"x-live": "1"}).status_code == 200  # the page looks by itself
    edge.now += 2
    assert edge.client.get("/changes", headers={"x-live": "1"}).status_code == 401
    edge.log_in("dora")
    for _ in range(sessions.LONGEST_SECONDS // 1000):
        edge.now += 1000
        assert edge.client.get("/changes", follow_redirects=False).status_code == 200
    edge.now += 1000
    assert edge.client.get("/changes", follow_redirects=False).status_code == 303


def test_logging_out_ends_the_session_for_whoever_kept_its_cookie(edge: World) -> None:
    forms = edge.log_in("dora")
    kept = dict(edge.client.cookies)
    assert edge.client.post("/logout", data={"forms": forms}, follow_redirects=False).status_code == 303
    edge.client.cookies.update(kept)
    assert edge.client.get("/changes", follow_redirects=False).status_code == 303


def test_the_cookie_goes_nowhere_else(edge: World) -> None:
    answer = edge.client.post("/login", data={"token": edge.tokens["dora"]}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("__host-vdx=")
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= {each.strip() for each in cookie.split(";")}
    assert "domain" not in cookie


def test_a_certificate_lets_in_and_opens_a_session_at_the_page(edge: World) -> None:
    listed = credentials.load(edge.file)
    known = (Certificate("dora@edge.example", "dora"),)
    credentials.store(edge.file, credentials.Listed(listed.key, listed.tokens, known))
    asked = edge.client.app

    async def verified(scope: Scope, receive: Receive, send: Send) -> None:
        await asked({**scope, "client_names": ("dora@edge.example",)}, receive, send)

    client = TestClient(verified, base_url=ORIGIN)
    assert client.get("/api/v1/whoami").json()["name"] == "dora"
    assert client.get("/changes").status_code == 200
    assert "__Host-vdx" in client.cookies


def test_every_answer_has_the_headers_that_keep_a_page_safe(edge: World) -> None:
    for path in ("/login", "/api/v1/whoami", "/static/page.css", "/nowhere"):
        headers = edge.client.get(path).headers
        assert {name: headers[name] for name in HEADERS} == HEADERS, path
    assert "unsafe" not in HEADERS["content-security-policy"]
