"""A trace drawn as a ladder: caller, edge and callee in three columns, time running down. Pure: entries in, text out.

+0.000  |--- INVITE sip:home@198.18.0.10 -->|                                   |
|    audio 4000 RTP/AVP opus        |                                   |
+0.002  |                                   * pinholes open: ...
+0.004  |                                   |--- INVITE sip:home@... ---------->|
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from vdx.trace import TraceEntry, TraceReport

LANE = 46
"""Characters between two columns: two lanes, the times and the borders fit a terminal of 108."""

_CLOCK = 11


def ladder(report: TraceReport) -> str:
    """Draw what is known of a call, or of a source."""
    if not report.entries:
        return "nothing was said"
    began = report.entries[0].at
    lines = [f"{report.entries[0].call} {moment(began)}".strip(), _head(report)]
    gap = report.left_out
    for number, entry in enumerate(report.entries):
        if gap and number and entry.number - report.entries[number - 1].number > 1:
            lines.append(f"{'':{_CLOCK}}... {gap} entries in between are not kept ...")
            gap = 0
        lines += drawn(entry, began)
    return "\n".join(lines)


def drawn(entry: TraceEntry, began: float) -> Iterator[str]:
    """Draw one entry as one line or more; times count from `began`."""
    clock = f"{entry.at - began:+.3f}".ljust(_CLOCK)
    empty = " " * _CLOCK
    if not entry.transport:
        start = f"{clock}|{' ' * LANE}* "
        for number, part in enumerate(_broken(entry.title, LANE - 1)):
            yield (start if not number else f"{empty}|{' ' * LANE}  ") + part
        return
    left = entry.leg != "b"
    toward_right = entry.inward if left else not entry.inward
    parts = list(_broken(f"{entry.title}{_again(entry)}", LANE - 7))
    yield clock + _row(_arrow(parts[0], toward_right), left)
    for part in (*parts[1:], *(mark for mark in entry.marks if mark != "again")):
        for piece in _broken(part, LANE - 6):
            yield empty + _row(f"     {piece}".ljust(LANE), left)


def line(entry: TraceEntry) -> str:
    """Write one entry in one line, for whoever follows along."""
    when = f"{datetime.fromtimestamp(entry.at, UTC):%H:%M:%S.%f}"[:-3]
    if not entry.transport:
        return f"{when} {entry.call} {entry.title}"
    ours, theirs = place(entry.ours), place(entry.theirs)
    path = f"{theirs} > {ours}" if entry.inward else f"{ours} > {theirs}"
    marks = f"  [{'; '.join(entry.marks)}]" if entry.marks else ""
    return f"{when} {entry.call or '-' * 13} {entry.leg or '-'} {entry.transport} {path}  {entry.title}{marks}"


def moment(at: float) -> str:
    """Write a time as people compare it with their own logs: UTC, to the millisecond."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def place(where: tuple[str, int]) -> str:
    """Write address and port."""
    return f"[{where[0]}]:{where[1]}" if ":" in where[0] else f"{where[0]}:{where[1]}"


def _head(report: TraceReport) -> str:
    caller, callee = report.caller or "caller", report.callee or "callee"
    return f"{'':{_CLOCK}}{caller[: LANE - 2].ljust(LANE - 1)} edge {callee[: LANE - 2].rjust(LANE - 2)}"


def _row(lane: str, left: bool) -> str:
    other = " " * LANE
    return f"|{lane}|{other}|" if left else f"|{other}|{lane}|"


def _arrow(title: str, toward_right: bool) -> str:
    shaft = f"-- {title} ".ljust(LANE - 1, "-")
    return f"{shaft}>" if toward_right else f"<{shaft}"


def _again(entry: TraceEntry) -> str:
    return " (again)" if "again" in entry.marks else ""


def _broken(text: str, width: int) -> Sequence[str]:
    """Break a text at blanks where that can be, else anywhere."""
    parts: list[str] = []
    while len(text) > width:
        cut = text.rfind(" ", 1, width + 1)
        cut = cut if cut > 0 else width
        parts.append(text[:cut])
        text = text[cut:].lstrip(" ")
    return [*parts, text]
