"""A keeper with clocks that a test moves and a machine that takes what it is told to take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from gatewayd.config.answers import Answers
from gatewayd.config.disk import Directory
from gatewayd.config.file import ActiveFile, Seen
from gatewayd.config.keeper import Keeper
from gatewayd.errors import VersionError
from tests.gatewayd.config.sites import BASE_TEXT
from vdx import versions
from vdx.proof import ProofReport
from vdx.site.source import LoadedSite
from vdx.versions import BASE, Declined, Principal

T = TypeVar("T")
NOON = 1_800_000_000.0


@dataclass
class Bench:
    """One appliance: what it makes active is in `active`; `refuses` has the machine refuse the next so many."""

    root: Path
    text: str = BASE_TEXT
    now: float = NOON
    up: float = 1_000.0
    refuses: int = 0
    active: list[LoadedSite] = field(default_factory=list)
    proofs: list[ProofReport] = field(default_factory=list)
    on_activate: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        """Write the site file and open what is on the disk."""
        self.root.mkdir(exist_ok=True)
        self.file = self.root / "site.yaml"
        if not self.file.exists():
            self.file.write_text(self.text)
        self.open()

    def open(self) -> None:
        """Start the program anew on the same disk."""
        self.keeper = Keeper(
            Directory(self.root / "versions"),
            Seen(self.file),
            self.activate,
            lambda: self.now,
            lambda: self.up,
            ActiveFile(self.root),
        )
        self.answers = Answers(self.keeper, self.prove)

    async def activate(self, loaded: LoadedSite) -> None:
        """Take a site, or refuse it."""
        self.on_activate()
        if self.refuses:
            self.refuses -= 1
            raise VersionError("the kernel refuses this transaction")
        self.active.append(loaded)

    async def prove(self, candidate: LoadedSite, _running: LoadedSite) -> ProofReport:
        """Give the next report that the test has made."""
        return self.proofs.pop(0) if self.proofs else ProofReport(candidate.version, 10, 0.1)

    async def start(self) -> LoadedSite:
        """Start as gatewayd does."""
        return await self.keeper.start(self.activate)

    async def ask(self, request: versions.AboutVersions, *, local: bool = False) -> Any:
        """Ask something."""
        return await self.answers.ask(request, local=local)

    async def push(self, text: str, who: str = "anna", fragment: str = BASE, **more: Any) -> Any:
        """Push a text on top of what runs."""
        head = self.keeper.state.heads().get(fragment)
        more.setdefault("expected", head.ref if head else None)
        return await self.ask(versions.Push(1, fragment, text, principal=Principal(who), **more))

    async def apply(self, text: str, who: str = "anna", fragment: str = BASE, **more: Any) -> Any:
        """Push a text and apply it."""
        pushed = await self.push(text, who, fragment)
        if isinstance(pushed, Declined):
            return pushed
        return await self.ask(versions.ApplyVersion(2, pushed.ref, principal=Principal(who), **more))

    @property
    def calls(self) -> int:
        """The limit of calls of what is active: tests tell sites apart by it."""
        return self.active[-1].site.limits.calls


def limited(calls: int, text: str = BASE_TEXT) -> str:
    """Give a base with another limit of calls."""
    assert "limits: {calls: 3," in text
    return text.replace("limits: {calls: 3,", f"limits: {{calls: {calls},")


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """Run a scenario to its end."""
    return asyncio.run(scenario)
