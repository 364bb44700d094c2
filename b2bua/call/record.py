"""What is kept of a call when it is over: who, how long, and who ended it and why, in words."""

from __future__ import annotations

from dataclasses import dataclass


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

    def __str__(self) -> str:
        setup = "-" if self.setup is None else f"{self.setup:.3f}"
        duration = "-" if self.duration is None else f"{self.duration:.1f}"
        return (
            f"call={self.call} from={self.caller} to={self.callee or '-'} status={self.status} "
            f"ended_by={self.ended_by} setup={setup} duration={duration} why={self.why!r}"
        )
