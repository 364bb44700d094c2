"""One proof from beginning to end: compile, load, send, compare.

Another time than now is made by working the agreements out for it, as the kernel only knows how long from now.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from gatewayd.errors import ProofError
from gatewayd.prove.batches import batches
from gatewayd.prove.compare import Expected
from gatewayd.prove.ground import Ground
from gatewayd.prove.order import Order
from gatewayd.prove.probes import Plan, Probe, plan
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
    try:
        tables = compile_policy(order.policy)
        chosen = plan(order, tables, lambda: clock() - started > order.seconds * PLANNING)
        with Ground(order.edge, order.network) as ground:
            sent, unsent, found = _sent(order, tables, chosen, ground, lambda: started + order.seconds < clock())
    except NftError as error:
        raise ProofError(f"the candidate cannot be loaded for its proof: {error}") from error
    if unsent:
        text = f"{unsent} packets or more were not sent: a proof sends the most telling of its {order.seconds:.0f} s"
        chosen = replace(chosen, notes=(*chosen.notes, text))
    return ProofReport(
        order.version,
        sent,
        round(clock() - started, 3),
        len(found),
        tuple(found[:MAX_DIFFERENCES]),
        unsent,
        chosen.notes,
    )


def _sent(
    order: Order, tables: Tables, chosen: Plan, ground: Ground, over: Callable[[], bool]
) -> tuple[int, int, list[Difference]]:
    """Send what was chosen until the time is over; return how many were sent, how many not, and what differs."""
    expected = Expected(order.policy, order.now)
    moments: dict[int, list[Probe]] = {order.now: []}
    for probe in chosen.probes:
        moments.setdefault(probe.at, []).append(probe)
    transit = compile_transit(tables, order.edge)
    sent, found = 0, list[Difference]()
    for at, probes in moments.items():
        if over():
            break
        shown = replace(transit, tables=held(tables, at))
        if at == order.now:
            ground.load(shown, at)
        elif not order.policy.empty:
            ground.shift(shown, at)
        if over() and not sent:
            text = f"the {order.seconds:.0f} s were over before the rules of {order.version} were loaded"
            raise ProofError(f"{text}: allow its proof more time")
        for batch in batches(order.policy, probes):
            if over():
                break
            found += judge(ground, expected, batch)
            sent += len(batch)
    return sent, chosen.unsent + len(chosen.probes) - sent, found


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
