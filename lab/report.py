"""The table of a call that a person likes to read."""

from collections.abc import Sequence

from lab.call import CallReport
from lab.meeting import MeetingReport
from lab.topology import Topology


def to_text(report: CallReport, topology: Topology) -> str:
    """Return a call report as text: who, how long, and each stream's packets both ways."""
    caller, callee = report.caller, report.callee
    there, back = f"{caller} -> {callee}", f"{callee} -> {caller}"
    pictures = f"{report.pictures_at_callee} at {callee}, {report.pictures_at_caller} at {caller}"
    rows = [("stream", "codec", there, back, "relayed by")]
    rows += [
        (
            stream.medium,
            stream.codec,
            traffic(stream.packets_from_caller, stream.octets_from_caller),
            traffic(stream.packets_from_callee, stream.octets_from_callee),
            stream.relay,
        )
        for stream in report.streams
    ]
    return "\n".join(
        [
            f"{_who(caller, topology)} called {_who(callee, topology)}",
            f"by dialling {report.dialled}",
            f"answered after {report.setup * 1000:.0f} ms, {report.seconds:.0f} s in the call",
            "",
            *table(rows),
            "",
            f"pictures decoded: {pictures}",
            _verdict(report),
        ]
    )


def meeting_text(report: MeetingReport) -> str:
    """Return a meeting's report as text: the mixing server's roster, and where the picture is."""
    who = ", ".join(report.people) or "nobody"
    all_in = f"All {report.expected} are in" if report.complete else f"Of {report.expected} only {who} came in"
    return f"{report.roster}\n{all_in}, sound and picture both ways. What they saw: {report.picture}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with aligned columns; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  " + "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines.insert(1, "  " + "   ".join("-" * width for width in widths))
    return lines


def traffic(packets: int, octets: int) -> str:
    """Return packets and octets as a person says them."""
    if packets == 0:
        return "nothing"
    amount = f"{octets / 1000:.0f} kB" if octets < 1_000_000 else f"{octets / 1_000_000:.1f} MB"
    return f"{packets:,} packets, {amount}"


def _who(party: str, topology: Topology) -> str:
    over = " over IPv6" if party.endswith("6") else ""
    return f"{party} ({topology.host(party.removesuffix('6')).title}{over})"


def _verdict(report: CallReport) -> str:
    if report.carried:
        return "Every stream carried media both ways, as the kernel counted it."
    if not report.streams:
        return "The edge relayed no stream at all."
    silent = [stream.medium for stream in report.streams if not stream.carried]
    return f"Carried nothing in at least one direction: {', '.join(silent)}."
