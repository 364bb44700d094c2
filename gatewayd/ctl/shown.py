"""Answers about versions as a person reads them. Pure: an answer in, text out."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from gatewayd.ctl.tables import duration, table
from vdx import versions
from vdx.control import FromGatewayd

SHORT = 12
"""Digits of a ref that a person reads."""

_REF = re.compile(r"[0-9a-f]{64}")


def moment(text: str) -> float:
    """Read a moment, UTC where it does not say, as seconds since 1970; raises ArgumentTypeError."""
    try:
        found = datetime.fromisoformat(text)
        return max(0.0, (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 2026-01-31T22:00Z") from None


def failed(answer: FromGatewayd) -> bool:
    """Tell whether an answer says that something is wrong."""
    if isinstance(answer, versions.Checked):
        return bool(answer.faults)
    return isinstance(answer, versions.JournalLines) and bool(answer.damage)


def text(answer: FromGatewayd, now: float) -> str:
    """Write an answer; `now` in seconds since 1970."""
    write = _WRITERS.get(type(answer))
    return "\n".join(write(answer, now)) if write else "done"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _candidate(answer: versions.Candidate, _now: float) -> Iterator[str]:
    state = f"to be applied at {_when(answer.at)} UTC" if answer.at else answer.state
    yield f"{answer.ref[:SHORT]}  {answer.fragment}  {state}  pushed by {answer.who} {_when(answer.pushed)} UTC"
    for each in answer.approvals:
        yield f"    approved by {each.who} for {', '.join(each.zones)}"


def _candidates(answer: versions.CandidateList, now: float) -> Iterator[str]:
    if not answer.candidates:
        yield "no candidates"
    for each in answer.candidates:
        yield from _candidate(each, now)


def _checked(answer: versions.Checked, _now: float) -> Iterator[str]:
    yield from answer.faults
    for each in answer.findings:
        yield f"{each.severity}: {each.text}"
    if answer.proof:
        yield from (each for each in answer.proof.sentences() if each not in answer.faults)
    for text_ in answer.hindrances:
        yield f"held up: {text_}"
    if not answer.faults:
        yield f"{answer.ref[:SHORT]} {'has no faults, but is held up' if answer.hindrances else 'can be applied'}"


def _differences(answer: versions.Differences, _now: float) -> Iterator[str]:
    if not (answer.paths or answer.words or answer.ruleset):
        yield "nothing would change"
    for each in answer.paths:
        yield f"{each.verb}: {each.source} -> {each.target}: {each.text}"
    yield from answer.words
    if answer.ruleset:
        yield "ruleset:"
        yield from answer.ruleset
    if answer.left_out:
        yield f"... and {answer.left_out} lines more"


def _applied(answer: versions.Applied, now: float) -> Iterator[str]:
    if answer.at is not None:
        yield f"it will be applied at {_when(answer.at)} UTC"
    elif not answer.changed:
        yield f"version {answer.number} has this content already: nothing was done"
    elif answer.confirm_by is not None:
        left = duration(max(0.0, round(answer.confirm_by - now)))
        yield f"version {answer.number} runs; confirm it within {left}, or what was before comes back"
    else:
        yield f"version {answer.number} runs"


def _history(answer: versions.VersionList, _now: float) -> Iterator[str]:
    head = ("NUMBER", "STATE", "WHEN (UTC)", "WHO", "FRAGMENTS", "CONTENT", "WHY")
    rows = [
        (
            str(each.number),
            each.state + (" (glass broken)" if each.break_glass else ""),
            _when(each.at),
            each.who,
            ", ".join(each.fragments),
            each.ref[:SHORT],
            each.why,
        )
        for each in answer.versions
    ]
    yield table(head, rows, right=(0,)) if rows else "no versions"


def _situation(answer: versions.SituationReport, now: float) -> Iterator[str]:
    yield f"version {answer.number} runs ({answer.ref[:SHORT]})"
    for part in answer.fragments:
        yield f"    {part.name}: {part.ref} of version {part.number}"
    for each in answer.waiting:
        left = f"{duration(each.seconds)} left"
        yield f"version {each.number} of {each.who} waits to be confirmed ({', '.join(each.fragments)}), {left}"
    for later in answer.scheduled:
        yield from _candidate(later, now)
    if answer.frozen:
        until = f" until {_when(answer.frozen.until)} UTC" if answer.frozen.until else ""
        yield f"changes are frozen{until} by {answer.frozen.who}: {answer.frozen.why}"
    if not answer.window:
        yield "this is no change window"
    for cut in answer.cuts:
        yield f"{cut.kind} {cut.name} is cut off since {_when(cut.since)} UTC by {cut.who}: {cut.why}"
    for alarm in answer.alarms:
        yield f"alarm: {alarm}"


def _content(answer: versions.FragmentContent, _now: float) -> Iterator[str]:
    yield answer.text


def _journal(answer: versions.JournalLines, _now: float) -> Iterator[str]:
    for each in answer.lines:
        told = " ".join(f"{name}={_REF.sub(_short, value)}" for name, value in each.details.items())
        why = f": {each.why}" if each.why else ""
        yield f"{each.number}  {_when(each.at)}  {each.who}  {each.event} {told}{why}"
    yield f"line {answer.last} is the last, its digest {answer.head}"
    yield answer.damage or "every line follows the one before it"


def _short(ref: re.Match[str]) -> str:
    return ref[0][:SHORT]


_WRITERS: dict[type, Callable[[Any, float], Iterator[str]]] = {
    versions.Candidate: _candidate,
    versions.CandidateList: _candidates,
    versions.Checked: _checked,
    versions.Differences: _differences,
    versions.Applied: _applied,
    versions.VersionList: _history,
    versions.SituationReport: _situation,
    versions.FragmentContent: _content,
    versions.JournalLines: _journal,
}
