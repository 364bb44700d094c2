"""Calls that hold ports, as records on the bus: how a hub knows what is in use, and an edge what others use.

The key is ``<edge>.<call>``: an edge writes its own calls, under a lease, and takes them away when they end.
"""

from typing import Annotated

from msgspec import Meta, Struct

from vdx.bus.kinds import Kind

CALL_LEASE = 90
"""Seconds that a call is believed to go on without a word: as long as its pinholes live."""

CALL_RENEWAL = 30.0
"""Seconds between two words on a call that goes on."""


class PlacedCall(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call of an edge into a room, or between two peers."""

    call: Annotated[str, Meta(min_length=1, max_length=32)]
    edge: Annotated[str, Meta(min_length=1, max_length=63)]
    since: float
    """Seconds since 1970."""
    room: str = ""
    """Its uuid, empty: no room of ours."""
    node: str = ""
    twelfths: Annotated[int, Meta(ge=0)] = 0
    """What it takes of the node, in twelfths of a port (`vdx.ports`)."""


CALLS: Kind[PlacedCall] = Kind("calls", PlacedCall)
