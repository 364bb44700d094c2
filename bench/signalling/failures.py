"""Why calls failed under load: what sipp says of each, what the edge wrote into its record, and who was late.

A generator that stands still fails calls that were carried as they should be: their answers wait in its socket, or are
lost there. So each failed call is looked up in the records of the edge, by the user that its number makes (`u17`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lab.host import Host
from tests.peers.sipp.steps import Expect, Send, Step
from vdx.record import CallRecord

MAX_NAMED = 20
"""Calls of one kind that are named by their number; more say no more."""

_TIMEOUT = re.compile(r"Call-Id: (\d+)-\S+, receive timeout on message [^:]*:(\d+) ")
_UNEXPECTED = re.compile(r"unexpected message for Call-Id '(\d+)-[^']*': while expecting '([^']*)' [^']*'([^\r\n]*)")
_UNANSWERED = re.compile(r"retransmission timeout for Call-ID '(\d+)-")
_STOOD_STILL = re.compile(r"watchdog timer \d+ms has been tripped \((\d+)\)")


@dataclass(frozen=True, slots=True)
class Failure:
    """One call that failed: its number, what sipp says of it, and its record at the edge.

    It has none (None) where it did not arrive, or was not let in.
    """

    number: int
    said: str
    record: CallRecord | None

    @property
    def carried(self) -> bool:
        """Whether the edge carried it from its answer to the caller's BYE: then who made it was late."""
        return self.record is not None and (self.record.status, self.record.ended_by) == (200, "caller")

    @property
    def sentence(self) -> str:
        """Say what failed, and where."""
        if self.record is None:
            return f"{self.said}; at the edge no record"
        return f"{self.said}; at the edge {self.record.status}, ended by {self.record.ended_by}: {self.record.why}"


def failures(errors: str, steps: Sequence[Step], records: Mapping[str, CallRecord]) -> list[Failure]:
    """Read sipp's error log; `records` are by the caller's alias. Of several words about a call the first counts."""
    found: dict[int, Failure] = {}
    for number, said in _said(errors, steps):
        found.setdefault(number, Failure(number, said, records.get(f"u{number}")))
    return sorted(found.values(), key=lambda one: one.number)


def _said(errors: str, steps: Sequence[Step]) -> Iterator[tuple[int, str]]:
    for match in _TIMEOUT.finditer(errors):
        yield int(match[1]), f"it waited in vain for {_step(steps, int(match[2]))}"
    for match in _UNEXPECTED.finditer(errors):
        yield int(match[1]), f"{match[3]!r} came in place of {match[2]}"
    for match in _UNANSWERED.finditer(errors):
        yield int(match[1]), "what it sent was never answered"


def _step(steps: Sequence[Step], at: int) -> str:
    """Say what was waited for: an answer, and to what."""
    step = steps[at] if at < len(steps) else None
    if not isinstance(step, Expect):
        return f"step {at}"
    asked = next((one for one in reversed(steps[:at]) if isinstance(one, Send)), None)
    return f"{step.what} to {asked.text.split()[0]} ({step.within / 1000:g} s)" if asked else str(step.what)


def told(found: Iterable[Failure]) -> list[str]:
    """Say it for a report: one line for all calls that failed alike."""
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for one in found:
        alike[one.sentence].append(one.number)
    return [
        f"{len(numbers)} failed (calls {', '.join(map(str, numbers[:MAX_NAMED]))}"
        f"{' and more' if len(numbers) > MAX_NAMED else ''}): {sentence}"
        for sentence, numbers in sorted(alike.items(), key=lambda each: -len(each[1]))
    ]


def stood_still(errors: str) -> float:
    """Give for how many seconds a sipp stood still at most, by its own watchdog; 0.0 where it never did."""
    return max((int(match[1]) / 1000 for match in _STOOD_STILL.finditer(errors)), default=0.0)


def records(folder: Path, since: str) -> dict[str, CallRecord]:
    """Read the records of calls that began at or after `since` (UTC, as they have it), by the alias of the caller."""
    found: dict[str, CallRecord] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            record = msgspec.json.decode(line, type=CallRecord)
            if record.began >= since:
                found[record.caller.alias] = record
    return found


def overflowed(host: Host) -> int:
    """Count the datagrams that a host has lost because who was to read them did not (Udp RcvbufErrors)."""
    names, values = (
        line.split() for line in host.run(["cat", "/proc/net/snmp"]).stdout.splitlines() if line.startswith("Udp:")
    )
    return int(values[names.index("RcvbufErrors")])
