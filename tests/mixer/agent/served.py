"""What tests ask of a mixing server that runs."""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mixer.ctl.command import ask
from vdx.meetings import Attendee, LocalOrder, OrderAnswer, Roster, ShowRoster, ShowStatus, Status

PATIENCE = 20.0
Found = TypeVar("Found")


@dataclass(frozen=True)
class Served:
    """A server: its SIP port, the port where its own calls go, its floor control, its run directory and its log."""

    port: int
    away: int
    floor: int
    run_dir: Path
    log: Path

    @property
    def socket(self) -> Path:
        return self.run_dir / "mixer.sock"

    def uri(self, alias: str) -> str:
        return f"sip:{alias}@127.0.0.1:{self.port}"

    def order(self, order: LocalOrder) -> OrderAnswer:
        return asyncio.run(ask(self.run_dir, order))

    def status(self) -> Status:
        answer = self.order(ShowStatus())
        assert isinstance(answer, Status)
        return answer

    def roster(self, room: str) -> dict[str, Attendee]:
        """Give who is in a room, by name."""
        return {one.name: one for one in self.attendees(room)}

    def attendees(self, room: str) -> tuple[Attendee, ...]:
        """Give who is in a room; nobody where it does not run."""
        answer = self.order(ShowRoster(room))
        return answer.attendees if isinstance(answer, Roster) else ()

    def until(self, look: Callable[[], Found | None]) -> Found:
        """Look until there is something."""
        deadline = time.monotonic() + PATIENCE
        while not (found := look()):
            assert time.monotonic() < deadline, self.log.read_text()
            select.select([], [], [], 0.1)
        return found
