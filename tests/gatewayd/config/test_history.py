"""Whatever people ask in whatever order: the journal alone tells the state, and what is confirmed is always whole."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatewayd.config.disk import Directory
from gatewayd.config.journal import Journal
from gatewayd.config.state import Head, State
from tests.gatewayd.config.bench import Bench, limited, run
from vdx import versions

SITE = """\
name: edge
zones: {mgmt: {interface: eth0}, sdn: {interface: eth1}}
peers: {p: {zone: sdn}}
delegations: {north: {networks: {sdn: [10.20.0.0/16]}}}
limits: {calls: 3, streams_per_call: 4}
"""
NUMBERS = st.integers(1, 6)
ASKED = st.one_of(
    st.tuples(st.just("base"), st.integers(4, 6), st.sampled_from([None, 60])),
    st.tuples(st.just("north"), st.integers(1, 3), st.sampled_from([None, 60])),
    NUMBERS.map(lambda number: versions.Confirm(1, number)),
    NUMBERS.map(lambda number: versions.TakeBack(1, number)),
    st.tuples(NUMBERS, st.sampled_from([None, 60])).map(lambda each: versions.Rollback(1, each[0], None, each[1])),
    st.just(versions.Cut(1, "peer", "p")),
    st.just(versions.Uncut(1, "peer", "p")),
    st.just(versions.Freeze(1, "x")),
    st.just(versions.Unfreeze(1)),
    st.just("restart"),
    st.just("refuse"),
)


def told(root: Path) -> State:
    """Give the state that the journal on the disk tells of."""
    state = State()
    Journal(Directory(root / "versions"), lambda: 0.0, state.take)
    return state


async def ask(bench: Bench, asked: object) -> None:
    if asked == "restart":
        bench.refuses = 0
        bench.open()
        await bench.start()
        assert not bench.keeper.state.waiting
    elif asked == "refuse":
        bench.refuses = 1
    elif isinstance(asked, tuple):
        fragment, number, within = asked
        peer = f"peers: {{north: {{zone: sdn, sources: [10.20.{number}.0/24]}}}}\n"
        text = limited(number, SITE) if fragment == "base" else peer
        head = bench.keeper.state.heads().get(fragment)
        pushed = await bench.ask(versions.Push(1, fragment, text, head.ref if head else None), local=True)
        if isinstance(pushed, versions.Candidate):
            await bench.ask(versions.ApplyVersion(1, pushed.ref, within), local=True)
    else:
        assert isinstance(asked, versions.Asking)
        await bench.ask(asked, local=True)  # type: ignore[arg-type]


@settings(max_examples=30, deadline=None)
@given(st.lists(ASKED, max_size=12))
@example([("north", 1, None), versions.Rollback(1, 1, None, 60)])  # takes a fragment away, and waits
def test_the_journal_is_the_state(sequence: list[object]) -> None:
    async def scenario(root: Path) -> None:
        bench = Bench(root, SITE)
        await bench.start()
        for asked in sequence:
            await ask(bench, asked)
            state = bench.keeper.state
            assert told(root) == state
            assert bench.keeper.journal.verify() == ""
            for made in state.waiting:
                for fragment, ref in made.begun.changes.items():
                    assert state.heads().get(fragment) == (None if ref is None else Head(ref, made.number))
            wanted = (await bench.keeper.compose(state.heads())).loaded
            if "cut" not in bench.keeper.alarms:
                assert bench.active[-1].site == wanted.site
            await bench.keeper.compose(state.confirmed)  # what a restart comes to is always whole

    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _file: None)  # no power is cut here
        run(scenario(Path(directory)))
