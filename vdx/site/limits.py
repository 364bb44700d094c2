"""Limits of the appliance, of a zone, of a peer; `vdx.admission` holds calls to them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vdx.site.block import Model

Calls = Annotated[int, Field(ge=1, le=20_000)]
Rate = Annotated[int, Field(ge=1, le=10_000)]
Kbps = Annotated[int, Field(ge=64, le=100_000_000)]
"""kbit/s: from one narrow call to 100 Gbit/s."""


class ScopeLimits(Model):
    """What a zone or a peer carries at most: calls, calls that begin in a second, kbit/s of all its calls."""

    calls: Calls | None = None
    calls_per_second: Rate | None = None
    bandwidth: Kbps | None = None


class Limits(Model):
    """What the appliance carries at most."""

    calls: Calls = 2_000
    calls_per_second: Rate | None = None
    bandwidth: Kbps | None = None
    streams_per_call: Annotated[int, Field(ge=1, le=64)] = 12
    media_silence: Annotated[int, Field(ge=20, le=86_400)] = 60
