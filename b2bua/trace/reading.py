"""Traces read on behalf of people: of one call, of a source, or of everybody from now on."""

from __future__ import annotations

from collections import deque

from b2bua.trace.entry import Entry
from b2bua.trace.limits import FOLLOWED_ENTRIES, FOLLOWED_SECONDS
from b2bua.trace.traces import Traces
from b2bua.trace.view import Lens, entries
from vdx.ids import CallId
from vdx.pinhole import Refused
from vdx.trace import MAX_ANSWER, Trace, TraceReport

OVER_SECONDS = 5.0
"""After a call has ended its BYE and the answer are still on their way; a loss of both shows in that time too."""


class Reading:
    """Answers questions about traces. What everybody says is only collected while somebody asks for it."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces
        self._followed: deque[tuple[CallId | None, Entry]] = deque(maxlen=FOLLOWED_ENTRIES)
        self._asked: float | None = None

    def answer(self, question: Trace, now: float, lens: Lens) -> TraceReport | Refused:
        """Answer a question; `after` leaves out what the asker knows."""
        if question.call is not None:
            return self._of_call(question, question.call, now, lens)
        if question.source is not None:
            return self._of_source(question, question.source, lens)
        return self._of_everybody(question, now, lens)

    def _of_call(self, question: Trace, call: str, now: float, lens: Lens) -> TraceReport | Refused:
        trace = self._traces.of(call)
        if trace is None:
            return Refused(question.id, "unknown", f"nothing is remembered of a call {call}")
        found = tuple(one for one in entries(call, trace, lens) if one.number > question.after)
        return TraceReport(
            question.id,
            found,
            found[-1].number if found else question.after,
            *trace.parties,
            trace.left_out,
            trace.ended is not None and now - trace.ended > OVER_SECONDS,
        )

    def _of_source(self, question: Trace, source: str, lens: Lens) -> TraceReport | Refused:
        messages = self._traces.source(source)
        if not messages:
            return Refused(question.id, "unknown", f"no request from {source} that began no call is remembered")
        found = tuple(one for one in entries("", messages, lens) if one.number > question.after)
        return TraceReport(question.id, found, messages[-1].number, source, over=True)

    def _of_everybody(self, question: Trace, now: float, lens: Lens) -> TraceReport:
        if self._asked is None:
            self._traces.taps.append(self._follow)
        self._asked = now
        waiting = [pair for pair in self._followed if pair[1].number > question.after][:MAX_ANSWER]
        found = tuple(one for call, entry in waiting for one in entries(call or "", (entry,), lens))
        last = found[-1].number if found else max(question.after, self._traces.number if not question.after else 0)
        return TraceReport(question.id, found, last)

    def _follow(self, call: CallId | None, entry: Entry) -> None:
        if self._asked is None or entry.at - self._asked > FOLLOWED_SECONDS:
            self._asked = None
            self._followed.clear()
            self._traces.taps = [tap for tap in self._traces.taps if tap != self._follow]
        else:
            self._followed.append((call, entry))
