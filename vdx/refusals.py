"""What an edge refused: events of the stream `admissions`, gathered, so that a flood of calls is no flood of events."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from vdx.bus.kinds import Happening

GATHER_SECONDS = 10.0
"""Refusals of so long are one event."""


class Refusals(Struct, frozen=True):
    """Calls that were refused alike: `why` in words, and no person."""

    zone: str
    status: Annotated[int, Meta(ge=300, le=699)]
    why: str
    count: Annotated[int, Meta(ge=1)]


class AdmissionReport(Struct, frozen=True):
    """What an edge refused up to a moment (seconds since 1970), since the report before."""

    until: float
    refused: tuple[Refusals, ...]


ADMISSIONS: Happening[AdmissionReport] = Happening("admissions", AdmissionReport)
