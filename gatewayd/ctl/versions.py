"""`gatewayctl push`, `diff`, `apply`, `confirm` and all else about versions. Status: 0 done, 1 declined, 2 no answer.

A FILE is pushed first, which keeps it as a candidate and changes nothing; a candidate is also named by the first digits
of its content.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from gatewayd.config.file import Seen
from gatewayd.config.journal import NAME, chain
from gatewayd.config.store import Loose
from gatewayd.ctl import remote, shown
from gatewayd.ctl.ask import Asking
from gatewayd.ctl.remote import Remote
from gatewayd.errors import VersionError
from vdx import versions
from vdx.control import FromGatewayd, ToGatewayd
from vdx.versions import BASE, MAX_CONFIRM, Declined, Principal

CONFIRM_SECONDS = 120
"""How long an applied version waits to be confirmed, unless another time is given."""

STATE_DIR = Path("/var/lib/vdx")

REF = re.compile(r"[0-9a-f]{8,64}")
"""How a candidate is named: by the first digits of its content at least."""

T = TypeVar("T", bound=msgspec.Struct)
Verb = Callable[["Talk", argparse.Namespace], Awaitable[FromGatewayd]]


class DeclinedError(Exception):
    """`gatewayd` has declined."""

    def __init__(self, answer: Declined) -> None:
        super().__init__("\n".join(answer.reasons))
        self.answer = answer


class Talk:
    """Questions about versions over one connection, in the name of whoever called."""

    def __init__(self, asking: Asking | Remote) -> None:
        self._asking = asking
        self.principal = _caller()

    async def ask(self, request: ToGatewayd, kind: type[T]) -> T:
        """Ask; raises `DeclinedError`, or `VersionError` for an answer of another kind."""
        answer = await self._asking.ask(request)
        if isinstance(answer, Declined):
            raise DeclinedError(answer)
        if not isinstance(answer, kind):
            raise VersionError(f"gatewayd gave an odd answer: {getattr(answer, 'reason', type(answer).__name__)}")
        return answer

    async def candidate(self, options: argparse.Namespace) -> str:
        """Give the candidate that is meant: by its digits, or a file that is pushed."""
        given: str = options.what
        if REF.fullmatch(given) and not Path(given).exists():
            listed = await self.ask(versions.Candidates(1, principal=self.principal), versions.CandidateList)
            found = [each.ref for each in listed.candidates if each.ref.startswith(given)]
            if len(found) != 1:
                raise VersionError(f"{len(found)} candidates begin with {given}: `gatewayctl candidates` lists them")
            return found[0]
        return (await self.push(Path(given), options)).ref

    async def push(self, path: Path, options: argparse.Namespace) -> versions.Candidate:
        """Push a file with the lists beside it."""
        loose = Loose()
        Seen(path).keep(loose)
        expected = options.expected
        if expected is None:
            report = await self.ask(versions.Situation(1, principal=self.principal), versions.SituationReport)
            expected = next((each.ref for each in report.fragments if each.name == options.organisation), None)
        lists = {name: content.decode(errors="replace") for name, content in loose.lists.items()}
        text = loose.text.decode(errors="replace")
        push = versions.Push(1, options.organisation, text, expected, lists, options.why, principal=self.principal)
        return await self.ask(push, versions.Candidate)


def _caller() -> Principal | None:
    name = os.environ.get("SUDO_USER", "")[:64]
    return Principal(name) if name and name != "root" else None


def run(options: argparse.Namespace) -> int:
    """Carry a verb out; raises `VdxError`."""
    if options.verb == "journal" and options.file is not None:
        return _offline(options.file)
    return asyncio.run(_run(options))


async def _run(options: argparse.Namespace) -> int:
    asking = remote.connection(options) if options.host else await Asking.at(options.run_dir)
    try:
        answer = await VERBS[options.verb](Talk(asking), options)
    except DeclinedError as declined:
        if options.json:
            print(msgspec.json.encode(declined.answer).decode())
        else:
            print(declined, file=sys.stderr)
        return 1
    finally:
        asking.close()
    print(msgspec.json.encode(answer).decode() if options.json else shown.text(answer, time.time()))
    return 1 if shown.failed(answer) else 0


def _offline(file: Path) -> int:
    try:
        damage = chain(file.read_bytes())
    except OSError as error:
        raise VersionError(f"{file} cannot be read: {error.strerror}") from error
    print(damage or f"{file}: every line follows the one before it", file=sys.stderr if damage else sys.stdout)
    return 1 if damage else 0


async def _push(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    return await talk.push(Path(options.what), options)


async def _check(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    ref = await talk.candidate(options)
    return await talk.ask(versions.CheckVersion(1, ref, options.prove, principal=talk.principal), versions.Checked)


async def _diff(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    if options.number:
        request = versions.DiffVersion(1, number=options.number, principal=talk.principal)
    else:
        request = versions.DiffVersion(1, await talk.candidate(options), principal=talk.principal)
    return await talk.ask(request, versions.Differences)


async def _apply(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    ref = await talk.candidate(options)
    within = None if options.no_confirm else options.confirm_within
    request = versions.ApplyVersion(
        1, ref, within, options.at, options.why, options.break_glass, principal=talk.principal
    )  # fmt: skip
    return await talk.ask(request, versions.Applied)


async def _approve(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    ref = await talk.candidate(options)
    return await talk.ask(versions.Approve(1, ref, options.why, principal=talk.principal), versions.Candidate)


async def _withdraw(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    ref = await talk.candidate(options)
    return await talk.ask(versions.Withdraw(1, ref, options.why, principal=talk.principal), versions.Acknowledged)


async def _confirm(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    return await talk.ask(versions.Confirm(1, options.number, options.why, principal=talk.principal), versions.Applied)


async def _take_back(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    return await talk.ask(versions.TakeBack(1, options.number, options.why, principal=talk.principal), versions.Applied)


async def _rollback(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    fragment = options.organisation if options.organisation != BASE or options.only_base else None
    within = None if options.no_confirm else options.confirm_within
    glass = options.break_glass
    request = versions.Rollback(1, options.number, fragment, within, options.why, glass, principal=talk.principal)
    return await talk.ask(request, versions.Applied)


async def _candidates(talk: Talk, _options: argparse.Namespace) -> FromGatewayd:
    return await talk.ask(versions.Candidates(1, principal=talk.principal), versions.CandidateList)


async def _versions(talk: Talk, _options: argparse.Namespace) -> FromGatewayd:
    return await talk.ask(versions.Situation(1, principal=talk.principal), versions.SituationReport)


async def _history(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    return await talk.ask(versions.History(1, rows=options.rows, principal=talk.principal), versions.VersionList)


async def _fragment(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    request = versions.ShowFragment(1, options.organisation, options.number, principal=talk.principal)
    return await talk.ask(request, versions.FragmentContent)


async def _freeze(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    return await talk.ask(
        versions.Freeze(1, options.why, options.until, principal=talk.principal), versions.Acknowledged
    )


async def _unfreeze(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    return await talk.ask(versions.Unfreeze(1, options.why, principal=talk.principal), versions.Acknowledged)


async def _cut(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    request = versions.Cut if options.verb == "cut" else versions.Uncut
    asked = request(1, options.kind, options.name, options.why, principal=talk.principal)
    return await talk.ask(asked, versions.Acknowledged)


async def _journal(talk: Talk, options: argparse.Namespace) -> FromGatewayd:
    verify = options.action == "verify"
    after = options.after
    if after is None:
        newest = await talk.ask(versions.Journal(1, 2**53, 1, principal=talk.principal), versions.JournalLines)
        after = newest.last if verify else max(0, newest.last - options.rows)
    request = versions.Journal(1, after, options.rows, verify, principal=talk.principal)
    return await talk.ask(request, versions.JournalLines)


VERBS: dict[str, Verb] = {
    "push": _push,
    "check": _check,
    "diff": _diff,
    "apply": _apply,
    "approve": _approve,
    "withdraw": _withdraw,
    "confirm": _confirm,
    "take-back": _take_back,
    "rollback": _rollback,
    "candidates": _candidates,
    "versions": _versions,
    "history": _history,
    "fragment": _fragment,
    "freeze": _freeze,
    "unfreeze": _unfreeze,
    "cut": _cut,
    "uncut": _cut,
    "journal": _journal,
}
"""Every verb here; `check` comes here for a candidate or a fragment alone."""


def add(verbs: Any) -> None:  # noqa: ANN401 - argparse does not name the type of its subparsers
    """Add the verbs to a parser, `check` apart."""
    for name, text in (
        ("push", "keep a file as a candidate; nothing is changed"),
        ("diff", "what a candidate would open, close and change"),
        ("apply", "make a candidate active; without `confirm` what was before comes back"),
        ("approve", "agree to the candidate of somebody else"),
        ("withdraw", "drop a candidate, also one that is to be applied later"),
    ):
        verb = verbs.add_parser(name, help=text)
        optional = "?" if name == "diff" else None
        verb.add_argument("what", nargs=optional, metavar="FILE" if name == "push" else "CANDIDATE|FILE")
        of_fragment(verb)
        if name == "diff":
            verb.add_argument("--number", type=int, help="what going back to this version would change")
        if name == "apply":
            _confirming(verb)
            verb.add_argument("--at", type=shown.moment, metavar="TIME", help="apply it then, as 2026-01-31T22:00Z")
            _glass(verb)
    for name, text in (("confirm", "keep what was applied"), ("take-back", "undo what waits to be confirmed, now")):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("number", type=int, nargs="?", help="the version (default: the one that waits)")
        _why(verb)
    back = verbs.add_parser("rollback", help="make an earlier version active again")
    back.add_argument("number", type=int)
    of_fragment(back)
    back.add_argument("--only-base", action="store_true", help="the base alone, with the newest of the rest")
    _confirming(back)
    _glass(back)
    verbs.add_parser("candidates", help="what was pushed and does not run")
    verbs.add_parser("versions", help="what runs, what waits, what is frozen and who is cut off")
    history = verbs.add_parser("history", help="applied versions: who, why, when")
    history.add_argument("--rows", type=int, default=50)
    content = verbs.add_parser("fragment", help="the content of the base or of an organisation's fragment")
    content.add_argument("--number", type=int, help="of this version (default: what runs)")
    of_fragment(content)
    freeze = verbs.add_parser("freeze", help="let nothing be applied")
    freeze.add_argument("why")
    freeze.add_argument("--until", type=shown.moment, metavar="TIME")
    _why(verbs.add_parser("unfreeze", help="let changes be applied again"))
    for name, text in (("cut", "cut off at once"), ("uncut", "let come back")):
        verb = verbs.add_parser(name, help=f"{text} a peer, an organisation or a token")
        verb.add_argument("kind", choices=("peer", "organisation", "token"))
        verb.add_argument("name")
        _why(verb)
    journal = verbs.add_parser("journal", help="who did what and why; verify: whether its chain is whole")
    journal.add_argument("action", nargs="?", choices=("show", "verify"), default="show")
    journal.add_argument("--after", type=int, help="lines after this number (default: the last ones)")
    journal.add_argument("--rows", type=int, default=20)
    journal.add_argument(
        "--file", type=Path, help=f"verify a copy, as of {STATE_DIR / 'versions' / NAME}, without gatewayd"
    )


def of_fragment(verb: argparse.ArgumentParser) -> None:
    """Add whose fragment is meant."""
    verb.add_argument("--organisation", default=BASE, metavar="NAME", help="whose fragment it is (default: the base)")
    verb.add_argument("--expected", metavar="REF", help="what it was made from (default: what runs now)")
    _why(verb)


def _why(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--why", default="", help="for the journal")


def _confirming(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--confirm-within",
        type=_seconds,
        default=CONFIRM_SECONDS,
        metavar="SECONDS",
        help="how long it waits for `confirm` (default: %(default)s)",
    )
    verb.add_argument("--no-confirm", action="store_true", help="it stays at once")


def _glass(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--break-glass", action="store_true", help="pass freeze, windows and approvals; say --why")


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_CONFIRM:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 1 to {MAX_CONFIRM}")
    return int(text)
