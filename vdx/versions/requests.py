"""What may be asked about versions, each with the answer that it gets."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from vdx.pinhole import Name, Sequence
from vdx.versions.words import MAX_CONFIRM, MAX_TEXT, Asking, CutKind, Moment, Number, Ref, Rows, Why


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

    Of the whole site, or of one `fragment` with the newest of the rest. A whole version that ran is held up by a freeze
    alone; all else is judged and held up as by `ApplyVersion`. `break_glass` as there.
    """

    id: Sequence
    number: Number
    fragment: Name | None = None
    confirm_within: Annotated[int, Meta(ge=1, le=MAX_CONFIRM)] | None = None
    why: Why = ""
    break_glass: bool = False


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
