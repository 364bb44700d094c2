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

from vdx.versions.answers import (
    DECLINED_STATUS,
    Acknowledged,
    Applied,
    Approval,
    Candidate,
    CandidateList,
    Checked,
    CutInfo,
    DeclineCode,
    Declined,
    Differences,
    Finding,
    FragmentContent,
    FragmentState,
    Frozen,
    JournalLine,
    JournalLines,
    PathChange,
    SituationReport,
    ToldOfVersions,
    VersionInfo,
    VersionList,
    VersionState,
    Waiting,
    Who,
)
from vdx.versions.requests import (
    AboutVersions,
    ApplyVersion,
    Approve,
    Candidates,
    CheckVersion,
    Confirm,
    Cut,
    DiffVersion,
    Freeze,
    History,
    Journal,
    Push,
    Rollback,
    ShowFragment,
    Situation,
    TakeBack,
    Uncut,
    Unfreeze,
    Whoami,
    Withdraw,
)
from vdx.versions.words import (
    BASE,
    MAX_CONFIRM,
    MAX_ROWS,
    MAX_TEXT,
    MAX_WHY,
    Asking,
    CutKind,
    Moment,
    Number,
    Principal,
    Ref,
    Role,
    Rows,
    Why,
)

__all__ = [
    "BASE",
    "DECLINED_STATUS",
    "MAX_CONFIRM",
    "MAX_ROWS",
    "MAX_TEXT",
    "MAX_WHY",
    "AboutVersions",
    "Acknowledged",
    "Applied",
    "ApplyVersion",
    "Approval",
    "Approve",
    "Asking",
    "Candidate",
    "CandidateList",
    "Candidates",
    "CheckVersion",
    "Checked",
    "Confirm",
    "Cut",
    "CutInfo",
    "CutKind",
    "DeclineCode",
    "Declined",
    "DiffVersion",
    "Differences",
    "Finding",
    "FragmentContent",
    "FragmentState",
    "Freeze",
    "Frozen",
    "History",
    "Journal",
    "JournalLine",
    "JournalLines",
    "Moment",
    "Number",
    "PathChange",
    "Principal",
    "Push",
    "Ref",
    "Role",
    "Rollback",
    "Rows",
    "ShowFragment",
    "Situation",
    "SituationReport",
    "TakeBack",
    "ToldOfVersions",
    "Uncut",
    "Unfreeze",
    "VersionInfo",
    "VersionList",
    "VersionState",
    "Waiting",
    "Who",
    "Whoami",
    "Why",
    "Withdraw",
]
