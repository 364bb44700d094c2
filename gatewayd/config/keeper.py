"""The site's versions on one appliance: what runs, what waits, and how one takes the place of the other.

Everything that lasts is in the journal before it is done, so that wherever the power goes, the next start finds either
what was confirmed or knows that something else was begun, and goes back:

    contents written -> `Begun` in the journal -> kernel and b2bua -> `Confirmed` in the journal
                        |                         |                   |
    power cut:          old                       old                 new

The deadline of a version that waits is counted by the clock of this boot, which runs on while the machine sleeps and is
moved by nobody; after any restart of `gatewayd` there is nothing left to wait for, and the version before runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from gatewayd.config import fault
from gatewayd.config.cut import Cut
from gatewayd.config.disk import Disk
from gatewayd.config.errors import ConflictError, DeclineError, StorageError
from gatewayd.config.events import Begun, Confirmed, CutOff, Entry, Happening, Restored, Undone
from gatewayd.config.file import Seen
from gatewayd.config.journal import Journal
from gatewayd.config.merge import Merged, merge
from gatewayd.config.state import Head, Made, State
from gatewayd.config.store import Store
from gatewayd.config.whole import Source
from vdx.errors import VdxError
from vdx.site.source import LoadedSite
from vdx.versions import BASE

KEPT_VERSIONS = 100
"""Versions whose contents stay on disk: as far back as anybody rolls."""

SWEEP_EVERY = 20
"""Versions between two looks for contents that nothing needs: each look reads the tables of all that are kept."""

SWEEP_BYTES = 64 * 1024 * 1024
"""Pushed bytes until the same: who pushes again and again does not fill the disk with what nobody applies."""

AGAIN_SECONDS = 5.0
"""Until it is tried again to bring something back that kernel or `b2bua` refused."""

STARTS = 5
"""Earlier versions that are tried when what is confirmed cannot start: further back, the site was another one."""

GATEWAYD = "gatewayd"
"""Stands in the journal for what nobody asked for."""

log = logging.getLogger(__name__)


Activate = Callable[[LoadedSite], Awaitable[None]]
"""Makes a site active in kernel and `b2bua`, or raises `VdxError` and leaves all as it was."""

Judge = Callable[[LoadedSite], Awaitable[None]]
"""Looks at a candidate before anything is changed; raises `VdxError`."""


@dataclass(slots=True)
class Keeper:
    """`seen` reads the site file that `gatewayd` was started with; `wall` and `boot` are clocks in seconds."""

    disk: Disk
    seen: Seen
    activate: Activate
    wall: Callable[[], float]
    boot: Callable[[], float]
    active_file: Callable[[Merged, Source], None]
    state: State = field(default_factory=State)
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    storing: asyncio.Lock = field(default_factory=asyncio.Lock)
    noting: asyncio.Lock = field(default_factory=asyncio.Lock)
    alarms: dict[str, str] = field(default_factory=dict)
    merged: Merged | None = None
    journal: Journal = field(init=False)
    store: Store = field(init=False)
    _due: dict[int, float] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _again: bool = False
    _pushed: int = 0

    def __post_init__(self) -> None:
        """Read what is on the disk."""
        self.store = Store(self.disk)
        self.journal = Journal(self.disk, self.wall, self.state.take)
        if self.journal.damage:
            self.alarms["journal"] = self.journal.damage

    @property
    def running(self) -> LoadedSite:
        """The site that runs."""
        assert self.merged is not None  # noqa: S101 - nothing is asked before `start`
        return self.merged.loaded

    # Start

    async def start(self, first: Callable[[LoadedSite], Awaitable[None]]) -> LoadedSite:
        """Make the first site active by `first`: what is confirmed, or the best that starts. Raises `VdxError`.

        What waited when `gatewayd` ended is taken back. The site file counts as long as nobody has pushed a base.
        """
        if left := self.state.waiting:
            await self.note(
                Undone(tuple(made.number for made in left)), why="gatewayd was restarted before it was confirmed"
            )
        failures: list[VdxError] = []
        for name, changes, heads in self._starts(failures):
            try:
                merged = await self.compose(heads)
                with fault.told(f"starting {name}"):
                    await first(merged.loaded)
            except VdxError as error:
                failures.append(error)
                log.error("version.unstartable what=%r: %s", name, error)  # noqa: TRY400 - sentences
                continue
            if failures:
                self.alarms["start"] = f"{name} runs, because what should run could not start: {failures[0]}"
            if changes:
                await self._taken(changes, heads)
            await self._settled(merged)
            await self.sweep()
            return merged.loaded
        raise failures[0]

    def _starts(self, failures: list[VdxError]) -> list[tuple[str, dict[str, str | None], dict[str, Head]]]:
        """Give what may be started, the best first: a name, what of it is new, the refs."""
        found: list[tuple[str, dict[str, str | None], dict[str, Head]]] = []
        confirmed = self.state.confirmed
        base = confirmed.get(BASE)
        from_file = base is None or self.state.versions[base.number].begun.from_file
        ref = ""
        if from_file:
            try:
                with fault.told("reading the site file"):
                    ref = self.seen.keep(self.store)
            except VdxError as error:
                failures.append(error)
        if ref and (base is None or base.ref != ref):
            changes: dict[str, str | None] = {BASE: ref}
            found.append((f"the site file {self.seen.name}", changes, {**confirmed, BASE: Head(ref, 0)}))
        if base is not None:
            found.append((f"version {self.state.running}", {}, dict(confirmed)))
        older = [made for made in reversed(self.state.versions.values()) if made.state in {"running", "replaced"}]
        for made in older[1 : STARTS + 1]:
            try:
                refs = self.store.whole(made.begun.whole)
            except StorageError as error:
                log.warning("version.unreadable number=%d: %s", made.number, error)
            else:
                found.append(
                    (f"version {made.number}", {}, {name: Head(each, made.number) for name, each in refs.items()})
                )
        return found

    async def _taken(self, changes: dict[str, str | None], heads: Mapping[str, Head]) -> None:
        """Note that the site file was taken as the base."""
        number = self.state.next_number
        try:
            whole = await self._whole(heads)
        except StorageError as error:
            whole = ""
            self.alarms["storage"] = str(error)
        await self.note(Begun(number, whole, changes, from_file=True), why=f"read from {self.seen.name}")
        await self.note(Confirmed(number), why=f"read from {self.seen.name}")

    async def _whole(self, heads: Mapping[str, Head]) -> str:
        """Keep which contents are a version; raises `StorageError`."""
        refs = {name: head.ref for name, head in heads.items()}
        return await asyncio.to_thread(self.store.put_whole, refs)

    # Changes; all of these with `changing` held

    async def change(
        self,
        changes: Mapping[str, str | None],
        who: str,
        why: str,
        *,
        confirm_within: int | None = None,
        break_glass: bool = False,
        from_file: bool = False,
        judge: Judge | None = None,
    ) -> Made:
        """Bring other contents of fragments into force; raises `DeclineError` and leaves all as it was.

        Without `judge` nothing is asked of the candidate but that kernel and `b2bua` take it, as for a way back.
        """
        if holder := self.state.holder(changes):
            raise ConflictError(f"version {holder.number} of {holder.who} waits: confirm it or take it back first")
        heads = _changed(self.state.heads(), changes, self.state.next_number)
        merged = await self.compose(heads)
        if judge:
            with fault.told("judging this"):
                await judge(merged.loaded)
        if confirm_within is None:
            await self._without_waiting(changes)
        whole = await self._whole(heads)
        deadline = None if confirm_within is None else self.wall() + confirm_within
        begun = Begun(self.state.next_number, whole, dict(changes), deadline, break_glass, from_file)
        await self.add(begun, who, why)
        try:
            await self._activated(merged.loaded)
        except BaseException as error:
            await self.note(Undone((begun.number,)), why=f"not applied: {error}" if str(error) else "gatewayd ended")
            if isinstance(error, VdxError):
                raise DeclineError("refused", *str(error).splitlines()) from error
            raise
        await self._in_force(begun, merged, who, why, confirm_within)
        return self.state.versions[begun.number]

    async def _in_force(self, begun: Begun, merged: Merged, who: str, why: str, confirm_within: int | None) -> None:
        if confirm_within is not None:
            self._due[begun.number] = self.boot() + confirm_within
            self._wake.set()
        else:
            try:
                await self.add(Confirmed(begun.number), who, why)
            except StorageError:
                await self.undo((begun.number,), GATEWAYD, "it could not be noted that it stays")
                raise
        await self._settled(merged)
        for alarm in ("start", "due"):
            self.alarms.pop(alarm, None)
        if begun.number % SWEEP_EVERY == 0:
            await self.sweep()

    async def confirm(self, number: int, who: str, why: str) -> Made:
        """Keep a version that waits; raises `DeclineError`, and then it goes on waiting."""
        made = self.state.versions[number]
        await self._without_waiting(made.begun.changes)
        await self.add(Confirmed(number), who, why)
        self._due.pop(number, None)
        return self.state.versions[number]

    async def undo(self, numbers: tuple[int, ...], who: str, why: str) -> None:
        """Go back to what was before versions that wait; raises `VdxError`, and it is tried again."""
        for number in numbers:
            self._due[number] = self.boot() + AGAIN_SECONDS
        try:
            merged = await self.compose(self.state.heads(*numbers))
        except VdxError as error:  # another version that waits needs one of these
            numbers = tuple(made.number for made in self.state.waiting)
            log.warning("version.dragged numbers=%s: %s", numbers, error)
            merged = await self.compose(self.state.heads(*numbers))
        try:
            await self._activated(merged.loaded)
        except VdxError as error:
            self.alarms["undo"] = f"the version before {min(numbers)} could not come back and is tried again: {error}"
            raise
        self.alarms.pop("undo", None)
        for number in numbers:
            self._due.pop(number, None)
        await self.note(Undone(numbers), who, why)
        await self._settled(merged)

    async def reload(self, judge: Judge) -> None:
        """Take the site file as the base, or make what runs active again where it is the same; raises `VdxError`."""
        with fault.told("reading the site file"):
            ref = await asyncio.to_thread(self.seen.keep, self.store)
        if self.state.heads()[BASE].ref != ref:
            await self.change({BASE: ref}, "root", f"read from {self.seen.name}", from_file=True, judge=judge)
            return
        merged = await self.compose(self.state.heads())
        await self._activated(merged.loaded)
        await self._settled(merged)

    async def cut(self, event: CutOff | Restored, who: str, why: str) -> None:
        """Cut somebody off, or let them back. It holds from now on, also if the disk is full or the kernel refuses.

        Raises `DeclineError` where it was not possible at once; then it is tried again.
        """
        await self.note(event, who, why)
        self._again = True
        await self._refresh()

    async def _refresh(self) -> None:
        try:
            merged = await self.compose(self.state.heads())
            await self._activated(merged.loaded)
        except VdxError as error:
            self.alarms["cut"] = f"what is cut off could not be brought into force and is tried again: {error}"
            self._wake.set()
            raise DeclineError("refused", *self.alarms["cut"].splitlines()) from error
        self._again = False
        self.alarms.pop("cut", None)
        await self._settled(merged)

    # Time

    async def run(self, scheduled: Callable[[], Awaitable[float]]) -> None:
        """Take back what was not confirmed in time, until cancelled.

        `scheduled` applies what is due by the date, and gives the seconds until it has to be asked again.
        """
        while True:
            wait = await scheduled()
            async with self.changing:
                late = [number for number, due in self._due.items() if due <= self.boot()]
                for number in late:
                    try:
                        await self.undo((number,), GATEWAYD, "it was not confirmed in time")
                    except VdxError as error:
                        log.error("version.stuck number=%d: %s", number, error)  # noqa: TRY400 - a sentence
                if self._again:
                    try:
                        await self._refresh()
                    except VdxError as error:
                        log.error("cut.late: %s", error)  # noqa: TRY400 - a sentence
                        wait = min(wait, AGAIN_SECONDS)
            for number in self._due:
                wait = min(wait, self.left(number))
            self._wake.clear()
            try:
                async with asyncio.timeout(max(wait, 0.0)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def wake(self) -> None:
        """Have `run` look at what is due."""
        self._wake.set()

    def left(self, number: int) -> float:
        """Give the seconds until a version that waits is taken back."""
        return max(0.0, self._due.get(number, 0.0) - self.boot())

    async def _activated(self, loaded: LoadedSite) -> None:
        with fault.told("making this active"):
            await self.activate(loaded)

    # Contents

    async def compose(self, heads: Mapping[str, Head]) -> Merged:
        """Put a site together from contents; raises `SiteError` or `DeclineError`."""
        with fault.told("putting the site together"):
            return await asyncio.to_thread(self._compose, dict(heads))

    def _compose(self, heads: dict[str, Head]) -> Merged:
        if BASE not in heads:
            raise DeclineError("unknown", "no base is kept: push one")
        sources = {name: self.source(name, head.ref) for name, head in heads.items()}
        base = sources.pop(BASE)
        return merge(base, [sources[name] for name in sorted(sources)], map(Cut.of, self.state.cuts.values()))

    def source(self, fragment: str, ref: str) -> Source:
        """Give a content as the fragment it is of; raises `StorageError`."""
        return self.store.fragment(ref, fragment, self.seen.name if fragment == BASE else f"{fragment}.yaml")

    async def _without_waiting(self, changes: Mapping[str, str | None]) -> None:
        """Raise `ConflictError` where changes would only hold together with a version that waits."""
        others = [made for made in self.state.waiting if not made.begun.changes.keys() & changes.keys()]
        if not others:
            return
        try:
            await self.compose(_changed(self.state.confirmed, changes, 0))
        except VdxError as error:
            numbers = ", ".join(str(made.number) for made in others)
            raise ConflictError(f"this needs version {numbers}, which waits: have it confirmed first") from error

    async def _settled(self, merged: Merged) -> None:
        self.merged = merged
        try:
            await asyncio.to_thread(self._write_active, merged)
        except (VdxError, OSError, KeyError) as error:
            log.warning("state.unwritten: %s", error)

    def _write_active(self, merged: Merged) -> None:
        self.active_file(merged, self.source(BASE, self.state.heads()[BASE].ref))

    async def keep(self, put: Callable[[], str], size: int, pushed: Callable[[str], Awaitable[None]]) -> str:
        """Put a content of so many bytes on the disk and note its ref; raises `DeclineError`."""
        async with self.storing:
            ref = await asyncio.to_thread(put)
            await pushed(ref)
        self._pushed += size
        if self._pushed > SWEEP_BYTES:
            async with self.changing:
                await self.sweep()
        return ref

    async def sweep(self) -> None:
        """Remove contents that nothing needs; with `changing` held, so that nothing is begun meanwhile."""
        async with self.storing:
            self._pushed = 0
            await asyncio.to_thread(self._sweep)

    def _sweep(self) -> None:
        kept = list(self.state.versions.values())[-KEPT_VERSIONS:]
        refs = {kept_one.ref for kept_one in self.state.candidates.values()}
        refs.update(head.ref for head in self.state.heads().values())
        try:
            self.store.sweep([made.begun.whole for made in kept], refs)
        except StorageError as error:
            log.warning("contents.unswept: %s", error)

    # The journal

    async def add(self, event: Happening, who: str, why: str) -> Entry:
        """Note what somebody did; raises `StorageError`, and then it has not happened.

        The disk may take long, and calls go on meanwhile. A line that was begun is brought to its end, also where
        whoever asked for it is gone.
        """
        return await asyncio.shield(asyncio.ensure_future(self._line(event, who, why)))

    async def _line(self, event: Happening, who: str, why: str) -> Entry:
        async with self.noting:  # one after the other: each carries the digest of the one before
            draft = self.journal.draft(event, who, why)
            try:
                await asyncio.to_thread(self.journal.write, draft)
            except StorageError as error:
                self.alarms["storage"] = str(error)
                raise
            self.alarms.pop("storage", None)
            return self.journal.count(draft)

    async def note(self, event: Happening, who: str = GATEWAYD, why: str = "") -> None:
        """Note what has happened already, or has to: also where the disk takes it not, until the next restart."""
        try:
            await self.add(event, who, why)
        except StorageError as error:
            log.error("journal.unwritten event=%s: %s", type(event).__name__, error)  # noqa: TRY400 - a sentence
            self.state.take(Entry(0, "", self.wall(), who, why, event))


def _changed(heads: Mapping[str, Head], changes: Mapping[str, str | None], number: int) -> dict[str, Head]:
    found = dict(heads)
    for fragment, ref in changes.items():
        if ref is None:
            found.pop(fragment, None)
        else:
            found[fragment] = Head(ref, number)
    return found
