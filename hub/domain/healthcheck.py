"""A health check: what is looked at, and how it went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

PROJECT = "healthcheck"
"""The project code of meetings that are made to see whether meetings can be made: statistics leave them out."""


@dataclass(frozen=True, slots=True)
class Looked:
    """How one part did: `booking`, `provisioning`, `media`, `ending`, and those of `hub.booking.surroundings`.

    `seconds` is None where it did not come to it.
    """

    name: str
    well: bool
    message: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One health check and the meeting that it made."""

    began: datetime
    meeting: UUID | None
    parts: tuple[Looked, ...]

    @property
    def well(self) -> bool:
        """Whether every part was."""
        return all(each.well for each in self.parts)
