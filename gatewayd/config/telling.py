"""What is told of versions: candidates, history, situation, journal, differences; to owners, of their own alone."""

from __future__ import annotations

import asyncio

import msgspec

from gatewayd.config import compare, gate, roles
from gatewayd.config.errors import DeclineError, StorageError
from gatewayd.config.events import Entry
from gatewayd.config.journal import Line
from gatewayd.config.keeper import Keeper
from gatewayd.config.roles import Asker
from gatewayd.config.state import Head, Kept, Made
from gatewayd.config.veil import Veil
from gatewayd.errors import VersionError
from gatewayd.version import compute
from nft.errors import NftError
from vdx import versions
from vdx.site.source import LoadedSite
from vdx.versions import BASE, Candidate


def candidate(number: int, kept: Kept) -> Candidate:
    """Tell of a candidate."""
    return Candidate(
        number,
        kept.ref,
        kept.fragment,
        "scheduled" if kept.due else "candidate",
        kept.who,
        kept.why,
        kept.at,
        kept.expected,
        kept.approvals,
        kept.due.at if kept.due else None,
    )


class Telling:
    """What a keeper knows, in words; `number` is everywhere the number of the request."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def veil(self, asker: Asker, ref: str | None = None) -> Veil | None:
        """Give the eyes of an owner, who knows its own fragment and candidate; None for all others."""
        if asker.role != "owner":
            return None
        state = self._keeper.state
        heads = state.heads()
        mine = {heads[asker.organisation].ref} if asker.organisation in heads else set()
        kept = state.candidates.get(ref or "")
        mine |= {kept.ref} if kept and kept.fragment == asker.organisation else set()
        sources = [await asyncio.to_thread(self._keeper.source, asker.organisation, each) for each in mine]
        texts = [each.text.decode(errors="replace") for each in sources]
        site = self._keeper.running.site
        others = {*site.delegations, *site.agreements.organisations, *heads} - {BASE}
        return Veil(asker.organisation, others, texts, self._keeper.seen.name)

    def running(self, number: int, fragment: str, head: Head) -> Candidate:
        """Tell that a content runs already."""
        made = self._keeper.state.versions[head.number]
        return Candidate(number, head.ref, fragment, "running", made.who, made.why, made.at)

    async def candidates(self, request: versions.Candidates, asker: Asker) -> versions.CandidateList:
        """List what was pushed."""
        kept = [each for each in self._keeper.state.candidates.values() if asker.sees({each.fragment})]
        return versions.CandidateList(request.id, tuple(candidate(request.id, each) for each in kept))

    async def history(self, request: versions.History, asker: Asker) -> versions.VersionList:
        """List applied versions."""
        found = [
            self._info(made, asker)
            for number, made in reversed(self._keeper.state.versions.items())
            if (request.before is None or number < request.before) and asker.sees(made.begun.changes)
        ]
        return versions.VersionList(request.id, tuple(found[: request.rows]))

    def _info(self, made: Made, asker: Asker) -> versions.VersionInfo:
        seen = {name: ref for name, ref in made.begun.changes.items() if asker.sees({name})}
        whole = made.begun.whole
        return versions.VersionInfo(
            made.number, whole, made.state, seen, made.who, made.why, made.at, made.begun.break_glass
        )  # fmt: skip

    async def show(self, request: versions.ShowFragment, asker: Asker) -> versions.FragmentContent:
        """Give the content of a fragment."""
        asker.require_fragment(request.fragment)
        state = self._keeper.state
        if request.candidate is not None:
            kept = state.candidates.get(request.candidate)
            ref = kept.ref if kept and kept.fragment == request.fragment else None
        elif request.number is not None:
            made = state.versions.get(request.number)
            ref = self._keeper.store.whole(made.begun.whole).get(request.fragment) if made else None
        else:
            head = state.heads().get(request.fragment)
            ref = head.ref if head else None
        if ref is None:
            raise DeclineError("unknown", f"there is no such content of fragment {request.fragment!r}")
        found = await asyncio.to_thread(self._keeper.source, request.fragment, ref)
        lists = {name: content.decode(errors="replace") for name, content in found.lists.items()}
        return versions.FragmentContent(request.id, request.fragment, ref, found.text.decode(errors="replace"), lists)

    async def situation(self, request: versions.Situation, asker: Asker) -> versions.SituationReport:
        """Tell how things stand."""
        keeper, state = self._keeper, self._keeper.state
        now = keeper.wall()
        number = state.running
        cuts = [
            cut
            for cut in state.cuts.values()
            if asker.role != "owner" or asker.organisation in {cut.name, cut.name.partition(".")[0]}
        ]
        return versions.SituationReport(
            request.id,
            now,
            number,
            state.versions[number].begun.whole,
            tuple(
                versions.FragmentState(name, head.ref, head.number)
                for name, head in state.heads().items()
                if asker.sees({name})
            ),
            tuple(
                versions.Waiting(made.number, tuple(made.begun.changes), made.who, keeper.left(made.number))
                for made in state.waiting
                if asker.sees(made.begun.changes)
            ),
            tuple(
                candidate(request.id, kept)
                for kept in state.candidates.values()
                if kept.due and asker.sees({kept.fragment})
            ),
            state.frozen if gate.frozen_at(state.frozen, now) else None,
            gate.open_at(keeper.running.site, now),
            tuple(cuts),
            tuple(keeper.alarms.values()) if asker.role != "owner" else (),
        )

    async def journal(self, request: versions.Journal, _asker: Asker) -> versions.JournalLines:
        """Give lines of the journal."""
        journal = self._keeper.journal
        damage = journal.damage
        if request.verify:
            damage = await self._verified()
        found = await asyncio.to_thread(journal.after, request.after)
        lines = tuple(_line(line) for line in found[: request.rows])
        return versions.JournalLines(request.id, lines, journal.last, journal.head, damage)

    async def _verified(self) -> str:
        """Read the whole journal again; what is wrong with it is an alarm from then on."""
        try:
            damage = await asyncio.to_thread(self._keeper.journal.verify)
        except StorageError as error:
            self._keeper.alarms["journal"] = str(error)
            raise
        if damage:
            self._keeper.alarms["journal"] = damage
        return damage

    async def whoami(self, request: versions.Whoami, asker: Asker) -> versions.Who:
        """Tell who asks."""
        return versions.Who(request.id, asker.name, asker.role, asker.organisation, roles.tags(asker.verbs))

    async def differences(self, number: int, loaded: LoadedSite, asker: Asker, ref: str | None) -> versions.Differences:
        """Tell what a site would change in what runs."""
        running, now = self._keeper.running, self._keeper.wall()
        try:
            found = await asyncio.to_thread(compare.difference, running, loaded)
        except NftError as error:
            raise VersionError(str(error)) from error
        paths = [versions.PathChange(each.verb, each.source, each.target, each.text) for each in found.paths]
        words = [word.text for word in found.words]
        lines: list[str] = []
        if veil := await self.veil(asker, ref):
            paths = [each for each in paths if veil.own(each.text)]
            words = [veil.sentence(each) for each in words if veil.own(each)]
        else:
            old, new = await asyncio.to_thread(lambda: (compute(running, {}), compute(loaded, {})))
            lines = await asyncio.to_thread(lambda: list(compare.ruleset(old, new, now)))
        most = compare.MAX_TOLD
        left_out = sum(max(0, len(each) - most) for each in (paths, words, lines))
        return versions.Differences(number, tuple(paths[:most]), tuple(words[:most]), tuple(lines[:most]), left_out)


def _line(line: Line) -> versions.JournalLine:
    entry: Entry = line.entry
    said = msgspec.to_builtins(entry.what)
    event = said.pop("event")
    details = {
        name: each if isinstance(each, str) else msgspec.json.encode(each).decode() for name, each in said.items()
    }
    if line.fault:
        details["fault"] = line.fault
    return versions.JournalLine(entry.number, entry.at, event, entry.who, entry.why, details, line.digest)
