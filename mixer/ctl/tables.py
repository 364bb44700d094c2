"""Answers as people read them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from vdx import ports
from vdx.meetings import Attendee, Done, OrderAnswer, Quality, Reloaded, Rooms, Roster, Status
from vdx.rooms import Room


def text(answer: OrderAnswer) -> str:
    """Write an answer."""
    if isinstance(answer, Roster):
        return _roster(answer)
    if isinstance(answer, Rooms):
        head = ("alias", "name", "people", "inside", "since", "state")
        return _table(head, ((one.alias, one.name, one.participants, one.inside, _time(one.began), _state(one.locked,
                              one.recording)) for one in answer.rooms))  # fmt: skip
    if isinstance(answer, Status):
        return _status(answer)
    if isinstance(answer, Reloaded) and answer.restart:
        return f"taken by a restart alone: {', '.join(answer.restart)}"
    return answer.participant if isinstance(answer, Done) and answer.participant else "done"


def rooms(found: Iterable[Room]) -> str:
    """Write records of rooms."""
    head = ("aliases", "name", "kind", "pins", "owner", "state", "uuid")
    rows = (
        (
            " ".join(room.aliases),
            room.name,
            room.kind,
            "+".join(word for word, pin in (("host", room.host_pin), ("guest", room.guest_pin)) if pin) or "-",
            room.owner or "-",
            room.state,
            room.uuid,
        )
        for room in found
    )
    return _table(head, rows)


def _status(answer: Status) -> str:
    rows = (
        ("node", answer.node),
        ("ports", f"{ports.written(answer.used)} of {ports.written(answer.capacity)}"),
        ("rooms", answer.rooms),
        ("calls", answer.calls),
        ("workers", f"{answer.ready_workers} ready"),
        ("bus", answer.bus),
        ("state", "draining" if answer.draining else "serving"),
    )
    return "\n".join(f"{name:8} {value}" for name, value in rows)


def _roster(answer: Roster) -> str:
    head = ("id", "name", "role", "phase", "state", "picture", "in kbit/s", "out kbit/s", "loss", "srtp")
    first = f"{answer.alias} {answer.name} ({_state(answer.locked, answer.recording)})"
    return f"{first}\n{_table(head, (_attendee(one) for one in answer.attendees))}"


def _attendee(one: Attendee) -> tuple[object, ...]:
    words = ("muted", "speaking", "floor", "presenting", "spotlight")
    video = next((stream for stream in one.streams if stream.media == "video"), Quality("video"))
    return (
        one.participant,
        one.name,
        one.role,
        one.phase,
        " ".join(word for word in words if getattr(one, word)) or "-",
        f"{video.width}x{video.height}@{video.fps:.0f}" if video.width else "-",
        f"{sum(stream.received_kbps for stream in one.streams):.0f}",
        f"{sum(stream.sent_kbps for stream in one.streams):.0f}",
        f"{max((stream.loss for stream in one.streams), default=0.0):.1%}",
        "yes" if one.encrypted else "no",
    )


def _state(locked: bool, recording: bool) -> str:
    return " ".join(["locked" if locked else "open", *(["recorded"] if recording else [])])


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%SZ")


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [tuple(head), *(tuple(_printable(str(cell)) for cell in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _printable(value: str) -> str:
    """Leave nothing that could steer a terminal: names come from strangers."""
    return "".join(char if char.isprintable() else "?" for char in value)
