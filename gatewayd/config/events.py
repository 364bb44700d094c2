"""What a line of the journal says: an event, and who, why and when. A line carries the digest of the line before.

`site.taken` is not among them: a site file that was read from disk is a version like any other, begun and confirmed.
"""

from __future__ import annotations

from vdx.pinhole import Part
from vdx.versions import CutKind

FIRST = "0" * 64
"""Stands for the line before the first."""


class Event(Part, frozen=True, tag_field="event"):
    """The base of all events."""


class Pushed(Event, frozen=True, tag="candidate.pushed"):
    """A content is kept as a candidate for its fragment, made from `expected`."""

    ref: str
    fragment: str
    expected: str | None = None


class Withdrawn(Event, frozen=True, tag="candidate.withdrawn"):
    """A candidate is dropped, or a later time for it has passed unused."""

    ref: str


class Approved(Event, frozen=True, tag="candidate.approved"):
    """Somebody agrees to a candidate in zones."""

    ref: str
    zones: tuple[str, ...]


class Scheduled(Event, frozen=True, tag="candidate.scheduled"):
    """A candidate is to be applied at a time, by whoever said so."""

    ref: str
    at: float
    confirm_within: int | None = None
    break_glass: bool = False


class Begun(Event, frozen=True, tag="version.begun"):
    """A version is about to reach the kernel. Until `Confirmed`, any restart goes back to what was before.

    `changes` are the contents of fragments (None: removed), `deadline` is when it goes back by itself; None: it is
    confirmed as soon as it is active.
    """

    number: int
    whole: str
    changes: dict[str, str | None]
    deadline: float | None = None
    break_glass: bool = False
    from_file: bool = False


class Confirmed(Event, frozen=True, tag="version.confirmed"):
    """A version stays."""

    number: int


class Undone(Event, frozen=True, tag="version.undone"):
    """Versions that waited are not in force any more."""

    numbers: tuple[int, ...]


class Froze(Event, frozen=True, tag="changes.frozen"):
    """Nothing is applied until a time, or until it is lifted."""

    until: float | None = None


class Thawed(Event, frozen=True, tag="changes.allowed"):
    """Changes are applied again."""


class CutOff(Event, frozen=True, tag="access.cut"):
    """Somebody is cut off."""

    kind: CutKind
    name: str


class Restored(Event, frozen=True, tag="access.restored"):
    """Who was cut off may come back."""

    kind: CutKind
    name: str


Happening = Pushed | Withdrawn | Approved | Scheduled | Begun | Confirmed | Undone | Froze | Thawed | CutOff | Restored


class Entry(Part, frozen=True):
    """One line: its number from 1, the digest of the line before, when (seconds since 1970), who, why, what."""

    number: int
    before: str
    at: float
    who: str
    why: str
    what: Happening
