"""Calls that hold ports of mixing servers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from b2bua.call.call import Call


class Holding(NamedTuple):
    """A call to or from a mixing server: since when (seconds since 1970), its room where that is known, the server."""

    call: str
    since: float
    room: str
    """Its uuid; "" for a bridge, and for calls that a room has made."""
    address: str
    video: bool


def held(calls: Iterable[Call], mixers: str, epoch: float) -> list[Holding]:
    """List the calls of peer `mixers`; `epoch` is added to their times to give seconds since 1970."""
    return [
        Holding(call.id, round(call.began + epoch, 3), call.room, ours[0].source, call.session.shows)
        for call in calls
        if (ours := [party for party in call.parties.values() if party.peer.name == mixers])
    ]
