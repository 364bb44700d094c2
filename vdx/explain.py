"""What would become of a call: `b2bua` answers by the steps that calls take. Messages of `vdx.control`.

`source` names who calls: a peer, an address, or ``zone:address``. `dialled` is a SIP URI, or what people dial instead
of one. `at` is a moment in seconds since 1970, None for now.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from vdx.pinhole import Part, Sequence
from vdx.wire import Message


class Explain(Message, frozen=True, tag="explain"):
    """Ask where a call would go, and why."""

    id: Sequence
    source: Annotated[str, Meta(min_length=1, max_length=128)]
    dialled: Annotated[str, Meta(min_length=1, max_length=1024)]
    at: float | None = None


class ExplainStep(Part, frozen=True):
    """One step: what was decided, and a sentence about it."""

    step: str
    text: str


class Explained(Message, frozen=True, tag="explained"):
    """The steps in order, and what they come to: the places that are called, or the status of a refusal."""

    id: Sequence
    steps: tuple[ExplainStep, ...]
    status: int
    places: tuple[str, ...] = ()
