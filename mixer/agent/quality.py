"""How the media of a participation was, from the counts of the worker. Pure."""

from __future__ import annotations

from mixer.agent.caller import Caller
from mixer.reports import StreamStats
from vdx.quality import QualityReport, StreamQuality


def report(node: str, room: str, caller: Caller, now: float) -> QualityReport:
    """Sum up what was counted of a caller who has left; `now` in seconds since 1970."""
    return QualityReport(
        node=node,
        room=room,
        participant=caller.id,
        domain=caller.address.rpartition("@")[2],
        began=caller.began,
        ended=now,
        streams=tuple(map(_stream, caller.stats)),
    )


def _stream(one: StreamStats) -> StreamQuality:
    got, sent = one.received, one.sent
    return StreamQuality(
        one.media,
        got.encoding or sent.encoding,
        got.packets,
        got.lost,
        sent.packets,
        sent.lost,
        got.jitter,
        sent.round_trip,
        got.width,
        got.height,
        one.encrypted,
    )
