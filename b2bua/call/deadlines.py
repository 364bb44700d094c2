"""Until when calls may be unanswered, and re-INVITEs in them.

A deadline is never taken back: what is over when it comes is passed over, and goes at once where it is the first.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Mapping

from b2bua.call.call import Call
from b2bua.call.desk import Fault
from vdx.ids import CallId

log = logging.getLogger(__name__)


class Deadlines:
    """The deadlines of `calls`, the first one first; `on_fault` is told of a call that fails over its own."""

    def __init__(self, calls: Mapping[CallId, Call], on_fault: Fault) -> None:
        self._calls = calls
        self._on_fault = on_fault
        self._heap: list[tuple[float, CallId]] = []

    def __len__(self) -> int:
        """Count what is noted; 0 when nothing is going on."""
        return len(self._heap)

    def watch(self, call: Call) -> None:
        """Note the deadline of a call, if it has one."""
        if call.due is not None and call.id in self._calls:
            heapq.heappush(self._heap, (call.due, call.id))

    def forget_ended(self) -> None:
        """Forget the first deadlines as far as their calls are over."""
        while self._heap and self._heap[0][1] not in self._calls:
            heapq.heappop(self._heap)

    def next_timer(self) -> float | None:
        """Give the first deadline."""
        return self._heap[0][0] if self._heap else None

    def on_timer(self, now: float) -> None:
        """Tell the calls whose deadline has come."""
        later: dict[CallId, Call] = {}  # whose deadline was put off since it was noted
        while self._heap and self._heap[0][0] <= now:
            call = self._calls.get(heapq.heappop(self._heap)[1])
            if call is not None and call.due is not None and call.due > now:
                later[call.id] = call
            elif call is not None and call.due is not None:
                try:
                    call.overdue(now)
                    self.watch(call)
                except Exception as error:
                    log.exception("deadline.fault: call %s", call.id)
                    self._on_fault(call.id, error, now)
        for call in later.values():
            self.watch(call)
