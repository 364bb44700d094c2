"""The admission rule: one pure function decides whether a call may begin; edge and hub use the same one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What is carried now: a count is the size of a set, taken when it is asked for."""

    calls: int


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What may be carried at most."""

    calls: int


@dataclass(frozen=True, slots=True)
class Admit:
    """The call may begin."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call may not begin; `retry_after` in seconds, `why` for operators."""

    retry_after: int
    why: str


RETRY_AFTER = 10
"""Seconds until a refused caller should try again: calls end all the time."""


def decide(load: Load, ceiling: Ceiling) -> Admit | Refuse:
    """Decide about one more call."""
    if load.calls >= ceiling.calls:
        return Refuse(RETRY_AFTER, f"{load.calls} calls are up, {ceiling.calls} are allowed")
    return Admit()
