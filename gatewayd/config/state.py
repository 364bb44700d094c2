"""What the lines of the journal add up to. Pure: a state and an entry give the next state's content.

*Confirmed* is what a restart comes back to. Versions that *wait* lie over it, at most one for each fragment; what runs
is both together (`heads`). Nothing is confirmed that would need one that waits, so that leaving those out always leaves
a whole site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from gatewayd.config.events import (
    Approved,
    Begun,
    Confirmed,
    CutOff,
    Entry,
    Froze,
    Happening,
    Pushed,
    Restored,
    Scheduled,
    Thawed,
    Undone,
    Withdrawn,
)
from vdx.versions import Approval, CutInfo, CutKind, Frozen, VersionState

MAX_CANDIDATES = 8
"""Candidates of one fragment; the oldest that waits for no time goes first."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A candidate: a content pushed for a fragment."""

    ref: str
    fragment: str
    expected: str | None
    who: str
    why: str
    at: float
    approvals: tuple[Approval, ...] = ()
    due: Scheduled | None = None
    due_by: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """An applied version."""

    begun: Begun
    who: str
    why: str
    at: float
    state: VersionState = "waiting"

    @property
    def number(self) -> int:
        """Its number."""
        return self.begun.number


@dataclass(frozen=True, slots=True)
class Head:
    """What counts of a fragment: a content, and the version that brought it."""

    ref: str
    number: int


@dataclass(slots=True)
class State:
    """Everything that the journal says, as it stands after its last line."""

    confirmed: dict[str, Head] = field(default_factory=dict)
    versions: dict[int, Made] = field(default_factory=dict)
    candidates: dict[str, Kept] = field(default_factory=dict)
    cuts: dict[tuple[CutKind, str], CutInfo] = field(default_factory=dict)
    frozen: Frozen | None = None

    @property
    def waiting(self) -> list[Made]:
        """Versions that run and are not confirmed, oldest first."""
        return [made for made in self.versions.values() if made.state == "waiting"]

    @property
    def running(self) -> int:
        """The number of the newest version that runs; 0 before the first."""
        return max((head.number for head in self.heads().values()), default=0)

    @property
    def next_number(self) -> int:
        """The number of the next version."""
        return max(self.versions, default=0) + 1

    def heads(self, *left_out: int) -> dict[str, Head]:
        """Give what runs of each fragment, without some of the versions that wait."""
        heads = dict(self.confirmed)
        for made in self.waiting:
            if made.number not in left_out:
                overlay(heads, made.begun)
        return heads

    def holder(self, fragments: Mapping[str, object]) -> Made | None:
        """Give the version that waits and changes one of these fragments."""
        return next((made for made in self.waiting if made.begun.changes.keys() & fragments.keys()), None)

    def take(self, entry: Entry) -> None:
        """Take in one line."""
        _STEPS[type(entry.what)](self, entry.what, entry)


def overlay(heads: dict[str, Head], begun: Begun) -> None:
    """Lay the changes of a version over what was before."""
    for fragment, ref in begun.changes.items():
        if ref is None:
            heads.pop(fragment, None)
        else:
            heads[fragment] = Head(ref, begun.number)


def _pushed(state: State, what: Pushed, entry: Entry) -> None:
    state.candidates.pop(what.ref, None)
    mine = [kept.ref for kept in state.candidates.values() if kept.fragment == what.fragment and kept.due is None]
    for ref in mine[: len(mine) - MAX_CANDIDATES + 1] if len(mine) >= MAX_CANDIDATES else ():
        del state.candidates[ref]
    state.candidates[what.ref] = Kept(what.ref, what.fragment, what.expected, entry.who, entry.why, entry.at)


def _withdrawn(state: State, what: Withdrawn, _entry: Entry) -> None:
    state.candidates.pop(what.ref, None)


def _approved(state: State, what: Approved, entry: Entry) -> None:
    if kept := state.candidates.get(what.ref):
        others = tuple(each for each in kept.approvals if each.who != entry.who)
        said = Approval(entry.who, entry.at, what.zones)
        state.candidates[what.ref] = replace(kept, approvals=(*others, said))


def _scheduled(state: State, what: Scheduled, entry: Entry) -> None:
    if kept := state.candidates.get(what.ref):
        state.candidates[what.ref] = replace(kept, due=what, due_by=entry.who, why=entry.why or kept.why)


def _begun(state: State, what: Begun, entry: Entry) -> None:
    state.versions[what.number] = Made(what, entry.who, entry.why, entry.at)


def _confirmed(state: State, what: Confirmed, _entry: Entry) -> None:
    made = state.versions.get(what.number)
    if made is None or made.state != "waiting":
        return
    before = {head.number for head in state.confirmed.values()}
    overlay(state.confirmed, made.begun)
    state.versions[what.number] = replace(made, state="running")
    for number in before - {head.number for head in state.confirmed.values()}:
        state.versions[number] = replace(state.versions[number], state="replaced")
    for ref in made.begun.changes.values():
        state.candidates.pop(ref or "", None)


def _undone(state: State, what: Undone, _entry: Entry) -> None:
    for number in what.numbers:
        if (made := state.versions.get(number)) and made.state == "waiting":
            state.versions[number] = replace(made, state="taken back")
            for ref in made.begun.changes.values():
                if kept := state.candidates.get(ref or ""):  # it may be applied again, but not by itself
                    state.candidates[kept.ref] = replace(kept, due=None)


def _froze(state: State, what: Froze, entry: Entry) -> None:
    state.frozen = Frozen(entry.who, entry.why, entry.at, what.until)


def _thawed(state: State, _what: Thawed, _entry: Entry) -> None:
    state.frozen = None


def _cut(state: State, what: CutOff, entry: Entry) -> None:
    state.cuts[what.kind, what.name] = CutInfo(what.kind, what.name, entry.who, entry.why, entry.at, entry.number)


def _restored(state: State, what: Restored, _entry: Entry) -> None:
    state.cuts.pop((what.kind, what.name), None)


_STEPS: dict[type, Callable[[State, Any, Entry], None]] = {
    Pushed: _pushed,
    Withdrawn: _withdrawn,
    Approved: _approved,
    Scheduled: _scheduled,
    Begun: _begun,
    Confirmed: _confirmed,
    Undone: _undone,
    Froze: _froze,
    Thawed: _thawed,
    CutOff: _cut,
    Restored: _restored,
}
"""What each event does to the state."""

assert set(_STEPS) == set(get_args(Happening))  # noqa: S101 - an event without a step would be lost in silence
