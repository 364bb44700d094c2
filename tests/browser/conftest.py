"""The management page in a real browser, before a real gatewayd."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.gatewayd.edge import Edge, edge
from tests.gatewayd.web.running import WEB, Web, web

CHROMIUM = "/usr/bin/chromium"

expect.set_options(timeout=30_000)  # a busy machine's browser is slow, not wrong
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NORTH = """\
agreements:
  clients:
    north.pcs: {zone: sdn, prefixes: [10.9.2.0/24]}
  agreements:
    north.journal: {client: north.pcs, service: old.journal, starts: 2026-01-01}
"""
BLOCKS: dict[str, Any] = {
    "management": {
        "people": {
            "anna": {"role": "admin"},
            "carl": {"role": "operator"},
            "dora": {"role": "viewer"},
            "bo": {"role": "owner", "organisation": "north"},
        }
    },
    "delegations": {"north": {"networks": {"sdn": ["10.9.0.0/16"]}, "domains": ["north.example"]}},
    "policy": {
        "services": {"telnet": {"tcp": [23]}, "https": {"tcp": [443]}},
        "rules": [
            {"zone": "sdn", "into": "internet", "action": "deny", "services": ["telnet"]},
            {"zone": "sdn", "into": "internet", "action": "allow", "services": ["https"]},
        ],
    },
    "agreements": {
        "organisations": ["old"],
        "services": {
            "old.journal": {
                "organisation": "old",
                "zone": "internet",
                "endpoints": ["203.0.113.0/28"],
                "tcp": [8443],
                "description": "Records",
            }
        },
    },
}


@dataclass
class Place:
    """The appliance, the web program, and a way to open the page."""

    edge: Edge
    web: Web
    browser: Browser
    said: list[str]
    _opened: list[BrowserContext]

    def page(self, who: str = "", **more: Any) -> Page:
        """Open the page as somebody, in a browser of their own; without `who` at the login."""
        context = self.browser.new_context(ignore_https_errors=True, **more)
        context.set_default_timeout(15_000)
        self._opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: self.said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(f"{self.web.url}/login")
        if who:
            page.locator("#token").fill(self.web.tokens[who])
            page.keyboard.press("Enter")
            page.wait_for_selector("nav")
        return page

    def text(self, calls: int) -> str:
        """Give the base with another limit of calls."""
        site = {**self.edge.site, "limits": {"calls": calls, "streams_per_call": 4}}
        return yaml.safe_dump(site, sort_keys=False)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def _here(job: Callable[[], Any]) -> Any:
    return job()


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Edge, Web]]:
    with edge() as made:
        made.site.update(BLOCKS)
        made.start("--web", str(WEB))
        with web(made.directory / "web", made.run_dir, "127.0.0.1", _here, _here) as program:
            for name in BLOCKS["management"]["people"]:
                program.token(name)
            _, pushed = program.call("POST", "/candidates", "bo", {"fragment": "north", "text": NORTH})
            assert program.call("POST", f"/candidates/{pushed['ref']}/apply", "bo", {})[0] == 200
            yield made, program


@pytest.fixture
def place(running: tuple[Edge, Web], chromium: Browser) -> Iterator[Place]:
    made = Place(*running, chromium, [], [])
    yield made
    for context in made._opened:
        context.close()
    assert [each for each in made.said if "401" not in each and "403" not in each] == []


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Give where screenshots go: VDX_SHOTS names a directory that is kept."""
    kept = Path(os.environ.get("VDX_SHOTS", tmp_path))
    kept.mkdir(parents=True, exist_ok=True)
    return kept
