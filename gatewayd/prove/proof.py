"""One proof from beginning to end: compile, load, send, compare.

Another time than now is made by working the agreements out for it, as the kernel only knows how long from now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from gatewayd.errors import ProofError
from gatewayd.prove.batches import batches
from gatewayd.prove.compare import Expected
from gatewayd.prove.ground import Ground
from gatewayd.prove.order import Order
from gatewayd.prove.probes import Plan, Probe, Sending, plan
from nft.errors import NftError
from nft.policy.compile import compile_policy
from nft.policy.ruleset import compile_transit
from nft.policy.tables import Cell, Tables, Window
from vdx.proof import MAX_DIFFERENCES, Difference, ProofReport

PLANNING = 0.4
"""Part of its time that a proof may take to compile and to choose packets: they still have to be loaded and sent."""

HELD = 3600
"""Seconds: agreements that start or end sooner after the time that is asked for wait until the proof is over."""


def prove(order: Order, clock: Callable[[], float] = time.monotonic) -> ProofReport:
    """Prove a candidate; raises `ProofError`, also where the kernel refuses its ruleset."""
    started = clock()

    def past(seconds: float) -> Callable[[], bool]:
        return lambda: clock() - started > seconds

    try:
        tables = compile_policy(order.policy)
        chosen = plan(order, tables, past(order.seconds * PLANNING), past(order.longest * PLANNING))
        with Ground(order.edge, order.network) as ground:
            sent, found = _sent(order, tables, chosen, ground, past(order.seconds), past(order.longest))
    except NftError as error:
        raise ProofError(f"the candidate cannot be loaded for its proof: {error}") from error
    unsent = chosen.unsent + len(chosen.probes) - len(sent)
    unmet = dict.fromkeys((*(why for owed, why in chosen.owed.items() if owed not in sent), *chosen.unmet))
    notes = list(chosen.notes)
    if unsent:
        notes.append(f"{unsent} packets or more were not sent: a proof sends the most telling of {order.seconds:.0f} s")
    return ProofReport(
        order.version,
        len(sent),
        round(clock() - started, 3),
        len(found),
        tuple(found[:MAX_DIFFERENCES]),
        unsent,
        tuple(notes),
        len(unmet),
        tuple(islice(unmet, MAX_DIFFERENCES)),
    )


def _sent(
    order: Order, tables: Tables, chosen: Plan, ground: Ground, over: Callable[[], bool], late: Callable[[], bool]
) -> tuple[set[Sending], list[Difference]]:
    """Send what is owed until it is late, and the rest until the time is over; return what was sent, what differs."""
    expected = Expected(order.policy, order.now)
    transit = compile_transit(tables, order.edge)
    sent, found = set[Sending](), list[Difference]()
    loaded: int | None = None
    for at, probes, done in _rounds(order.now, chosen, over, late):
        if done():
            continue
        if loaded is None:
            ground.load(replace(transit, tables=held(tables, at)), at)
        elif at != loaded and not order.policy.empty:
            ground.shift(replace(transit, tables=held(tables, at)), at)
        if done() and not sent:
            text = f"the {order.longest:.0f} s were over before the rules of {order.version} were loaded"
            raise ProofError(f"{text}: allow its proof more time")
        loaded = at
        for batch in batches(order.policy, probes):
            if done():
                break
            found += judge(ground, expected, batch)
            sent.update((probe.packet, probe.at) for probe in batch)
    return sent, found


def _rounds(
    now: int, chosen: Plan, over: Callable[[], bool], late: Callable[[], bool]
) -> Iterator[tuple[int, list[Probe], Callable[[], bool]]]:
    """Yield times with what is sent at each, and whether its time is over: what is owed first, from now on."""
    owed: dict[int, list[Probe]] = {now: []}
    rest: dict[int, list[Probe]] = {}
    for probe in chosen.probes:
        listed = owed if (probe.packet, probe.at) in chosen.owed else rest
        listed.setdefault(probe.at, []).append(probe)
    for at, probes in owed.items():
        yield at, probes, late
    for at in sorted(rest, key=lambda at: at != next(reversed(owed))):  # the time that is loaded needs no shift
        yield at, rest[at], over


def judge(ground: Ground, expected: Expected, batch: list[Probe]) -> list[Difference]:
    """Send one batch as if it were the first; return the packets that the kernel treats otherwise than the model."""
    ground.forget()
    came = ground.cross([(tag, probe.packet) for tag, probe in enumerate(batch)])
    told = (expected.difference(probe, came.get(tag)) for tag, probe in enumerate(batch))
    return [each for each in told if each]


def held(tables: Tables, at: int) -> Tables:
    """Return the tables with no start or end so soon after a time that it came while packets are sent."""

    def cell(one: Cell) -> Cell:
        return Cell(one.target, tuple(window(each) for each in one.windows))

    def window(one: Window) -> Window:
        starts = one.starts if one.starts <= at else max(one.starts, at + HELD)
        ends = one.ends if one.ends <= at else max(one.ends, starts + HELD, at + HELD)
        return Window(starts, ends, one.ids)

    return replace(tables, cells={key: cell(each) for key, each in tables.cells.items()})
