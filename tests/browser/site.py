"""The hub's pages in a real browser: served on loopback, with somebody logged in."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from hub import program
from hub.booking.office import Office
from hub.domain.model import Caller, Organisation
from hub.domain.words import Kind, Role
from hub.people import sessions
from hub.settings import BreakGlass, IdentityProvider, Mail, People, Post
from hub.store import organisations
from hub.store.database import Database
from tests.hub.issuer import Issuer
from tests.hub.world import settings

CHECKS = (Path(__file__).parent / "checks.js").read_text()

AXE = Path(__file__).parent / "axe" / "node_modules" / "axe-core" / "axe.min.js"
"""Rules that others wrote, and keep (`tools/setup` installs them)."""

RULES = """async () => {
  const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
  const found = await axe.run(document, { runOnly, resultTypes: ["violations"] });
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${rule.help}: ${node.html}`));
}"""

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

START_SECONDS = 30

WHOSE, ELSEWHERE = ("north", "south"), "https://login.example"
"""Whose logins are offered, and where: nobody goes there."""


@dataclass
class Site:
    """The hub at `address`, and the secret of somebody's session."""

    address: str
    secret: str
    browser: Browser

    def context(self, *, language: str = "en-GB", dark: bool = False, width: int = 1100) -> BrowserContext:
        """Open a browser of its own, logged in."""
        made = self.browser.new_context(
            base_url=self.address,
            locale=language,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",  # colours that are on their way have no contrast to be measured
            viewport={"width": width, "height": 800},
            timezone_id="Europe/Copenhagen",
        )
        made.set_default_timeout(10_000)
        cookie = {"name": sessions.COOKIE, "value": self.secret, "secure": True, "httpOnly": True, "sameSite": "Lax"}
        made.add_cookies([{**cookie, "url": self.address.replace("http:", "https:")}])  # type: ignore[typeddict-item]
        return made


def faults(page: Page) -> list[str]:
    """Tell what of a page is not for everybody: by our own checks, and by the rules of axe-core for WCAG 2.1 AA."""
    found: list[str] = page.evaluate(CHECKS)
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    broken: list[str] = page.evaluate(RULES)
    return found + broken


@contextmanager
def site(home: Path) -> Iterator[Site]:
    """Serve the hub's pages, and open a browser."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    address = f"http://localhost:{port}"
    jwks = home / "jwks.json"
    jwks.write_text(Issuer().jwks())
    post = Post(mail=Mail(host="127.0.0.1", sender="video@hub.example"))
    offered = [
        IdentityProvider(name=each, title=each, organisation=each, client="hub", issuer=ELSEWHERE) for each in WHOSE
    ]
    sealed = BreakGlass(seal=home / "seal", organisation="north")
    people = People(public=address, providers=tuple(offered), break_glass=sealed)
    configured = settings(f"sqlite:///{home}/hub.sqlite", jwks, people=people, post=post)
    program.prepare(configured)
    server = uvicorn.Server(uvicorn.Config(program.wire(configured), "127.0.0.1", port, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + START_SECONDS
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < until
        time.sleep(0.02)
    try:
        secret = asyncio.run(_settle(configured.database, Office(configured)))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(ARGUMENTS))
            yield Site(address, secret, browser)
            browser.close()
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)


async def _settle(url: str, office: Office) -> str:
    caller = Caller("north", "ida@north.example", frozenset({Role.PLANNER, Role.ADMIN}))
    database = Database(url)
    async with database.write() as connection:
        await organisations.add(connection, Organisation(0, "north", "North Hospital", Kind.ORGANISATION, None))
        secret = await sessions.begin(connection, office, caller, "login")
    await database.close()
    return secret
