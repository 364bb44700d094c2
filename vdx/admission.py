"""The admission rule: one pure function decides whether a call may begin; edge and hub use the same one.

A call counts everywhere it touches: in all, in the zones and at the peers of both its sides. Where the appliance itself
is full or drains, the answer is 503, and the caller may try another one (RFC 3261 21.5.4). Where a zone or a peer is at
its own limit it is 480 (21.4.18): another appliance would meet the same limit. Both say when to come back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Load:
    """What is carried now: calls, those begun in the last second, and what their media may take in kbit/s.

    A count is the size of a set, taken when it is asked for.
    """

    calls: int
    recent: int = 0
    kbps: int = 0


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What may be carried at most; None where there is no limit. `kbps` is the sum over all calls, in kbit/s."""

    calls: int | None = None
    per_second: int | None = None
    kbps: int | None = None


class Scope(NamedTuple):
    """One place where a call counts; `name` for operators, `own` for the appliance as a whole."""

    name: str
    load: Load
    ceiling: Ceiling
    own: bool = False


@dataclass(frozen=True, slots=True)
class Admit:
    """The call may begin."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call may not begin: the SIP status, seconds until the caller should try again, `why` for operators."""

    status: int
    retry_after: int
    why: str


RETRY_AFTER = 10
"""Seconds until a refused caller should try again: calls end all the time."""

RETRY_RATE = 2
"""Seconds where only too many came at once: the second that counts is over by then."""

RETRY_DRAINED = 120
"""Seconds where the appliance is taken out of service: a restart or an update takes some minutes."""


def decide(scopes: Iterable[Scope], kbps: int = 0, drain: float | None = None) -> Admit | Refuse:
    """Decide about one more call of `kbps`; the first scope that has no room decides.

    `drain` is None in service; else the seconds until those calls end that still are up (`math.inf`: when they like).
    """
    if drain is not None:
        wait = RETRY_DRAINED if math.isinf(drain) else RETRY_DRAINED + max(0, math.ceil(drain))
        return Refuse(503, wait, "the appliance is being taken out of service")
    for name, load, ceiling, own in scopes:
        status = 503 if own else 480
        if ceiling.calls is not None and load.calls >= ceiling.calls:
            return Refuse(status, RETRY_AFTER, f"{name}: {load.calls} calls are up, {ceiling.calls} are allowed")
        if ceiling.per_second is not None and load.recent >= ceiling.per_second:
            return Refuse(
                status, RETRY_RATE, f"{name}: {load.recent} calls began within a second, {ceiling.per_second} may"
            )
        if ceiling.kbps is not None and load.kbps + kbps > ceiling.kbps:
            text = f"{name}: {load.kbps} kbit/s are taken, {kbps} more are over the {ceiling.kbps} allowed"
            return Refuse(status, RETRY_AFTER, text)
    return Admit()
