from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Place
from tests.gatewayd.test_restart_system import LEASE, open_stream
from vdx.pinhole import Release

pytestmark = pytest.mark.system

CONTRAST = """
() => {
  const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const found = parts(getComputedStyle(each).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
    if (element.closest("option, script")) continue;
    const [one, two] = [light(parts(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (ratio < 4.5) low.push(`${walker.currentNode.data.trim()} ${ratio.toFixed(2)}`);
  }
  return low;
}
"""
"""Texts whose contrast is below what WCAG 2.2 asks of them (1.4.3, level AA)."""

UNNAMED = """
() => [...document.querySelectorAll("input:not([type=hidden]), select, button, a")]
  .filter((each) => !(each.innerText || each.ariaLabel || each.labels?.length))
  .map((each) => each.outerHTML)
"""
"""Controls that have no name for who cannot see them (4.1.2)."""


def pushed(place: Place, calls: int) -> str:
    _, situation = place.web.call("GET", "/situation", "anna")
    expected = next(each["ref"] for each in situation["fragments"] if each["name"] == "base")
    said = {"fragment": "base", "text": place.text(calls), "expected": expected, "why": f"{calls} calls"}
    status, candidate = place.web.call("POST", "/candidates", "anna", said)
    assert status == 200, candidate
    return str(candidate["ref"])


def focused(page: Page) -> str:
    return str(page.evaluate("() => document.activeElement.innerText || document.activeElement.name || ''")).strip()


def tab_to(page: Page, name: str) -> None:
    """Go to a control by the keyboard alone."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if focused(page) == name:
            return
    raise AssertionError(f"{name!r} cannot be reached by the keyboard")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "da"])
def test_every_page_can_be_read_in_both_languages_by_light_and_dark(
    place: Place, shots: Path, scheme: str, language: str
) -> None:
    ref = pushed(place, 51)
    page = place.page("anna", color_scheme=scheme, locale=language, viewport={"width": 1280, "height": 900})
    for path in ("/", "/rules", "/agreements", "/changes", f"/changes/{ref}", "/versions/1", "/live", "/journal"):
        page.goto(place.web.url + path)
        assert page.evaluate("() => document.documentElement.lang") == language
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate(CONTRAST) == [], path
        assert page.evaluate(UNNAMED) == [], path
        assert page.evaluate("() => new Set([...document.querySelectorAll('[id]')].map((e) => e.id)).size") == (
            page.locator("[id]").count()
        )
        name = path.split("/")[1] + ("-one" if path.count("/") > 1 else "")
        page.screenshot(path=shots / f"{name or 'status'}-{language}-{scheme}.png", full_page=True)


def test_a_version_is_applied_and_confirmed_by_the_keyboard_while_the_clock_runs(place: Place, shots: Path) -> None:
    ref = pushed(place, 60)
    page = place.page("anna")
    page.goto(f"{place.web.url}/changes/{ref}")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "content"
    tab_to(page, "confirm_within")
    page.keyboard.press("Control+a")
    page.keyboard.type("61")
    tab_to(page, "Apply")
    page.keyboard.press("Enter")
    clock = page.locator(".clock")
    expect(clock).to_be_visible()
    first = clock.inner_text()
    expect(clock).not_to_have_text(first)
    expect(page.locator("#said")).to_contain_text("60 seconds left to confirm")
    page.screenshot(path=shots / "waiting.png", full_page=True)
    tab_to(page, "Confirm")
    page.keyboard.press("Enter")
    expect(clock).to_have_count(0)
    _, situation = place.web.call("GET", "/situation", "anna")
    assert situation["waiting"] == []


def test_what_is_not_confirmed_goes_back_and_the_page_says_so(place: Place) -> None:
    page = place.page("anna")
    _, before = place.web.call("GET", "/situation", "anna")
    ref = pushed(place, 70)
    assert place.web.call("POST", f"/candidates/{ref}/apply", "anna", {"confirm_within": 4})[0] == 200
    expect(page.locator(".clock")).to_be_visible()  # somebody else's, and nobody has loaded the page anew
    expect(page.locator(".clock")).to_have_count(0)
    expect(page.locator("#status")).to_contain_text(f"Version {before['number']} runs")


def test_an_agreement_is_asked_for_and_answered(place: Place, shots: Path) -> None:
    page = place.page("bo")
    page.goto(f"{place.web.url}/agreements")
    page.get_by_label("Name").fill("north.second")
    page.get_by_label("Why").last.fill("more records")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_label("Confirm within").fill("100")
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("button", name="Confirm").click()
    page.goto(f"{place.web.url}/agreements")
    row = page.get_by_role("row", name="north.second")
    expect(row).to_contain_text("asked")
    admin = place.page("anna", locale="da")
    admin.goto(f"{place.web.url}/agreements")
    row = admin.get_by_role("row", name="north.second")
    row.locator("summary").click()
    admin.screenshot(path=shots / "agreements-answer-da.png", full_page=True)
    row.get_by_role("button", name="Godkend aftalen north.second").click()
    admin.get_by_label("straks, uden at vente på bekræftelse").check()
    admin.get_by_role("button", name="Tag i brug").click()
    admin.wait_for_url("**/changes")
    expect(page.get_by_role("row", name="north.second")).to_contain_text("running")  # by itself


def test_who_comes_in_with_a_wrong_token_is_told_and_the_language_can_be_chosen(place: Place, shots: Path) -> None:
    page = place.page()
    assert page.evaluate("() => document.activeElement.id") == "token"
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("unknown")
    page.get_by_role("button", name="Dansk").click()
    expect(page.locator("h1")).to_have_text("Log ind")
    page.screenshot(path=shots / "login-da.png")
    page.locator("#token").fill(place.web.tokens["dora"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log ud")).to_be_visible()
    assert page.get_by_role("button", name="Afskær").count() == 0  # a viewer
    page.get_by_role("button", name="Log ud").click()
    expect(page.locator("#token")).to_be_visible()


def test_the_page_works_without_javascript(place: Place) -> None:
    page = place.page("anna", java_script_enabled=False)
    ref = pushed(place, 80)
    page.goto(f"{place.web.url}/changes/{ref}")
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("button", name="Take back").click()
    assert page.locator(".clock").count() == 0


def test_a_small_screen_scrolls_tables_and_not_the_page(place: Place, shots: Path) -> None:
    page = place.page("anna", viewport={"width": 360, "height": 740})
    for path in ("/", "/rules", "/agreements", "/live", "/journal"):
        page.goto(place.web.url + path)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), path
        page.screenshot(path=shots / f"small-{path.strip('/') or 'status'}.png", full_page=True)


def test_pinholes_and_bans_come_and_go_while_one_looks(place: Place, shots: Path) -> None:
    page = place.page("anna")
    page.goto(f"{place.web.url}/rules")
    expect(page.locator("tr.never .tag.warn").first).to_have_text("never")
    page.goto(f"{place.web.url}/live")
    expect(page.locator("#pinholes")).to_have_text("No pinholes are open.")
    expect(page.locator("#bans")).to_have_text("Nobody is banned.")
    owner = place.edge.owner()
    for one in open_stream(place.edge, owner)[:2]:
        one.close()
    place.edge.ctl("ban", "203.0.113.77", "--seconds", "3600", "--reason", "guesses")
    expect(page.locator("#pinholes th[scope=row]")).to_have_text(LEASE)
    expect(page.locator("#bans th[scope=row]")).to_have_text("203.0.113.77")
    assert page.evaluate(CONTRAST) == []
    page.screenshot(path=shots / "live-rows.png", full_page=True)
    place.edge.ctl("unban", "203.0.113.77")
    owner.ask(Release(2, (LEASE,)))
    expect(page.locator("#bans")).to_have_text("Nobody is banned.")
    expect(page.locator("#pinholes")).to_have_text("No pinholes are open.")
