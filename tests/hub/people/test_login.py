"""People log in at the identity provider of their organisation, and nobody else does."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from hub.people import guard, routes, seal, sessions
from hub.settings import People
from hub.store.tables import outbox
from tests.hub.issuer import Issuer
from tests.hub.people.identity import ISSUER, SECRET, IdentityServer, path_of
from tests.hub.world import World, settings

PERSON = {"email": "Anna@north.example", "userrole": ["meeting-planner"]}


@pytest.fixture(scope="module")
def key() -> Any:
    return IdentityServer().key


@pytest.fixture
def identity(key: Any) -> IdentityServer:
    return IdentityServer(person=dict(PERSON), key=key)


@pytest.fixture
def world(database_url: str, issuer: Issuer, tmp_path: Path, identity: IdentityServer) -> Iterator[World]:
    (tmp_path / "jwks.json").write_text(issuer.jwks())
    (tmp_path / "secret").write_text(SECRET + "\n")
    north = {
        "name": "north",
        "title": "Region North",
        "organisation": "north",
        "issuer": ISSUER,
        "client": "hub",
        "secret": str(tmp_path / "secret"),
        "organisation_claim": "org",
        "second_factor_acr": ("gold",),
    }
    people = People.model_validate(
        {
            "public": "https://hub.example",
            "providers": (north, north | {"name": "other", "title": "Other <login>"}),
            "break_glass": {"seal": str(tmp_path / "seal"), "organisation": "north"},
        }
    )
    configured = settings(database_url, tmp_path / "jwks.json", people=people)
    with World.over(configured, issuer, identity.connection) as made:
        made.organisation("north")
        made.organisation("ward", above="north")
        made.organisation("south")
        identity.person["org"] = "ward"
        yield made


@dataclass
class Browser:
    """Keeps cookies, and goes where it is sent."""

    world: World
    identity: IdentityServer
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> httpx2.Response:
        return self.send("GET", path)

    def send(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        headers = {
            "accept": "text/html",
            "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        headers |= arguments.pop("headers", {})
        answer = self.world.client.request(method, path, headers=headers, follow_redirects=False, **arguments)
        for each in answer.headers.get_list("set-cookie"):
            for name, cookie in SimpleCookie(each).items():
                assert (cookie["secure"], cookie["httponly"], cookie["path"]) == (True, True, "/")
                assert cookie["samesite"] == "lax"
                self.cookies[name] = cookie.value
        return answer

    def provider(self, address: str) -> str:
        """Follow to the provider; gives where it sends the browser."""

        async def ask() -> str:
            async with self.identity.connection() as client:
                answer = await client.get(address)
                return answer.headers["location"]

        return path_of(self.world.run(ask))

    def log_in(self, path: str = "/people/login?provider=north&next=/meetings") -> httpx2.Response:
        answer = self.get(path)
        while answer.is_redirect and answer.headers["location"].startswith(ISSUER):
            answer = self.get(self.provider(answer.headers["location"]))
        return answer


@pytest.fixture
def browser(world: World, identity: IdentityServer) -> Browser:
    return Browser(world, identity)


def told(world: World) -> list[dict[str, Any]]:
    async def read(connection: Any) -> list[dict[str, Any]]:
        found = await connection.execute(select(outbox.c.message).where(outbox.c.subject == "audit"))
        return [message["auditEvent"] for message in found.scalars()]

    return world.change(read)


def test_somebody_logs_in_and_out(browser: Browser, identity: IdentityServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hub"):
        answer = browser.log_in()
    assert re.search(r"login\.done person=[0-9a-f]{24} provider=north organisation=ward", caplog.text)
    assert "anna@" not in caplog.text.lower()
    assert (answer.status_code, answer.headers["location"]) == (303, "/meetings")
    (asked,) = identity.asked
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "https://hub.example/people/callback"
    secret = browser.cookies[sessions.COOKIE]
    found = browser.world.change(lambda connection: sessions.find(connection, browser.world.office, secret))
    assert found is not None
    assert (found.organisation, found.email) == ("ward", "anna@north.example")
    assert secret not in str(found)
    assert browser.send("POST", "/people/logout").status_code == 403  # not from our form
    left = browser.send("POST", "/people/logout", headers={guard.HEADER: sessions.form_token(secret)})
    assert left.headers["location"].startswith(f"{ISSUER}/bye?client_id=hub")
    assert browser.cookies[sessions.COOKIE] == ""
    gone = browser.world.change(lambda connection: sessions.find(connection, browser.world.office, secret))
    assert gone is None
    assert [each["operation"] for each in told(browser.world)] == ["create", "delete"]


@pytest.mark.parametrize("named", [{"sub": "anna-1"}, {"sub": "anna-1", "sid": "s-1"}, {"sub": None, "sid": "s-1"}])
def test_a_provider_ends_sessions(browser: Browser, identity: IdentityServer, named: dict[str, Any]) -> None:
    identity.person |= {"sub": "anna-1", "sid": "s-1"}
    browser.log_in()
    secret = browser.cookies[sessions.COOKIE]
    identity.person |= {"sub": "bodil-1", "sid": "s-2", "email": "bodil@north.example"}
    other = Browser(browser.world, identity)
    other.log_in()
    token = identity.farewell(**named)
    wrong = browser.send("POST", "/people/logout/other", data={"logout_token": token})
    assert wrong.status_code == 200  # that provider knows nobody of the name
    ended = browser.send("POST", "/people/logout/north", data={"logout_token": token})
    assert (ended.status_code, ended.headers["cache-control"]) == (200, "no-store")

    def there(secret: str) -> bool:
        found = browser.world.change(lambda connection: sessions.find(connection, browser.world.office, secret))
        return found is not None

    assert (there(secret), there(other.cookies[sessions.COOKIE])) == (False, True)
    assert [each["operation"] for each in told(browser.world)] == ["create", "create", "delete"]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "portal"},
        {"events": None},
        {"events": {}},
        {"events": "http://schemas.openid.net/event/backchannel-logout"},
        {"nonce": "n"},
        {"sub": None},
        {"iat": 1},
        {"iat": None},
        {"exp": 1},
    ],
)
def test_a_logout_that_is_none_ends_nothing(browser: Browser, identity: IdentityServer, claims: dict[str, Any]) -> None:
    identity.person |= {"sub": "anna-1"}
    browser.log_in()
    refused = browser.send("POST", "/people/logout/north", data={"logout_token": identity.farewell(**claims)})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    for path, body in (("north", {"logout_token": "x"}), ("north", {}), ("nobody", {"logout_token": "x"})):
        assert browser.send("POST", f"/people/logout/{path}", data=body).status_code == 400
    assert len(told(browser.world)) == 1


def test_who_has_a_choice_is_asked(browser: Browser) -> None:
    page = browser.get("/people/login?next=/meetings%3Fday=2")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert 'href="/people/login?provider=north&amp;next=%2Fmeetings%3Fday%3D2"' in page.text
    assert "Other &lt;login&gt;" in page.text
    english = browser.send("GET", "/people/login", headers={"accept-language": "en-GB,da;q=0.5"})
    assert '<html lang="en">' in english.text


ADMIN = {"userrole": ["meeting-admin"]}


def test_an_administrator_shows_a_second_factor(browser: Browser, identity: IdentityServer) -> None:
    identity.person |= ADMIN | {"acr": "gold"}
    assert browser.log_in().status_code == 303
    identity.person |= {"acr": "1", "amr": ["pwd", "otp"]}
    assert browser.log_in().status_code == 303
    identity.asked.clear()
    identity.person |= {"amr": ["pwd"]}
    refused = browser.log_in()
    assert refused.status_code == 403
    assert "ekstra faktor" in refused.text
    assert [each.get("acr_values") for each in identity.asked] == [None, "gold"]  # it was asked for, once
    assert identity.asked[1]["prompt"] == "login"


def test_a_provider_speaks_for_its_own_part_of_the_tree(browser: Browser, identity: IdentityServer) -> None:
    for organisation in ("south", "nowhere"):
        identity.person["org"] = organisation
        refused = browser.log_in()
        assert refused.status_code == 403
        assert "organisation er ikke kendt her" in refused.text
    identity.person["org"] = "ward"
    identity.forged = {"nonce": "another"}
    assert browser.log_in().status_code == 403
    assert sessions.COOKIE not in browser.cookies


def test_an_answer_counts_once_and_in_its_browser(browser: Browser, identity: IdentityServer) -> None:
    back = browser.provider(browser.get("/people/login?provider=north").headers["location"])
    assert Browser(browser.world, identity).get(back).status_code == 403  # another browser
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 403
    back = browser.provider(browser.get("/people/login?provider=north").headers["location"])
    assert browser.get(back.replace("state=", "state=x")).status_code == 403
    back = browser.provider(browser.get("/people/login?provider=north").headers["location"])
    browser.world.clock.turn(minutes=11)
    assert browser.get(back).status_code == 403
    browser.get("/people/login?provider=north")
    assert browser.get("/people/callback?error=access_denied&state=x").status_code == 403


def test_a_crowd_pushes_out_who_is_longest_on_the_way(
    browser: Browser, identity: IdentityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MOST_PENDING", 2)
    first = browser.provider(browser.get("/people/login?provider=north").headers["location"])
    for _ in range(2):
        browser.world.clock.turn(seconds=1)
        last = Browser(browser.world, identity)
        back = last.provider(last.get("/people/login?provider=north").headers["location"])
    assert browser.get(first).status_code == 403
    assert last.get(back).status_code == 303


def test_a_provider_rotates_its_keys_and_may_be_away(browser: Browser, identity: IdentityServer) -> None:
    identity.away = True
    assert browser.log_in().status_code == 503
    identity.away = False
    assert browser.log_in().status_code == 303
    identity.rotate()
    browser.world.monotonic.turn(seconds=11)
    assert browser.log_in().status_code == 303
    identity.away = True
    browser.world.monotonic.turn(hours=2)
    assert browser.log_in().status_code == 303  # what it said before still counts


def test_the_sealed_account_alarms(browser: Browser, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    form = {"passphrase": "guess"}
    assert browser.send("POST", "/people/break-glass", data=form).status_code == 403  # not sealed yet
    passphrase = seal.make(tmp_path / "seal")
    assert passphrase.replace("-", "") not in (tmp_path / "seal").read_text()
    assert browser.send("POST", "/people/break-glass", data=form).status_code == 403
    evil = {"origin": "https://evil.example"}
    form = {"passphrase": passphrase.upper().replace("-", " ")}
    assert browser.send("POST", "/people/break-glass", data=form, headers=evil).status_code == 403
    assert told(browser.world) == []
    with caplog.at_level(logging.CRITICAL):
        assert browser.send("POST", "/people/break-glass", data=form).status_code == 303
    assert "break-glass.used" in caplog.text
    assert passphrase not in caplog.text
    assert [each["resource"] for each in told(browser.world)] == ["breakGlass", "session"]
    assert 'method="post"' in browser.get("/people/break-glass").text
    seal.make(tmp_path / "seal")
    assert browser.send("POST", "/people/break-glass", data=form).status_code == 403
