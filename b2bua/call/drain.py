"""Out of service: no call begins, OPTIONS says so, and those that are up end by a deadline, or when they like."""

from __future__ import annotations

import math
from collections.abc import Mapping

from b2bua.call.call import Call
from vdx.admission import RETRY_DRAINED
from vdx.ids import CallId

OUT_OF_SERVICE = [("Reason", 'SIP;cause=503;text="The gateway is taken out of service"')]
"""Why a call is ended, for its two ends (RFC 3326)."""


class Drain:
    """Whether calls are taken; `by` is None in service, else when the last ones end (`math.inf`: when they like)."""

    def __init__(self) -> None:
        self.by: float | None = None

    def begin(self, seconds: float | None, now: float) -> None:
        """Take no more calls; those that are up end in so many seconds, None: when they like."""
        self.by = math.inf if seconds is None else now + seconds

    def end(self) -> None:
        """Take calls again."""
        self.by = None

    def left(self, now: float) -> float | None:
        """Give the seconds until calls are ended; None in service."""
        return None if self.by is None else max(0.0, self.by - now)

    def on_timer(self, calls: Mapping[CallId, Call], now: float) -> None:
        """End the calls that are still up when the deadline has come."""
        if self.by is not None and self.by <= now:
            for call in list(calls.values()):
                call.end(now, 503, "operator", "the gateway was taken out of service", OUT_OF_SERVICE)

    def next_timer(self) -> float | None:
        """Give the deadline, where there is one."""
        return None if self.by == math.inf else self.by

    @property
    def refusal(self) -> list[tuple[str, str]] | None:
        """Give the header fields of a 503 to OPTIONS; None in service."""
        return None if self.by is None else [("Retry-After", str(RETRY_DRAINED))]
