"""What is kept of a call when it is over: who, how long, and who ended it and why, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from vdx.journal import Value, fields
from vdx.record import PartyRecord, StreamRecord


class Details(NamedTuple):
    """What a record holds beyond the outcome; times by the gateway's clock, None for what never happened."""

    caller: PartyRecord
    callee: PartyRecord
    streams: tuple[StreamRecord, ...]
    began: float
    rang: float | None
    answered: float | None
    ended: float


class CallRecord(NamedTuple):
    """One ended call; `setup` and `duration` in seconds, None where it was never answered.

    `half` is the other half of a call that a mixing server bridged; its own where the server called nobody.
    """

    call: str
    caller: str
    callee: str
    alias: str
    status: int
    ended_by: str
    why: str
    setup: float | None
    duration: float | None
    details: Details | None = None
    half: str | None = None

    def fields(self) -> dict[str, Mapping[str, Value]]:
        """Give what the log says of the call: peers, and no person."""
        return fields(
            call=self.call,
            caller=self.caller,
            callee=self.callee,
            status=self.status,
            ended_by=self.ended_by,
            setup=self.setup,
            duration=self.duration,
            why=self.why,
        )
