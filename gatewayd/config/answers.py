"""Answers to `vdx.versions`: who may ask what, and what becomes of it. What is done, `Keeper` does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from gatewayd.config import compare, fault, gate, roles
from gatewayd.config.errors import ConflictError, DeclineError, FaultError
from gatewayd.config.events import Approved, Pushed, Scheduled, Withdrawn
from gatewayd.config.keeper import GATEWAYD, Judge, Keeper
from gatewayd.config.merge import named_lists
from gatewayd.config.roles import Asker
from gatewayd.config.state import Head, Kept, Made
from gatewayd.config.stops import Stops
from gatewayd.config.telling import Telling, candidate
from gatewayd.config.whole import Source
from gatewayd.errors import ProofError
from vdx import versions
from vdx.errors import VdxError
from vdx.proof import ProofReport
from vdx.site.policy import MAX_LIST_BYTES
from vdx.site.source import LoadedSite
from vdx.versions import BASE, AboutVersions, Acknowledged, Applied, Candidate, Checked, Declined, ToldOfVersions

MISSED_SECONDS = 900.0
"""How late a candidate is still applied that was due while the appliance was off: after that, nobody watches."""

LOOK_SECONDS = 30.0
"""Between two looks at what is due by the date, which somebody may set anew."""

MAX_FRAGMENT = 2 * 1024 * 1024
"""Bytes of an organisation's text, apart from lists: ten thousand entries. Reading it takes time from everybody."""

MAX_FINDINGS = 200

Prove = Callable[[LoadedSite, LoadedSite], Awaitable[ProofReport]]
"""Proves a candidate beside what runs, with packets in a kernel; raises `ProofError` where it cannot."""

Handler = Callable[[Any, Asker], Awaitable[ToldOfVersions]]


class Answers:
    """One for each appliance."""

    def __init__(self, keeper: Keeper, prove: Prove) -> None:
        self._keeper = keeper
        self._prove = prove
        self._telling = Telling(keeper)
        stops = Stops(keeper)
        self._handlers: dict[type, Handler] = {
            versions.Push: self.push,
            versions.Withdraw: self.withdraw,
            versions.Candidates: self._telling.candidates,
            versions.CheckVersion: self.check,
            versions.DiffVersion: self.diff,
            versions.Approve: self.approve,
            versions.ApplyVersion: self.apply,
            versions.Confirm: self.confirm,
            versions.TakeBack: self.take_back,
            versions.Rollback: self.rollback,
            versions.History: self._telling.history,
            versions.ShowFragment: self._telling.show,
            versions.Situation: self._telling.situation,
            versions.Freeze: stops.freeze,
            versions.Unfreeze: stops.unfreeze,
            versions.Cut: stops.cut,
            versions.Uncut: stops.uncut,
            versions.Journal: self._telling.journal,
            versions.Whoami: self._telling.whoami,
        }

    async def ask(self, request: AboutVersions, *, local: bool) -> ToldOfVersions:
        """Carry a request out, or decline it; `local`: root on this machine asks, otherwise `gatewayd-web`."""
        try:
            asker = self.asker(request.principal, local=local)
        except DeclineError as error:
            return Declined(request.id, error.code, error.reasons)
        try:
            asker.require(request)
            with fault.told("this"):
                return await self._handlers[type(request)](request, asker)
        except FaultError as error:
            return Declined(request.id, error.code, error.reasons)
        except ConflictError as error:
            return Declined(request.id, error.code, await self._told(asker, error, request), error.running)
        except DeclineError as error:
            return Declined(request.id, error.code, await self._told(asker, error, request))
        except VdxError as error:
            return Declined(request.id, "invalid", await self._told(asker, error, request))

    # Candidates

    async def push(self, request: versions.Push, asker: Asker) -> Candidate:
        """Keep a candidate."""
        asker.require_fragment(request.fragment)
        site = self._keeper.running.site
        if request.fragment != BASE and request.fragment not in site.delegations:
            known = ", ".join([BASE, *site.delegations]) if asker.role != "owner" else BASE
            raise DeclineError("unknown", f"there is no fragment {request.fragment!r} here: known are {known}")
        size = len(request.text) + sum(map(len, request.lists.values()))
        ref = await self._keeper.keep(lambda: self._keep(request), size, lambda ref: self._note(ref, request, asker))
        head = self._keeper.state.heads().get(request.fragment)
        if head and head.ref == ref:
            return self._telling.running(request.id, request.fragment, head)
        return candidate(request.id, self._keeper.state.candidates[ref])

    def _keep(self, request: versions.Push) -> str:
        file = self._keeper.seen.name if request.fragment == BASE else f"{request.fragment}.yaml"
        source = Source(request.fragment, file, request.text.encode())
        if request.fragment != BASE and len(source.text) > MAX_FRAGMENT:
            raise DeclineError("invalid", f"{file}: a fragment of more than {MAX_FRAGMENT >> 20} MiB: use lists")
        named = named_lists(source)
        lists = {name: request.lists[name].encode() for name in named if name in request.lists}
        if sum(map(len, lists.values())) > MAX_LIST_BYTES:
            raise DeclineError("invalid", f"{file}: its lists are larger than {MAX_LIST_BYTES >> 20} MiB together")
        return self._keeper.store.put(request.fragment, source.text, lists)

    async def _note(self, ref: str, request: versions.Push, asker: Asker) -> None:
        """Note a candidate, unless it runs or is one already; raises `ConflictError` where another one was expected."""
        state = self._keeper.state
        head = state.heads().get(request.fragment)
        runs = head.ref if head else None
        if runs == ref:
            return
        if runs != request.expected:
            text = f"fragment {request.fragment!r} has changed meanwhile: look at what runs, and push again"
            raise ConflictError(text, runs)
        there = state.candidates.get(ref)
        if there is None or there.expected != request.expected:
            await self._keeper.add(Pushed(ref, request.fragment, request.expected), asker.name, request.why)

    async def withdraw(self, request: versions.Withdraw, asker: Asker) -> Acknowledged:
        """Drop a candidate."""
        kept = self._kept(request.candidate, asker)
        await self._keeper.add(Withdrawn(kept.ref), asker.name, request.why)
        return Acknowledged(request.id)

    async def check(self, request: versions.CheckVersion, asker: Asker) -> Checked:
        """Look for faults, and for what would hold it up."""
        kept = self._kept(request.candidate, asker)
        now = self._keeper.wall()
        try:
            loaded = await self._composed(kept)
            version = await asyncio.to_thread(compare.sound, loaded, now)
        except FaultError:
            raise
        except VdxError as error:
            return Checked(request.id, kept.ref, await self._told(asker, error, request))
        found = await asyncio.to_thread(lambda: list(compare.findings(version, now)))
        veil = await self._telling.veil(asker, kept.ref)
        if veil:
            mine = f"{asker.organisation}.yaml:"
            found = [each for each in found if each.text.startswith(mine) and veil.own(each.text)]
        proof = await self._prove(loaded, self._keeper.running) if request.prove else None
        faults = tuple(map(str, proof.differences)) if proof else ()
        if veil:
            faults = tuple(dict.fromkeys(map(veil.sentence, faults)))
            proof = None if proof is None else veil.proof(proof)
        waits_for = await self._missing(kept, loaded, asker.name)
        held_up = gate.hindrances(self._keeper.running.site, self._keeper.state.frozen, now, waits_for)
        texts = tuple(each.text for each in held_up)
        return Checked(request.id, kept.ref, faults, tuple(found[:MAX_FINDINGS]), texts, waits_for, proof)

    async def diff(self, request: versions.DiffVersion, asker: Asker) -> versions.Differences:
        """Say what would change."""
        if (request.candidate is None) == (request.number is None):
            raise DeclineError("invalid", "name a candidate or the number of a version")
        if request.candidate is not None:
            kept = self._kept(request.candidate, asker)
            loaded = await self._composed(kept)
        else:
            made = self._made(request.number or 0, asker)
            fragment = asker.organisation if asker.role == "owner" else None
            loaded = (await self._keeper.compose(self._earlier(made, fragment))).loaded
        return await self._telling.differences(request.id, loaded, asker, request.candidate)

    async def approve(self, request: versions.Approve, asker: Asker) -> Candidate:
        """Note that another person agrees."""
        kept = self._kept(request.candidate, asker)
        if asker.name == kept.who:
            raise DeclineError("forbidden", f"{asker.name!r} has pushed this: another person has to approve it")
        loaded = await self._composed(kept)
        zones = await asyncio.to_thread(compare.touched, self._keeper.running, loaded)
        asked = self._keeper.running.site.management.approvers
        mine = tuple(str(zone) for zone, names in asked.items() if zone in zones and asker.name in names)
        if not mine:
            text = f"{asker.name!r} is no approver of a zone that this changes: see `management.approvers` of the base"
            raise DeclineError("forbidden", text)
        await self._keeper.add(Approved(kept.ref, mine), asker.name, request.why)
        return candidate(request.id, self._keeper.state.candidates[kept.ref])

    # What runs

    async def apply(self, request: versions.ApplyVersion, asker: Asker) -> Applied:
        """Bring a candidate into force, now or later."""
        asker.require_glass(request)
        async with self._keeper.changing:
            already = next((h for h in self._keeper.state.heads().items() if h[1].ref == request.candidate), None)
            if already is not None:
                asker.require_fragment(already[0])
                return self._applied(request.id, already[1].number, changed=False)
            kept = self._kept(request.candidate, asker)
            if request.at is not None and request.at > self._keeper.wall():
                return await self._later(request, kept, asker)
            why = request.why or kept.why
            made = await self._apply(kept, asker.name, why, request.confirm_within, request.break_glass)
            return self._applied(request.id, made.number)

    async def _later(self, request: versions.ApplyVersion, kept: Kept, asker: Asker) -> Applied:
        assert request.at is not None  # noqa: S101 - it was looked at before
        await self._judge(await self._composed(kept))
        site = self._keeper.running.site
        if not request.break_glass and not gate.open_at(site, request.at):
            raise DeclineError("closed", "that time lies in no change window")
        event = Scheduled(kept.ref, request.at, request.confirm_within, request.break_glass)
        await self._keeper.add(event, asker.name, request.why)
        self._keeper.wake()
        running = self._keeper.state.running
        return Applied(request.id, running, kept.ref, at=request.at, changed=False)

    async def _apply(self, kept: Kept, who: str, why: str, confirm_within: int | None, break_glass: bool) -> Made:
        head = self._keeper.state.heads().get(kept.fragment)
        if (head.ref if head else None) != kept.expected:
            text = f"fragment {kept.fragment!r} has changed since this was pushed: look at what runs, and push again"
            raise ConflictError(text, head.ref if head else None)
        return await self._keeper.change(
            {kept.fragment: kept.ref},
            who,
            why,
            confirm_within=confirm_within,
            break_glass=break_glass,
            judge=self._judging([kept], who, break_glass=break_glass),
        )

    def _judging(self, contents: Iterable[Kept], who: str, *, break_glass: bool) -> Judge:
        async def judge(loaded: LoadedSite) -> None:
            if not break_glass:
                waits_for = [zone for kept in contents for zone in await self._missing(kept, loaded, who)]
                state, now = self._keeper.state, self._keeper.wall()
                for each in gate.hindrances(self._keeper.running.site, state.frozen, now, waits_for):
                    raise DeclineError(each.code, each.text)
            await self._judge(loaded)

        return judge

    async def _judge(self, loaded: LoadedSite) -> None:
        """Raise `VdxError` for what is not sound, and for what the kernel does otherwise than its policy says."""
        await asyncio.to_thread(compare.sound, loaded, self._keeper.wall())
        if self._keeper.running.site.management.prove:
            report = await self._prove(loaded, self._keeper.running)
            if not report.holds:
                raise ProofError("\n".join(report.sentences()))

    async def reload(self) -> None:
        """Take the site file from disk, as root on this machine says; raises `VdxError`."""
        async with self._keeper.changing:
            frozen, now = self._keeper.state.frozen, self._keeper.wall()
            if frozen is not None and gate.frozen_at(frozen, now):
                raise DeclineError("closed", f"changes are frozen by {frozen.who} ({frozen.why}): lift that first")
            await self._keeper.reload(self._judge)

    async def confirm(self, request: versions.Confirm, asker: Asker) -> Applied:
        """Have a version stay."""
        async with self._keeper.changing:
            made = self._waiting(request.number, asker)
            await self._keeper.confirm(made.number, asker.name, request.why)
        return self._applied(request.id, made.number)

    async def take_back(self, request: versions.TakeBack, asker: Asker) -> Applied:
        """Go back at once."""
        async with self._keeper.changing:
            made = self._waiting(request.number, asker)
            await self._keeper.undo((made.number,), asker.name, request.why)
        return self._applied(request.id, self._keeper.state.running)

    async def rollback(self, request: versions.Rollback, asker: Asker) -> Applied:
        """Bring the content of an earlier version back: at once if it ran so as a whole, else as `apply` does."""
        asker.require_glass(request)
        fragment = request.fragment or (asker.organisation if asker.role == "owner" else None)
        if fragment is not None:
            asker.require_fragment(fragment)
        made = self._made(request.number, asker)
        async with self._keeper.changing:
            heads = self._keeper.state.heads()
            target = self._earlier(made, fragment)
            changes = {
                name: target[name].ref if name in target else None
                for name in dict.fromkeys((*heads, *target))
                if heads.get(name, Head("", 0)).ref != target.get(name, Head("", 0)).ref
            }
            if not changes:
                return self._applied(request.id, self._keeper.state.running, changed=False)
            done = await self._keeper.change(
                changes,
                asker.name,
                request.why or f"back to version {request.number}",
                confirm_within=request.confirm_within,
                break_glass=request.break_glass,
                judge=self._judging_back(request, fragment, made, changes, asker),
            )
        return self._applied(request.id, done.number)

    def _judging_back(
        self,
        request: versions.Rollback,
        fragment: str | None,
        made: Made,
        changes: Mapping[str, str | None],
        asker: Asker,
    ) -> Judge:
        if fragment is not None or made.state not in {"running", "replaced"}:  # nobody has seen this beside the rest
            there, now = self._keeper.state.candidates, self._keeper.wall()
            contents = [
                there.get(ref or "") or Kept(ref or "", name, None, asker.name, "", now)
                for name, ref in changes.items()
            ]
            return self._judging(contents, asker.name, break_glass=request.break_glass)

        async def thawed(_loaded: LoadedSite) -> None:
            for each in gate.freezes(self._keeper.state.frozen, self._keeper.wall()):
                if not request.break_glass:
                    raise DeclineError(each.code, each.text)

        return thawed

    # What is due by the date

    async def due(self) -> float:
        """Apply the candidates whose time has come; give the seconds until the next look."""
        now = self._keeper.wall()
        scheduled = [kept for kept in self._keeper.state.candidates.values() if kept.due]
        for kept in scheduled:
            if kept.due is not None and kept.due.at <= now:
                await self._apply_due(kept, now - kept.due.at)
        left = [kept.due.at - now for kept in self._keeper.state.candidates.values() if kept.due]
        return min([LOOK_SECONDS, *(max(0.0, each) for each in left)])

    async def _apply_due(self, kept: Kept, late: float) -> None:
        due = kept.due
        assert due is not None  # noqa: S101 - `due` chose it
        try:
            if late > MISSED_SECONDS:
                raise DeclineError("closed", "gatewayd did not run at that time: apply it by hand")
            async with self._keeper.changing:
                await self._apply(kept, kept.due_by, kept.why, due.confirm_within, due.break_glass)
        except VdxError as error:
            reason = str(error).partition("\n")[0]
            self._keeper.alarms["due"] = (
                f"candidate {kept.ref[:12]} of {kept.who} was not applied at its time: {reason}"
            )
            await self._keeper.note(Withdrawn(kept.ref), GATEWAYD, f"not applied at its time: {error}")

    # What the above have in common

    def asker(self, principal: versions.Principal | None, *, local: bool) -> Asker:
        """Give who asks; raises `DeclineError` for whoever may not ask at all."""
        if local:
            return roles.local(principal)
        cut = frozenset(name for kind, name in self._keeper.state.cuts if kind == "token")
        return roles.remote(principal, self._keeper.running.site.management, cut)

    def _kept(self, ref: str, asker: Asker) -> Kept:
        kept = self._keeper.state.candidates.get(ref)
        if kept is None or not asker.sees({kept.fragment}):
            raise DeclineError("unknown", f"there is no candidate {ref[:12]} any more: push it again")
        return kept

    def _made(self, number: int, asker: Asker) -> Made:
        made = self._keeper.state.versions.get(number)
        if made is None or not asker.sees(made.begun.changes):
            raise DeclineError("unknown", f"there is no version {number}: `history` lists them")
        return made

    def _waiting(self, number: int | None, asker: Asker) -> Made:
        mine = [made for made in self._keeper.state.waiting if asker.sees(made.begun.changes)]
        found = [made for made in mine if number in {None, made.number}]
        if not found:
            raise DeclineError("unknown", "no version waits to be confirmed")
        if len(found) > 1:
            numbers = " and ".join(str(made.number) for made in found)
            raise DeclineError("invalid", f"versions {numbers} wait: say which one is meant")
        for fragment in found[0].begun.changes if asker.role == "owner" else ():
            asker.require_fragment(fragment)
        return found[0]

    def _earlier(self, made: Made, fragment: str | None) -> dict[str, Head]:
        """Give the contents of an earlier version; of one fragment with the newest of the rest."""
        then = {name: Head(ref, made.number) for name, ref in self._keeper.store.whole(made.begun.whole).items()}
        if fragment is None:
            return then
        heads = {name: head for name, head in self._keeper.state.heads().items() if name != fragment}
        return heads | ({fragment: then[fragment]} if fragment in then else {})

    async def _composed(self, kept: Kept) -> LoadedSite:
        heads = self._keeper.state.heads() | {kept.fragment: Head(kept.ref, 0)}
        return (await self._keeper.compose(heads)).loaded

    async def _missing(self, kept: Kept, loaded: LoadedSite, applying: str) -> tuple[str, ...]:
        management = self._keeper.running.site.management
        if not management.approvers:
            return ()
        zones = await asyncio.to_thread(compare.touched, self._keeper.running, loaded)
        return gate.missing(management, zones, kept, applying)

    def _applied(self, number: int, version: int, *, changed: bool = True) -> Applied:
        made = self._keeper.state.versions[version]
        confirm_by = self._keeper.wall() + self._keeper.left(version) if made.state == "waiting" else None
        return Applied(number, version, made.begun.whole, confirm_by, changed=changed)

    async def _told(self, asker: Asker, error: VdxError, request: AboutVersions) -> tuple[str, ...]:
        veil = await self._telling.veil(asker, getattr(request, "candidate", None))
        return veil.sentences(str(error)) if veil else tuple(str(error).splitlines())
