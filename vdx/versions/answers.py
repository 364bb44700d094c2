"""What is told of versions."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from vdx.pinhole import Name, Part, Sequence
from vdx.proof import ProofReport
from vdx.versions.words import CutKind, Number, Ref, Role
from vdx.wire import Message


class Approval(Part, frozen=True):
    """Who agreed to a candidate, when, and in which zones."""

    who: str
    at: float
    zones: tuple[str, ...]


class Candidate(Message, frozen=True, tag="candidate"):
    """A content that was pushed. `state`: candidate, running, or scheduled (for `at`).

    `expected` is what it was made from.
    """

    id: Sequence
    ref: Ref
    fragment: Name
    state: Literal["candidate", "scheduled", "running"]
    who: str
    why: str
    pushed: float
    expected: Ref | None = None
    approvals: tuple[Approval, ...] = ()
    at: float | None = None


class CandidateList(Message, frozen=True, tag="candidate-list"):
    """The candidates that the asking one may see."""

    id: Sequence
    candidates: tuple[Candidate, ...]


class Finding(Part, frozen=True):
    """What is most likely a mistake, or worth knowing: a sentence with file and line."""

    severity: Literal["warning", "notice"]
    code: str
    text: str


class Checked(Message, frozen=True, tag="checked"):
    """Whether a candidate could be applied: it could where `faults` is empty.

    `hindrances` are what would hold it up now (a freeze, no change window, approvals); `waits_for` the zones in which
    somebody else has to approve it.
    """

    id: Sequence
    ref: Ref
    faults: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    hindrances: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    proof: ProofReport | None = None


class PathChange(Part, frozen=True):
    """One difference in what passes: what it does, from zone to zone ("*": several), and a sentence."""

    verb: Literal["opened", "closed", "changed"]
    source: str
    target: str
    text: str


class Differences(Message, frozen=True, tag="differences"):
    """What would change. `paths` and `words` say what it means; `ruleset` (admins and viewers) is a unified diff.

    `words` are about peers, dial plan, limits, zones and whatever else the site file holds. `left_out` counts lines of
    all three that were too many to tell.
    """

    id: Sequence
    paths: tuple[PathChange, ...] = ()
    words: tuple[str, ...] = ()
    ruleset: tuple[str, ...] = ()
    left_out: int = 0


VersionState = Literal["running", "waiting", "replaced", "taken back"]


class VersionInfo(Part, frozen=True):
    """One applied version: `ref` is of the whole, `fragments` are those it changed, with their refs (None: removed).

    waiting: it runs and has to be confirmed. taken back: it was not confirmed, or undone.
    """

    number: Number
    ref: Ref
    state: VersionState
    fragments: dict[str, Ref | None]
    who: str
    why: str
    at: float
    break_glass: bool = False


class VersionList(Message, frozen=True, tag="version-list"):
    """Versions, the newest first."""

    id: Sequence
    versions: tuple[VersionInfo, ...]


class Applied(Message, frozen=True, tag="applied"):
    """What runs now, or is going to. `confirm_by` is None where nothing waits; `at` is set where it is for later.

    `changed` is False where the same content runs already: nothing was done.
    """

    id: Sequence
    number: Number
    ref: Ref
    confirm_by: float | None = None
    at: float | None = None
    changed: bool = True


class FragmentContent(Message, frozen=True, tag="fragment-content"):
    """The content of a fragment as it was pushed."""

    id: Sequence
    fragment: Name
    ref: Ref
    text: str
    lists: dict[str, str] = field(default_factory=dict)


class FragmentState(Part, frozen=True):
    """What runs of a fragment: give `ref` as `expected` with the next push."""

    name: str
    ref: Ref
    number: Number


class Waiting(Part, frozen=True):
    """A version that has to be confirmed: `seconds` are left."""

    number: Number
    fragments: tuple[str, ...]
    who: str
    seconds: float


class Frozen(Part, frozen=True):
    """Why nothing is applied."""

    who: str
    why: str
    since: float
    until: float | None = None


class CutInfo(Part, frozen=True):
    """Who is cut off, since when, and by which line of the journal."""

    kind: CutKind
    name: str
    who: str
    why: str
    since: float
    number: int


class SituationReport(Message, frozen=True, tag="situation-report"):
    """How things stand. `window` says whether changes may be applied now by the change windows.

    `alarms` are sentences about what needs somebody: a damaged journal, a version that could not come back, no space.
    """

    id: Sequence
    now: float
    number: Number
    ref: Ref
    fragments: tuple[FragmentState, ...]
    waiting: tuple[Waiting, ...] = ()
    scheduled: tuple[Candidate, ...] = ()
    frozen: Frozen | None = None
    window: bool = True
    cuts: tuple[CutInfo, ...] = ()
    alarms: tuple[str, ...] = ()


class JournalLine(Part, frozen=True):
    """One line: what was done (`event`, as in ``version.applied``), by whom, why, when; `details` in words.

    `digest` is the SHA-256 of the line as it stands in the file, which the next line carries.
    """

    number: int
    at: float
    event: str
    who: str
    why: str
    details: dict[str, str]
    digest: Ref


class JournalLines(Message, frozen=True, tag="journal-lines"):
    """Lines of the journal; `last` and `head` are number and digest of the newest one.

    `damage` says where the chain is broken, "" where it is whole (as far as it was read; all of it with `verify`).
    """

    id: Sequence
    lines: tuple[JournalLine, ...]
    last: int
    head: Ref
    damage: str = ""


class Who(Message, frozen=True, tag="who"):
    """Who asks, as `gatewayd` sees it: `verbs` are the tags of the requests that are carried out."""

    id: Sequence
    name: str
    role: Role
    organisation: str = ""
    verbs: tuple[str, ...] = ()


class Acknowledged(Message, frozen=True, tag="acknowledged"):
    """It is done, in the journal, and where it concerns them in kernel and `b2bua`."""

    id: Sequence


DeclineCode = Literal["invalid", "forbidden", "unknown", "conflict", "closed", "approval", "refused", "storage"]
DECLINED_STATUS: dict[DeclineCode, int] = {
    "invalid": 422,
    "forbidden": 403,
    "unknown": 404,
    "conflict": 409,
    "closed": 423,
    "approval": 428,
    "refused": 502,
    "storage": 507,
}
"""The HTTP status of each code. invalid: the content has faults; conflict: another one runs than was expected, or waits
to be confirmed; closed: a freeze, or no change window; approval: another person has to agree first; refused: kernel or
`b2bua` refused, or `gatewayd` met a fault of its own, and what ran runs; storage: the disk is full or read-only, and
what ran runs."""


class Declined(Message, frozen=True, tag="declined"):
    """Nothing was done, for these reasons: sentences with file and line where there is one.

    With `conflict`, `running` is the ref that should have been expected.
    """

    id: Sequence
    code: DeclineCode
    reasons: tuple[str, ...]
    running: Ref | None = None


ToldOfVersions = (
    Candidate
    | CandidateList
    | Checked
    | Differences
    | VersionList
    | Applied
    | FragmentContent
    | SituationReport
    | JournalLines
    | Who
    | Acknowledged
    | Declined
)
