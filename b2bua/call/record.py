"""What is kept of a call when it is over: who, how long, and who ended it and why, in words."""

from __future__ import annotations

from dataclasses import dataclass

from vdx.record import PartyRecord, StreamRecord


@dataclass(frozen=True, slots=True)
class Details:
    """What a record holds beyond the outcome; times by the gateway's clock, None for what never happened."""

    caller: PartyRecord
    callee: PartyRecord
    streams: tuple[StreamRecord, ...]
    began: float
    rang: float | None
    answered: float | None
    ended: float


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One ended call; `setup` and `duration` in seconds, None where it was never answered."""

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

    def __str__(self) -> str:
        setup = "-" if self.setup is None else f"{self.setup:.3f}"
        duration = "-" if self.duration is None else f"{self.duration:.1f}"
        return (
            f"call={self.call} from={self.caller} to={self.callee or '-'} status={self.status} "
            f"ended_by={self.ended_by} setup={setup} duration={duration} why={self.why!r}"
        )
