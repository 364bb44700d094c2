"""Versions of the site on the control socket: pushed, checked, applied, confirmed or taken back, and told of.

A site is composed of *fragments*: `base`, which the appliance's admins own, and one for each organisation that the base
names under `delegations`. A fragment's content has a name that follows from it, its `Ref`; equal contents are one. A
*version* is one ref for each fragment, and has a number once it was applied. The cycle::

    Push(fragment, text, expected) -> Candidate     kept under its ref; nothing is changed
    CheckVersion(ref) -> Checked                    faults, findings, proof, approvals that are missing
    DiffVersion(ref) -> Differences                 what opens and closes in words, then the ruleset
    Approve(ref) -> Candidate                       by another person, for this very content
    ApplyVersion(ref, confirm_within) -> Applied    active in kernel and b2bua together, or `Declined` and nothing done
    Confirm(number) -> Applied                      it stays. Without it the version before comes back by itself

Who asks: `gatewayd` asks the kernel who is at the other end of the socket. Root is an admin. `gatewayd-web` must name
in each message the `principal` it has authenticated, by name. That one may do what the running base says under
`management.people`, and of that no more than the `role` in the message may (a token can be worth less than its owner).
A message of `gatewayd-web` without a principal is declined. What an owner of an organisation reads back names nothing
of other organisations.

All times are seconds since 1970. An answer is the named message or `Declined`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from vdx.pinhole import Name, Part, Sequence
from vdx.proof import ProofReport
from vdx.wire import Message

BASE = "base"
"""The fragment of the appliance's admins."""

MAX_TEXT = 16 * 1024 * 1024
"""Characters of a fragment's text, and of one list of prefixes: as much as a site file may have."""

MAX_WHY = 500
"""Characters of a reason: it stands in every line of the journal."""

MAX_CONFIRM = 24 * 3600
"""Seconds that a version may wait to be confirmed: who needs longer has not tried it."""

MAX_ROWS = 500
"""Versions or lines of the journal in one answer."""

Ref = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""The SHA-256 of a content, in hex. Shown to people by its first twelve digits."""

Number = Annotated[int, Meta(ge=1)]
"""The number of an applied version: counts up, and never names another one."""

Why = Annotated[str, Meta(max_length=MAX_WHY)]
Moment = Annotated[float, Meta(ge=0, le=253402300800)]
Rows = Annotated[int, Meta(ge=1, le=MAX_ROWS)]
Role = Literal["viewer", "operator", "owner", "admin"]
"""What somebody may do. viewer: read all but contents; operator: also confirm, cut, approve and end calls; admin: all.

owner: read, push, check, apply, confirm and take back the fragment of the own organisation, and nothing else.
"""

CutKind = Literal["peer", "organisation", "token"]
"""A SIP peer; an organisation with its peers, networks and agreements; a token.

A token is a principal, who is not answered any more, or one of callers, by its `jti` or bearer, which is not believed.
"""


class Principal(Part, frozen=True):
    """Who asks, by the name in `management.people`, and the most that this asking may be worth."""

    name: Name
    role: Role = "admin"


class Asking(Message, frozen=True, kw_only=True):
    """What every request carries. Without `principal` it is the local user at the other end of the socket."""

    principal: Principal | None = None


# Requests


class Push(Asking, frozen=True, tag="push"):
    """Keep a fragment as a candidate -> `Candidate`. Nothing that runs is changed.

    `expected` is the ref of the fragment that this one was made from, None for the first of its kind; where another one
    runs it is declined with `conflict`. `lists` are the lists of prefixes that the text names, by file name. What was
    pushed already, or runs, is the same candidate again.
    """

    id: Sequence
    fragment: Name
    text: Annotated[str, Meta(max_length=MAX_TEXT)]
    expected: Ref | None = None
    lists: dict[Name, Annotated[str, Meta(max_length=MAX_TEXT)]] = field(default_factory=dict)
    why: Why = ""


class Candidates(Asking, frozen=True, tag="candidates"):
    """Ask for what was pushed and does not run -> `CandidateList`."""

    id: Sequence


class Withdraw(Asking, frozen=True, tag="withdraw"):
    """Drop a candidate, also one that is to be applied later -> `Acknowledged`."""

    id: Sequence
    candidate: Ref
    why: Why = ""


class CheckVersion(Asking, frozen=True, tag="check-version"):
    """Compose a candidate with the newest of the rest and look for faults; `prove` with packets too -> `Checked`."""

    id: Sequence
    candidate: Ref
    prove: bool = False


class DiffVersion(Asking, frozen=True, tag="diff-version"):
    """What a candidate, or the version of a number, would change in what runs -> `Differences`."""

    id: Sequence
    candidate: Ref | None = None
    number: Number | None = None


class Approve(Asking, frozen=True, tag="approve"):
    """Agree to a candidate of somebody else, in the zones where one may -> `Candidate`."""

    id: Sequence
    candidate: Ref
    why: Why = ""


class ApplyVersion(Asking, frozen=True, tag="apply-version"):
    """Make a candidate active, now or `at` a time -> `Applied`.

    `confirm_within` seconds it has to be confirmed, or what ran before comes back; None: it stays at once.
    `break_glass` passes a freeze, change windows and approvals; admins only. A time has to lie in a change window.
    """

    id: Sequence
    candidate: Ref
    confirm_within: Annotated[int, Meta(ge=1, le=MAX_CONFIRM)] | None = None
    at: Moment | None = None
    why: Why = ""
    break_glass: bool = False


class Confirm(Asking, frozen=True, tag="confirm"):
    """Keep an applied version; None: the one that waits, where only one does -> `Applied`."""

    id: Sequence
    number: Number | None = None
    why: Why = ""


class TakeBack(Asking, frozen=True, tag="take-back"):
    """Undo an applied version that waits to be confirmed, without waiting -> `Applied`."""

    id: Sequence
    number: Number | None = None
    why: Why = ""


class Rollback(Asking, frozen=True, tag="rollback"):
    """Make the content of an earlier version active again -> `Applied`.

    Of the whole site, or of one `fragment` with the newest of the rest. Not held up by windows, freezes or approvals.
    """

    id: Sequence
    number: Number
    fragment: Name | None = None
    confirm_within: Annotated[int, Meta(ge=1, le=MAX_CONFIRM)] | None = None
    why: Why = ""


class History(Asking, frozen=True, tag="history"):
    """Ask for applied versions, the newest first, older than `before` -> `VersionList`."""

    id: Sequence
    before: Number | None = None
    rows: Rows = 50


class ShowFragment(Asking, frozen=True, tag="show-fragment"):
    """Ask for the content of a fragment, of the running version or of another one -> `FragmentContent`."""

    id: Sequence
    fragment: Name
    number: Number | None = None
    candidate: Ref | None = None


class Situation(Asking, frozen=True, tag="situation"):
    """Ask what runs, what waits and until when, what is held up and what is cut off -> `SituationReport`."""

    id: Sequence


class Freeze(Asking, frozen=True, tag="freeze"):
    """Let nothing be applied, until a time or until it is lifted -> `Acknowledged`."""

    id: Sequence
    why: Why
    until: Moment | None = None


class Unfreeze(Asking, frozen=True, tag="unfreeze"):
    """Let changes be applied again -> `Acknowledged`."""

    id: Sequence
    why: Why = ""


class Cut(Asking, frozen=True, tag="cut"):
    """Cut off a peer, an organisation or a principal at once, until `Uncut` -> `Acknowledged`.

    It ends their calls and flows, survives restarts and other versions, and is not held up by anything.
    """

    id: Sequence
    kind: CutKind
    name: Name
    why: Why = ""


class Uncut(Asking, frozen=True, tag="uncut"):
    """Let who was cut off come back -> `Acknowledged`."""

    id: Sequence
    kind: CutKind
    name: Name
    why: Why = ""


class Journal(Asking, frozen=True, tag="journal"):
    """Ask for lines of the journal after a number, oldest first; `verify` reads all of it again -> `JournalLines`."""

    id: Sequence
    after: Annotated[int, Meta(ge=0)] = 0
    rows: Rows = 100
    verify: bool = False


class Whoami(Asking, frozen=True, tag="whoami"):
    """Ask what the principal of this message may do -> `Who`."""

    id: Sequence


# Answers


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
`b2bua` refused, and what ran runs; storage: the disk is full or read-only, and what ran runs."""


class Declined(Message, frozen=True, tag="declined"):
    """Nothing was done, for these reasons: sentences with file and line where there is one.

    With `conflict`, `running` is the ref that should have been expected.
    """

    id: Sequence
    code: DeclineCode
    reasons: tuple[str, ...]
    running: Ref | None = None


AboutVersions = (
    Push
    | Candidates
    | Withdraw
    | CheckVersion
    | DiffVersion
    | Approve
    | ApplyVersion
    | Confirm
    | TakeBack
    | Rollback
    | History
    | ShowFragment
    | Situation
    | Freeze
    | Unfreeze
    | Cut
    | Uncut
    | Journal
    | Whoami
)
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
