"""Booking in a real browser: by keyboard alone, in both languages, light and dark, on large and small screens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import Site, faults, site

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as served:
        yield served


def to(page: Page, name: str) -> None:
    """Go on by Tab until something with this name has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const at = document.activeElement;"
            " return at.labels && at.labels.length ? at.labels[0].textContent : at.textContent.trim(); }"
        )
        if focused == name:
            outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"{name} does not show that it has the focus"
            return
    raise AssertionError(f"{name} is not reached by keyboard")


def enter(page: Page) -> None:
    """Press Enter, and wait for the page it leads to."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_a_meeting_is_booked_edited_and_shared_by_keyboard_alone(hub: Site) -> None:
    context = hub.context()
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/web")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    to(page, "Book a meeting")
    enter(page)
    to(page, "Subject")
    page.keyboard.type("Morning rounds")
    to(page, "From")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")  # a minute later: so it is in any language of the browser, at any time of the day
    to(page, "Description")
    page.keyboard.type("Bring notes")
    begin, end = page.locator("#from").input_value(), page.locator("#to").input_value()
    assert begin.endswith(":01")
    assert end == f"{(int(begin[:2]) + 1) % 24:02}:01"  # the end follows the beginning
    page.keyboard.press("Tab")
    to(page, "Book a meeting")
    enter(page)
    expect(page.get_by_role("status")).to_have_text("The meeting is booked.")
    to(page, "Edit")
    enter(page)
    to(page, "Subject")
    page.keyboard.press("Control+A")
    page.keyboard.type("Evening rounds")
    enter(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Evening rounds")
    to(page, "Mail address or telephone number")
    page.keyboard.type("per@out.example")
    to(page, "Name")
    page.keyboard.type("Per")
    enter(page)
    expect(page.get_by_role("row", name="Per per@out.example")).to_contain_text("on its way")
    assert complaints == []
    context.close()


def test_a_form_says_what_is_missing_and_goes_there(hub: Site) -> None:
    context = hub.context()
    page = context.new_page()
    page.goto("/web/meetings/new")
    page.evaluate("() => document.querySelector('main form').noValidate = true")
    page.get_by_role("button", name="Book a meeting").click()
    expect(page.locator("#subject-wrong")).to_have_text("Fill in this field.")
    expect(page.locator("#subject")).to_be_focused()
    assert faults(page) == []
    context.close()


PAGES = (
    "/web",
    "/web?search=nothing",
    "/web/meetings/new",
    "/web/rooms",
    "/web/templates",
    "/web/share",
    "/web/nothing",
    "/s/none",
    "/reports/usage",
    "/reports/old-callers",
    "/people/login",
    "/people/break-glass",
    "/healthcheck",
)


@pytest.mark.parametrize(("language", "width"), [("da-DK", 1280), ("en-GB", 390)])
def test_pages_are_for_everybody(hub: Site, tmp_path: Path, language: str, width: int) -> None:
    context = hub.context(language=language, width=width)
    page = context.new_page()
    page.goto("/web/meetings/new")
    page.locator("#subject").fill("Et meget langt emne " * 4)
    page.locator("main form button").click()
    shown = page.url
    page.locator("#recipient").fill("per@out.example")
    page.locator("#recipient").press("Enter")
    page.wait_for_url("**said=invited**")
    for number, at in enumerate((*PAGES, shown, f"{shown.partition('?')[0]}/edit")):
        page.goto(at)
        assert page.locator("html").get_attribute("lang") == language[:2]
        assert "object at" not in page.content()
        assert page.locator("main p, main li, main label").count(), f"{at} is empty"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=tmp_path / f"{number}-{scheme}.png", full_page=True)
            assert faults(page) == [], (at, scheme)
    page.goto("/web?search=nothing")
    page.locator(".who a").click()  # the other language, and still the same page
    expect(page.locator("html")).to_have_attribute("lang", "en" if language == "da-DK" else "da")
    expect(page.locator("#search")).to_have_value("nothing")
    context.close()


def test_the_rules_find_what_is_wrong(hub: Site) -> None:
    context = hub.context()
    page = context.new_page()
    page.goto("/web")
    page.evaluate("() => document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=x><a href=/></a>')")
    found = "\n".join(faults(page))
    assert "image-alt" in found
    assert "link-name" in found
    context.close()
