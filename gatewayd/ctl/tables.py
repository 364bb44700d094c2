"""Answers as tables that a person likes to read. Pure: an answer in, text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vdx.access import BindingInfo
from vdx.control import CallInfo, StatusReport
from vdx.pinhole import OpenLease, Traffic

GAP = "  "


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Lay out rows under a head; the columns in `right` are numbers."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        GAP.join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def calls(listed: Sequence[CallInfo]) -> str:
    """Write calls, each with its streams below it."""
    if not listed:
        return "no calls"
    lines: list[str] = []
    for call in listed:
        callee = f"{call.callee.party} ({call.callee.peer}, {call.callee.zone})" if call.callee else "nobody yet"
        setup = f", answered after {call.setup:.2f} s" if call.setup is not None else ""
        caller = f"{call.caller.party} ({call.caller.peer}, {call.caller.zone})"
        lines.append(f"{call.call}  {call.state}  {caller} -> {callee}  up {duration(call.age)}{setup}")
        lines += [f"    {each.medium:8} {each.codec:24} {each.direction:10} {each.lease}" for each in call.streams]
    return "\n".join(lines)


def pinholes(leases: Sequence[OpenLease]) -> str:
    """Write leases: both ends of each, what arrived from each, and how long they last."""
    if not leases:
        return "no pinholes open"
    head = ("LEASE", "KIND", "RELAY", "A", "FAR SIDE", "PACKETS", "B", "FAR SIDE", "PACKETS", "IDLE", "ENDS IN")
    rows = [
        (
            lease.lease,
            lease.kind,
            lease.relay,
            f"{lease.zones[0]} {lease.local[0]}",
            far(lease.peers[0], lease.remote[0]),
            str(lease.usage.a.packets),
            f"{lease.zones[1]} {lease.local[1]}",
            far(lease.peers[1], lease.remote[1]),
            str(lease.usage.b.packets),
            idle(lease.usage.a, lease.usage.b),
            f"{lease.expires:.0f} s",
        )
        for lease in leases
    ]
    return table(head, rows, right=(5, 8, 9, 10))


def registrations(bindings: Sequence[BindingInfo]) -> str:
    """Write registered devices: whose, where they are and how long they stay."""
    if not bindings:
        return "nobody is registered"
    head = ("USER", "PEER", "CONTACT", "FROM", "OVER", "ENDS IN", "DEVICE")
    rows = [
        (
            one.user,
            one.peer,
            one.contact,
            one.source,
            one.transport if one.connected else f"{one.transport} (connection lost)",
            f"{one.expires:.0f} s",
            one.agent,
        )
        for one in bindings
    ]
    return table(head, rows, right=(5,))


def bans(left: Mapping[str, float]) -> str:
    """Write banned addresses, the one that ends first first."""
    if not left:
        return "nobody is banned"
    rows = [(address, duration(seconds)) for address, seconds in sorted(left.items(), key=lambda each: each[1])]
    return table(("ADDRESS", "ENDS IN"), rows, right=(1,))


def status(report: StatusReport, depth: int = 0) -> str:
    """Write how a program and those beside it are."""
    indent = "  " * depth
    width = max((len(name) for name in report.facts), default=0)
    lines = [f"{indent}{report.program} {report.version}: {report.state}"]
    lines += [f"{indent}  {name.ljust(width)}  {value}" for name, value in report.facts.items() if value != ""]
    lines += [status(other, depth + 1) for other in report.others]
    return "\n".join(lines)


def far(peer: str, remote: str | None) -> str:
    """Write the far side of an end."""
    return f"{peer} {remote or '(waits for its first packet)'}"


def idle(a: Traffic, b: Traffic) -> str:
    """Write how long nothing came from the quieter end."""
    seen = [each.idle for each in (a, b) if each.idle is not None]
    return f"{max(seen):.0f} s" if seen else "-"


def duration(seconds: float) -> str:
    """Write a time as a person says it."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
