from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from gatewayd.config.errors import FaultError
from tests.gatewayd.config.bench import Bench, limited, run
from tests.gatewayd.config.power import FATES, Fate, PowerCut, power
from tests.gatewayd.config.sites import BASE_TEXT
from vdx import versions
from vdx.site import SiteError
from vdx.site.source import LoadedSite
from vdx.versions import Applied, Declined, Principal

ANNA = Principal("anna")


def test_the_first_start_takes_the_site_file(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    run(bench.start())
    assert bench.calls == 3
    assert [made.state for made in bench.keeper.state.versions.values()] == ["running"]
    assert (tmp_path / "active.yaml").read_text() == BASE_TEXT


def test_the_first_start_with_a_faulty_file_raises(tmp_path: Path) -> None:
    bench = Bench(tmp_path, BASE_TEXT.replace("zone: sdn", "zone: moon"))
    with pytest.raises(SiteError, match=r"site\.yaml"):
        run(bench.start())
    assert bench.keeper.journal.last == 0


def test_a_changed_site_file_counts_until_somebody_pushes(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        bench.file.write_text(limited(4))
        bench.open()
        await bench.start()
        assert bench.calls == 4
        assert isinstance(await bench.apply(limited(5)), Applied)
        bench.file.write_text(limited(6))
        bench.open()
        await bench.start()
        assert bench.calls == 5
        await bench.answers.reload()  # an explicit word
        assert bench.calls == 6

    run(scenario())


def test_a_confirmed_version_survives_a_restart_and_one_that_waits_does_not(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        first = await bench.apply(limited(4), confirm_within=60)
        assert first.confirm_by == bench.now + 60
        await bench.ask(versions.Confirm(3, principal=ANNA))
        await bench.apply(limited(5), confirm_within=60)
        assert bench.calls == 5
        bench.open()
        await bench.start()
        assert bench.calls == 4
        assert [made.state for made in bench.keeper.state.versions.values()] == ["replaced", "running", "taken back"]

    run(scenario())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nothing tells of it, and the clock is the test's
            await asyncio.sleep(0)


@pytest.mark.parametrize("refusals", [0, 1])
def test_what_nobody_confirms_goes_back_by_itself(tmp_path: Path, refusals: int) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        await bench.apply(limited(4), confirm_within=60)
        work = asyncio.ensure_future(bench.keeper.run(bench.answers.due))
        bench.up += 59.9
        bench.keeper.wake()
        await asyncio.sleep(0)
        assert bench.calls == 4
        bench.refuses = refusals
        bench.up += 0.2
        bench.keeper.wake()
        if refusals:
            await until(lambda: "undo" in bench.keeper.alarms)
            assert "kernel refuses" in bench.keeper.alarms["undo"]
            bench.up += 5.1
            bench.keeper.wake()
        await until(lambda: bench.calls == 3)
        await until(lambda: not bench.keeper.state.waiting)
        assert bench.keeper.alarms == {}
        assert bench.keeper.journal.recent[-1].entry.why == "it was not confirmed in time"
        work.cancel()

    run(scenario())


def test_a_machine_that_refuses_leaves_all_as_it_was(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        bench.refuses = 1
        answer = await bench.apply(limited(4))
        assert answer == Declined(2, "refused", ("the kernel refuses this transaction",))
        assert bench.calls == 3
        assert bench.keeper.state.running == 1
        assert (await bench.apply(limited(4))).number == 3

    run(scenario())


def test_two_organisations_do_not_wait_for_each_other(tmp_path: Path) -> None:
    north = "peers: {north: {zone: sdn, sources: [10.20.0.0/24]}}\n"
    south = "peers: {south: {zone: sdn, sources: [10.30.0.0/24]}}\n"

    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        one = await bench.apply(north, fragment="north", confirm_within=60)
        two = await bench.apply(south, fragment="south", confirm_within=60)
        assert {"north", "south"} <= bench.active[-1].site.peers.keys()
        await bench.ask(versions.Confirm(3, two.number, principal=ANNA))
        await bench.ask(versions.TakeBack(3, one.number, principal=ANNA))
        assert "north" not in bench.active[-1].site.peers
        assert "south" in bench.active[-1].site.peers
        bench.open()
        await bench.start()
        assert "south" in bench.active[-1].site.peers

    run(scenario())


def test_nothing_is_confirmed_that_needs_what_waits(tmp_path: Path) -> None:
    north = "peers: {north: {zone: sdn, target: {address: 10.20.0.1}}}\n"

    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        one = await bench.apply(north, fragment="north", confirm_within=60)
        two = await bench.apply(BASE_TEXT + "rooms: {hall: {peer: north}}\n", confirm_within=60)
        answer = await bench.ask(versions.Confirm(3, two.number, principal=ANNA))
        assert answer.code == "conflict"
        assert answer.reasons == (f"this needs version {one.number}, which waits: have it confirmed first",)
        await bench.ask(versions.TakeBack(3, one.number, principal=ANNA))  # takes the other one with it
        assert bench.keeper.state.waiting == []
        assert "hall" not in bench.active[-1].site.rooms

    run(scenario())


def test_rollback_brings_a_content_back_as_a_new_version(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        for calls in (4, 5):
            await bench.apply(limited(calls))
        answer = await bench.ask(versions.Rollback(3, 2, why="too many", principal=ANNA))
        assert (answer.number, bench.calls) == (4, 4)
        again = await bench.ask(versions.Rollback(3, 2, principal=ANNA))
        assert not again.changed
        listed = (await bench.ask(versions.History(4, principal=ANNA))).versions
        assert [each.number for each in listed] == [4, 3, 2, 1]
        assert [each.state for each in listed] == ["running", "replaced", "replaced", "replaced"]
        assert listed[0].ref == listed[2].ref

    run(scenario())


def test_a_start_that_fails_falls_back_and_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        await bench.apply(limited(4))
        bench.open()
        bench.refuses = 1
        await bench.start()
        assert bench.calls == 3
        assert "version 1 runs" in bench.keeper.alarms["start"]
        bench.open()
        await bench.start()
        assert bench.calls == 4

    run(scenario())


def test_a_file_with_an_impossible_day_does_not_keep_it_from_starting(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        bench.file.write_text(limited(4) + "x: 2026-02-30\n")
        with pytest.raises(SiteError, match="'2026-02-30' is no date"):
            await bench.answers.reload()
        assert bench.calls == 3
        bench.open()
        await bench.start()
        assert bench.calls == 3
        assert "'2026-02-30' is no date" in bench.keeper.alarms["start"]

    run(scenario())


def broken(*_: object) -> None:
    raise KeyError("ours")


FAULT = "met a fault of gatewayd itself (KeyError): its log has the place, please report it"


def test_a_fault_of_ours_in_making_a_site_active_falls_back_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        await bench.apply(limited(4))

        async def first(loaded: LoadedSite) -> None:
            if loaded.site.limits.calls == 4:
                broken()
            await bench.activate(loaded)

        bench.open()
        await bench.keeper.start(first)
        assert bench.calls == 3
        assert FAULT in bench.keeper.alarms["start"]
        assert "KeyError: 'ours'" in caplog.text

    run(scenario())


@pytest.mark.parametrize("place", ["gatewayd.config.keeper.merge", "gatewayd.config.compare.compute"])
def test_a_fault_of_ours_declines_and_what_runs_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        pushed = await bench.push(limited(4))
        bench.file.write_text(limited(5))
        monkeypatch.setattr(place, broken)
        for request in (
            versions.CheckVersion(1, pushed.ref, principal=ANNA),
            versions.ApplyVersion(2, pushed.ref, principal=ANNA),
        ):
            answer = await bench.ask(request)
            assert isinstance(answer, Declined)
            assert (answer.code, len(answer.reasons)) == ("refused", 1)
            assert FAULT in answer.reasons[0]
        with pytest.raises(FaultError, match="a fault of gatewayd itself"):
            await bench.answers.reload()
        assert bench.calls == 3
        assert bench.keeper.state.running == 1
        assert "KeyError: 'ours'" in caplog.text

    run(scenario())


def test_a_fault_of_ours_at_its_time_withdraws_the_candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        pushed = await bench.push(limited(4))
        assert isinstance(
            await bench.ask(versions.ApplyVersion(2, pushed.ref, at=bench.now + 60, principal=ANNA)), Applied
        )
        monkeypatch.setattr("gatewayd.config.keeper.merge", broken)
        bench.now += 61
        await bench.answers.due()
        assert pushed.ref not in bench.keeper.state.candidates
        assert bench.calls == 3

    run(scenario())


def test_contents_that_rotted_do_not_keep_it_from_starting(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        await bench.apply(limited(4))
        for path in (tmp_path / "versions/contents").iterdir():
            if b"calls: 4," in path.read_bytes():
                path.write_bytes(b"rotten")
        bench.open()
        await bench.start()
        assert bench.calls == 3
        assert "has changed on the disk" in bench.keeper.alarms["start"]

    run(scenario())


def test_old_contents_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewayd.config.keeper.KEPT_VERSIONS", 2)
    monkeypatch.setattr("gatewayd.config.keeper.SWEEP_EVERY", 5)

    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        for calls in range(4, 8):
            await bench.apply(limited(calls))
        assert len(list((tmp_path / "versions/contents").iterdir())) == 6  # text, table and whole of two
        answer = await bench.ask(versions.Rollback(3, 1, principal=ANNA))
        assert answer.code == "storage"
        assert answer.reasons[0].endswith("is not kept any more")

    run(scenario())


# Power cuts and full disks, at every step of: push, apply, machine, confirm


SMALL = """\
name: edge
zones: {mgmt: {interface: eth0}}
management: {people: {anna: {role: admin}}}
limits: {calls: 3, streams_per_call: 4}
"""


async def whole_cycle(bench: Bench) -> str:
    """Go through the cycle; return how far it came."""
    pushed = await bench.push(limited(4, SMALL))
    if isinstance(pushed, Declined):
        return "declined"
    applied = await bench.ask(versions.ApplyVersion(2, pushed.ref, 60, principal=ANNA))
    if isinstance(applied, Declined):
        return "declined"
    confirmed = await bench.ask(versions.Confirm(3, principal=ANNA))
    return "applied" if isinstance(confirmed, Declined) else "confirmed"


def cycle_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> range:
    bench = Bench(tmp_path / "measured", SMALL)
    run(bench.start())
    with power(monkeypatch, tmp_path) as disk:
        bench.on_activate = disk.step
        assert run(whole_cycle(bench)) == "confirmed"
    assert disk.steps > 20
    return range(1, disk.steps + 1)


@pytest.mark.parametrize("fate", FATES)
def test_a_power_cut_at_any_step_ends_in_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fate: Fate
) -> None:
    ended = set()
    for step in cycle_steps(tmp_path, monkeypatch):
        bench = Bench(tmp_path / str(step), SMALL)
        said = ""

        async def scenario(bench: Bench = bench) -> None:
            nonlocal said
            said = await whole_cycle(bench)

        with power(monkeypatch, tmp_path) as disk:
            run(bench.start())
            disk.cut_at = disk.steps + step
            bench.on_activate = disk.step
            with suppress(PowerCut):
                run(scenario())
            disk.settle(fate)
        bench.on_activate = lambda: None
        with power(monkeypatch, tmp_path):
            bench.open()
            run(bench.start())
        if said == "confirmed":
            assert bench.calls == 4
        assert bench.keeper.journal.damage == ""
        assert bench.keeper.alarms == {}
        ended.add(bench.calls)
        with power(monkeypatch, tmp_path):
            assert isinstance(run(bench.apply(limited(5, SMALL))), Applied)
    assert ended == ({3, 4} if fate == "kept" else {3})  # what was said to be confirmed is seen above


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_is_full_from_any_step_on_leaves_what_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    for step in cycle_steps(tmp_path, monkeypatch):
        bench = Bench(tmp_path / str(step), SMALL)
        with power(monkeypatch, tmp_path, code=code) as disk:
            run(bench.start())
            disk.full_at = disk.steps + step
            said = run(whole_cycle(bench))
        assert bench.calls == (3 if said == "declined" else 4)
        if said == "declined":
            assert bench.keeper.state.running == 1
        with power(monkeypatch, tmp_path):
            bench.open()
            run(bench.start())
        assert bench.calls == (4 if said == "confirmed" else 3)


def test_what_is_cut_off_is_cut_off_with_a_full_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path)
    run(bench.start())
    with power(monkeypatch, tmp_path, full_at=1):
        run(bench.ask(versions.Cut(1, "peer", "hospital", "stolen key", principal=ANNA)))
        assert "hospital" not in bench.active[-1].site.peers
        assert "No space left" in bench.keeper.alarms["storage"]


def test_a_cut_that_the_machine_refuses_is_tried_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        bench.refuses = 1
        answer = await bench.ask(versions.Cut(1, "peer", "hospital", principal=ANNA))
        assert answer.code == "refused"
        assert "is tried again" in answer.reasons[0]
        work = asyncio.ensure_future(bench.keeper.run(bench.answers.due))
        await until(lambda: "hospital" not in bench.active[-1].site.peers)
        work.cancel()
        bench.open()
        await bench.start()
        assert "hospital" not in bench.active[-1].site.peers

    run(scenario())


def test_a_reload_of_what_is_unusable_changes_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.start()
        bench.file.write_text("zones: [")
        with pytest.raises(SiteError, match="not YAML"):
            await bench.answers.reload()
        assert bench.calls == 3

    run(scenario())
