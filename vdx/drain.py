"""Taking an appliance out of service and back: messages of `vdx.control`; `gatewayd` remembers, `b2bua` acts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from vdx.pinhole import Sequence
from vdx.wire import Message

MAX_DEADLINE = 7 * 24 * 3600
"""Seconds: nobody waits for a call longer than a week."""


class Drain(Message, frozen=True, tag="drain"):
    """Take no new calls, and say so; end those that are up after `seconds` (None: they end when they like)."""

    id: Sequence
    seconds: Annotated[float, Meta(ge=0, le=MAX_DEADLINE)] | None = None


class Undrain(Message, frozen=True, tag="undrain"):
    """Take calls again."""

    id: Sequence
