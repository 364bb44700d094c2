"""Pages for people who book: what forms do, who sees what, and that nothing comes in by a text."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from hub.domain.standing import Language
from hub.people import guard
from hub.settings import Mail, Post
from hub.web.live import Presence
from hub.web.words import WORDS
from tests.hub.world import World
from vdx.bus import Watch
from vdx.placed import CALLS, PlacedCall
from vdx.placed import pages as placed_pages

PEOPLE = {"public": "https://hub.example"}
POST = Post(mail=Mail(host="127.0.0.1", sender="video@hub.example"), tell_portal=True)

pytestmark = pytest.mark.parametrize("world", [{"people": PEOPLE, "post": POST}], indirect=True)

FORM = {"subject": "Rounds", "date": "2026-11-03", "from": "09:00", "to": "10:00"}


@pytest.fixture(autouse=True)
def tree(world: World) -> None:
    world.organisation("north")
    world.organisation("ward", above="north")


class Browser:
    """Somebody with a browser, logged in."""

    def __init__(self, world: World, *roles: str, email: str | None = None) -> None:
        self._world = world
        self._headers = world.sign_in(*(roles or ("meeting-planner",)), email=email) | {"accept": "text/html"}
        self.token = self._headers.pop(guard.HEADER)

    def get(self, path: str, language: str = "en") -> httpx2.Response:
        headers = self._headers | {"accept-language": language}
        return self._world.client.get(path, headers=headers, follow_redirects=False)

    def send(self, path: str, **fields: str) -> httpx2.Response:
        data = {"csrf": self.token} | fields
        headers = self._headers | {"accept-language": "en"}
        return self._world.client.post(path, headers=headers, data=data, follow_redirects=False)

    def book(self, **fields: str) -> str:
        sent = self.send("/web/meetings/new", **(FORM | fields))
        assert sent.status_code == 303, sent.text
        return sent.headers["location"].partition("?")[0]


def test_a_meeting_is_booked_edited_and_deleted(world: World) -> None:
    browser = Browser(world)
    where = browser.book(description="Two\r\nlines", organized_by="ida@north.example")
    meeting = world.ask("GET", f"/v2{where.removeprefix('/web')}", "meeting-planner").json()
    assert (meeting["startTime"], meeting["endTime"]) == ("2026-11-03T08:00:00Z", "2026-11-03T09:00:00Z")
    assert (meeting["organizedBy"]["email"], meeting["description"]) == ("ida@north.example", "Two\nlines")
    assert "Rounds" in browser.get("/web?day=2026-11-05").text
    assert "Rounds" not in browser.get("/web?day=2026-11-12").text
    assert "Rounds" in browser.get("/web?search=ound").text
    form = browser.get(f"{where}/edit").text
    assert 'value="09:00"' in form
    sent = browser.send(f"{where}/edit", **(FORM | {"subject": "Late rounds", "from": "23:30", "to": "00:30"}))
    assert sent.headers["location"] == f"{where}?said=changed"
    meeting = world.ask("GET", f"/v2{where.removeprefix('/web')}", "meeting-planner").json()
    assert (meeting["subject"], meeting["endTime"]) == ("Late rounds", "2026-11-03T23:30:00Z")
    assert meeting["organizedBy"]["email"] == "ida@north.example"
    assert browser.send(f"{where}/delete").headers["location"] == "/web?said=deleted"
    assert browser.get(where).status_code == 404


def test_faults_of_a_form_stand_at_their_fields(world: World) -> None:
    browser = Browser(world)
    sent = browser.send("/web/meetings/new", subject="", date="soon", **{"from": "9", "to": ""}, description="x" * 501)
    assert sent.status_code == 400
    for name in ("subject", "date", "from", "to", "description"):
        assert f'aria-describedby="{name}-wrong"' in sent.text
    assert browser.send("/web/meetings/new", **(FORM | {"to": "09:00"})).status_code == 400
    assert browser.send("/web/meetings/new", **(FORM | {"date": "9999-12-31"})).status_code == 400
    refused = browser.send("/web/meetings/new", **(FORM | {"subject": "CPR 010203-1234"}))
    assert (refused.status_code, 'role="alert"' in refused.text) == (400, True)


def test_texts_stay_texts(world: World) -> None:
    browser = Browser(world, "meeting-planner", "meeting-admin")
    evil = "<script>alert(1)</script>"
    where = browser.book(subject=evil, description=evil)
    for path in (
        where,
        f"{where}/edit",
        "/web?day=2026-11-03",
        f"/web?search={evil}",
        "/web/templates",
        "/web/share",
        "/web/rooms",
    ):
        found = browser.get(path)
        assert found.status_code == 200, found.text
        assert "<script>" not in found.text
        assert "object at" not in found.text
        policy = found.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"\son[a-z]+=|style=", found.text)


def test_every_page_needs_somebody_and_every_form_its_token(world: World) -> None:
    where = Browser(world).book()
    for path in ("/web", where, "/web/meetings/new", "/web/rooms", "/web/templates", "/web/share"):
        sent = world.client.get(path, headers={"accept": "text/html"}, follow_redirects=False)
        assert (sent.status_code, sent.headers["location"].partition("?")[0]) == (303, "/people/login")
    browser = Browser(world)
    browser.token = "0" * 64
    for path in ("/web/meetings/new", f"{where}/edit", f"{where}/delete", f"{where}/end", f"{where}/invitations"):
        assert browser.send(path, **FORM).status_code == 403
    user = Browser(world, "meeting-user", email="other@north.example")
    assert user.get(where).status_code == 403
    assert user.get("/web/templates").status_code == 403
    assert "Rounds" not in user.get("/web?day=2026-11-03").text


def test_browsers_are_answered_in_pages_and_programs_in_json(world: World) -> None:
    browser = {"accept": "text/html", "accept-language": "da"}
    for path in ("/web/nothing", "/nothing", "/people/break-glass"):
        found = world.client.get(path, headers=browser)
        assert (found.status_code in {403, 404}, '<html lang="da">' in found.text) == (True, True), path
    assert "Der er ingen forseglet konto" in found.text
    for path in ("/v2/nothing", "/nothing"):
        assert world.client.get(path, headers={"accept": "*/*"}).json()["status"] == 404
    assert world.client.get("/v2/nothing", headers=browser).json()["status"] == 404


def test_both_languages(world: World) -> None:
    browser = Browser(world)
    assert '<html lang="da">' in browser.get("/web", "da").text
    english = browser.get("/web", "en")
    assert "Book a meeting" in english.text
    chosen = browser.get("/web/language/da?next=/web/rooms")
    assert chosen.headers["location"] == "/web/rooms"
    assert "vdx-language=da" in chosen.headers["set-cookie"]
    assert browser.get("/web/language/da?next=//evil.example").headers["location"] == "/"
    assert browser.get("/web/language/de").status_code == 400
    assert WORDS[Language.DANISH].keys() == WORDS[Language.ENGLISH].keys()
    assert all(all(words.values()) for words in WORDS.values())


def test_who_opens_and_joins_is_seen(world: World) -> None:
    browser = Browser(world)
    where = browser.book()
    sent = browser.send(f"{where}/invitations", recipient="per@out.example", name="Per", language="da")
    assert sent.headers["location"] == f"{where}?said=invited#invited"
    uuid = where.rpartition("/")[2]

    def invited() -> Any:
        return world.ask("GET", f"/services/v2/meeting/{uuid}/invitation", "meeting-planner").json()[0]

    token = invited()["token"]
    link = f"/s/{token}"
    world.client.head(link, follow_redirects=False)
    world.client.get(link, headers={"sec-purpose": "prefetch"}, follow_redirects=False)
    assert invited()["openedTime"] is None
    led = world.client.get(link, follow_redirects=False)
    room = world.room(uuid)
    assert (led.status_code, led.headers["location"]) == (302, f"{room['portalLink']}&invitation={token}")
    assert (invited()["openedTime"] is not None, invited()["joinedTime"]) == (True, None)
    assert world.client.post(f"{link}/joined").status_code == 204
    assert invited()["joinedTime"] is not None
    assert world.client.post(f"/s/{'a' * 16}/joined").status_code == 404
    shown = browser.get(where).text
    assert "per@out.example" in shown
    refused = browser.send(f"{where}/invitations", recipient="nobody@", name="P")
    assert (refused.status_code, 'value="nobody@"' in refused.text) == (400, True)
    assert browser.send(f"{where}/invitations/{token}/withdraw").status_code == 303
    assert world.client.get(link).status_code == 404


def test_short_links_lead_to_the_portal_while_there_is_a_room(world: World) -> None:
    made = world.book()
    link = f"/s/{made['shortId']}"
    led = world.client.get(link, follow_redirects=False)
    assert led.headers["location"] == world.room(made["uuid"])["portalLink"]
    for status in ("STARTING_TO_PROVISION", "PROVISIONED_OK", "STARTING_TO_DEPROVISION"):
        assert world.report(made["uuid"], status, provisionVmrId="1").status_code == 200
    over = world.client.get(link, headers={"accept-language": "da"}, follow_redirects=False)
    assert (over.status_code, "Mødet er slut" in over.text) == (410, True)
    assert world.client.get("/s/000000000000").status_code == 404
    assert "There is no such link" in world.client.get("/s/none", headers={"accept-language": "en"}).text


def test_a_running_meeting_is_ended_and_shows_who_is_there(world: World) -> None:
    browser = Browser(world)
    where = browser.book()
    uuid = where.rpartition("/")[2]
    for status in ("STARTING_TO_PROVISION", "PROVISIONED_OK"):
        world.report(uuid, status, provisionVmrId="1")
    calls = Watch(CALLS)
    app = world.client.app
    assert isinstance(app, FastAPI)
    app.state.hub = replace(app.state.hub, presence=Presence(calls))
    assert "In the meeting now" not in browser.get(f"{where}/live").text
    calls.synced = True
    placed = [PlacedCall(call=str(at), since=0.0, room=room) for at, room in enumerate((uuid, uuid, "other"))]
    calls.records.update(placed_pages("e", placed))
    assert Presence(calls).count(UUID(uuid)) == 2
    assert re.search(r"In the meeting now:</strong>\s*2", browser.get(f"{where}/live").text)
    assert "End the meeting now" not in browser.get(where).text
    world.clock.now = world.clock.now.replace(day=3, hour=8, minute=30)
    browser = Browser(world)
    assert "End the meeting now" in browser.get(where).text
    assert browser.send(f"{where}/end").status_code == 303
    assert (
        world.ask("GET", f"/v2{where.removeprefix('/web')}", "meeting-planner").json()["endTime"]
        == "2026-11-03T08:30:00Z"
    )


def test_what_people_are_written_and_the_share(world: World) -> None:
    browser = Browser(world, "meeting-admin", "meeting-planner")
    browser.book()
    place = {"occasion": "invitation", "channel": "mail", "language": "en"}
    assert browser.send("/web/templates", **place, subject="Come", text="Dear #Nobody#").status_code == 400
    assert browser.send("/web/templates", **place, subject="Come", text="Dear #Fullname#").status_code == 303
    assert "Dear #Fullname#" in browser.get("/web/templates").text
    assert browser.send("/web/templates", **place, text="").status_code == 303
    assert "Dear #Fullname#" not in browser.get("/web/templates").text
    shown = browser.get("/web/share?month=2026-11").text
    assert "The ward" in shown
    assert "<meter" in shown
    assert browser.get("/web/share?month=2026-13").status_code == 404
    assert browser.get("/web/static/style.css").headers["content-type"].startswith("text/css")
    assert browser.get("/web/static/other.css").status_code == 404
