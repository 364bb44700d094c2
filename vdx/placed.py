"""What the calls of an edge hold, as records on the bus: how a hub knows what is in use, and whose call uses it.

The key is ``<edge>.<page>``: an edge writes all of its calls together, under a lease, CALLS_A_PAGE to a record and no
more often than every PUBLISH_SECONDS. A write for each call would cost the bus a turn of its disk for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct

from vdx.bus.kinds import Kind

CALL_LEASE = 90
"""Seconds that calls are believed to go on without a word: as long as their pinholes live."""

CALL_RENEWAL = 30.0
"""Seconds between two words on calls of which none has changed."""

PUBLISH_SECONDS = 2.0
"""Between two words at least, however fast calls come and go."""

CALLS_A_PAGE = 256
"""Calls of one record: 64 kB hold three hundred."""


class PlacedCall(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call of an edge that holds ports of a mixing server."""

    call: Annotated[str, Meta(min_length=1, max_length=32)]
    since: float
    """Seconds since 1970."""
    room: Annotated[str, Meta(max_length=36)] = ""
    """Its uuid; empty: a bridge between two ends."""
    node: Annotated[str, Meta(max_length=63)] = ""
    """The mixing server; empty: one that the bus does not name."""
    twelfths: Annotated[int, Meta(ge=0)] = 0
    """What it takes of the node, in twelfths of a port (`vdx.ports`)."""


class PlacedCalls(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page of an edge's calls."""

    edge: Annotated[str, Meta(min_length=1, max_length=63)]
    calls: Annotated[tuple[PlacedCall, ...], Meta(max_length=CALLS_A_PAGE)]


CALLS: Kind[PlacedCalls] = Kind("calls", PlacedCalls)


def pages(edge: str, calls: Iterable[PlacedCall]) -> dict[str, PlacedCalls]:
    """Give the records of an edge by their keys, the oldest calls first."""
    ordered = sorted(calls, key=lambda one: (one.since, one.call))
    return {
        f"{edge}.{first // CALLS_A_PAGE}": PlacedCalls(edge=edge, calls=tuple(ordered[first : first + CALLS_A_PAGE]))
        for first in range(0, len(ordered), CALLS_A_PAGE)
    }
