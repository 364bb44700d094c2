from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec import structs

from gatewayd.web.page import views
from gatewayd.web.page.words import DANISH, preferred, speaking
from tests.gatewayd.config.bench import limited
from tests.gatewayd.config.sites import NORTH, replaced
from tests.gatewayd.web.world import CALL, LEASE, SITE, World
from vdx.pinhole import Listed, Refused

NORTH_TEXT = replaced(NORTH, (", files: [pcs.txt]", ""))
TEMPLATES = sorted((views.HOME / "templates").glob("*.html"))
SEEN_BY = {
    "anna": {"/", "/rules", "/agreements", "/changes", "/live", "/journal"},
    "dora": {"/", "/rules", "/agreements", "/changes", "/live", "/journal"},
    "bo": {"/", "/agreements", "/changes"},
}


@pytest.mark.parametrize("language", ["en", "da"])
@pytest.mark.parametrize("who", SEEN_BY)
def test_everybody_sees_their_pages_in_their_language(edge: World, who: str, language: str) -> None:
    edge.applied(NORTH_TEXT, "bo", "north")
    ref = edge.push(limited(4, SITE), "anna").json()["ref"] if who != "bo" else ""
    edge.log_in(who)
    accept = {"accept-language": f"{language}-DK,{language};q=0.9,de;q=0.8"}
    menu = edge.client.get("/", headers=accept).text
    assert set(re.findall(r'<li><a href="(/[a-z]*)"', menu)) >= SEEN_BY[who]
    for path in [*SEEN_BY[who], "/versions/1" if who != "bo" else "/versions/2", *([f"/changes/{ref}"] if ref else [])]:
        page = edge.client.get(path, headers=accept)
        assert page.status_code == 200, (path, page.text)
        assert f'<html lang="{language}">' in page.text
        assert speaking(language)("Skip to the content") in page.text  # type: ignore[arg-type]
    assert ('action="/cut"' in menu) == (who == "anna")


def test_what_waits_is_on_every_page_and_is_confirmed_there(edge: World) -> None:
    forms = edge.log_in("anna")
    ref = edge.push(limited(4, SITE)).json()["ref"]
    shown = edge.client.get(f"/changes/{ref}").text
    assert "limits.calls" in shown
    told = {"forms": forms, "candidate": ref, "confirm_within": "90"}
    assert edge.client.post("/apply", data=told, follow_redirects=False).status_code == 303
    for path in SEEN_BY["anna"]:
        assert 'data-countdown="90' in edge.client.get(path).text, path
    edge.client.post("/confirm", data={"forms": forms, "number": "2"})
    assert "data-countdown" not in edge.client.get("/").text
    assert edge.bench.keeper.state.waiting == []


def test_a_file_is_pushed_with_its_lists(edge: World) -> None:
    forms = edge.log_in("bo")
    files = [("file", ("n.yaml", NORTH.encode())), ("lists", ("pcs.txt", b"10.20.3.0/24\n"))]
    done = edge.client.post("/push", data={"forms": forms, "fragment": "north"}, files=files, follow_redirects=False)
    assert re.fullmatch(r"/changes/[0-9a-f]{64}", done.headers["location"])
    ref = done.headers["location"].rpartition("/")[2]
    kept = edge.call("GET", "/fragments/north", "bo", params={"candidate": ref}).json()
    assert (kept["text"], kept["lists"]) == (NORTH, {"pcs.txt": "10.20.3.0/24\n"})


def test_what_was_declined_says_why_on_a_page(edge: World) -> None:
    forms = edge.log_in("dora")
    answer = edge.client.post("/cut", data={"forms": forms, "kind": "peer", "name": "hospital", "why": "x"})
    assert answer.status_code == 403
    assert "may not ask for" in answer.text
    assert 'role="alert"' in answer.text
    answer = edge.client.post("/cut", data={"forms": forms, "kind": "house"})
    assert answer.status_code == 422
    assert edge.client.get("/changes/" + "0" * 64).status_code == 422
    edge.appliance.away = True
    assert "cannot be asked" in edge.client.get("/").text


def test_what_others_have_written_is_escaped(edge: World) -> None:
    edge.log_in("anna")
    edge.push(limited(4, SITE), why="<script>alert(1)</script>")
    shown = edge.client.get("/changes").text
    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown
    live = edge.client.get("/live").text
    assert "ward@&lt;hospital&gt;" in live
    assert "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567" in live


def test_a_call_is_ended_by_who_may(edge: World) -> None:
    forms = edge.log_in("carl")
    assert CALL in edge.client.get("/live").text
    edge.client.post("/end-call", data={"forms": forms, "call": CALL})
    assert any(getattr(each, "call", "") == CALL for each in edge.appliance.asked)
    edge.appliance.looks["calls"] = Refused(1, "unknown", "b2bua is away")
    assert "b2bua is away" in edge.client.get("/live").text


def test_rules_that_were_never_hit_are_marked(edge: World) -> None:
    edge.log_in("dora")
    assert 'class="never"' in edge.client.get("/rules").text
    assert "One rule has never been hit" in edge.client.get("/").text
    edge.appliance.hits = (3, 100)
    assert 'class="never"' not in edge.client.get("/rules").text


def test_a_long_table_is_cut_and_searched(edge: World) -> None:
    edge.log_in("dora")
    lease = LEASE.lease.split(".")[0]
    many = [structs.replace(LEASE, lease=f"{lease}.{number}") for number in range(views.MAX_ROWS + 7)]
    edge.appliance.looks["pinholes"] = Listed(1, tuple(many))
    page = edge.client.get("/live").text
    assert page.count(f"<code>{lease}.") == views.MAX_ROWS
    assert "7 lines more" in page
    assert edge.client.get("/live", params={"find": f"{lease}.206"}).text.count(f"<code>{lease}.") == 1
    assert edge.client.get("/rules", params={"find": "<b>"}).text.count("<b>") == 0


def test_who_clicks_after_the_session_is_over_logs_in_again(edge: World) -> None:
    forms = edge.log_in("anna")
    edge.client.cookies.clear()
    done = edge.client.post("/freeze", data={"forms": forms, "why": "x"}, follow_redirects=False)
    assert done.headers["location"] == "/login"
    edge.log_in("anna")  # another session: a form of the one before is refused on a page
    answer = edge.client.post("/freeze", data={"forms": forms, "why": "x"})
    assert answer.status_code == 403
    assert "load the page again" in answer.text


def test_the_switch_of_languages_stays_on_the_page(edge: World) -> None:
    edge.log_in("dora")
    done = edge.client.post("/language", data={"language": "da", "back": "/rules"}, follow_redirects=False)
    assert done.headers["location"] == "/rules"
    assert '<html lang="da">' in edge.client.get("/rules").text
    for bad in ("//evil.example", "https://evil.example", "/\\evil.example"):
        done = edge.client.post("/language", data={"language": "da", "back": bad}, follow_redirects=False)
        assert done.headers["location"] == "/"


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "da", "da"),
        ("", "en;q=0.5, da-DK;q=0.9", "da"),
        ("", "de, fr;q=0.9", "en"),
        ("en", "da", "en"),
        ("xx", "da;q=x", "en"),
        ("", "da;q=0", "en"),
    ],
)
def test_the_language_is_what_was_chosen_or_accepted(chosen: str, accepted: str, language: str) -> None:
    assert preferred(chosen, accepted) == language


def test_every_word_of_the_page_is_danish_too() -> None:
    texts = "".join(path.read_text() for path in TEMPLATES)
    used = set(re.findall(r't\("([^"]+)"', texts)) | {name for _, name, _ in views.MENU}
    spoken = used | VALUES
    assert spoken - DANISH.keys() == set()
    assert DANISH.keys() - spoken == set()
    for english, danish in DANISH.items():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", danish)), english


VALUES = {
    *("allow", "deny", "peer", "organisation", "token"),
    *("asked", "rejected", "planned", "running", "ended", "waiting", "replaced", "taken back"),
    *("candidate", "scheduled", "opened", "closed", "changed", "notice", "warning"),
}
"""What messages hold, and the page translates."""


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_script_and_no_style(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\son\w+=|style=|<style|<script(?! type=\"module\" src=)|\|\s*safe|https?://", text)
