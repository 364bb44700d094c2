"""A whole ruleset handed to the kernel through libnftables, in this process.

Only the tables ``inet media``, ``inet edge`` and ``inet transit`` are touched. The first two change in one transaction.
A set of theirs that exists keeps its elements; if the new ruleset needs it in another shape, nothing is done and the
error names the set. The parts of the third are made before and removed after it (``nft.policy.parts``), so that an
established flow loses no packet.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection

import nftables

from nft import declaration
from nft.elements import Element
from nft.errors import ApplyError, DeclarationError
from nft.model import Edge
from nft.netlink import Netlink
from nft.policy import ruleset as policy
from nft.policy.opening import Place, additions, changes, keys
from nft.policy.parts import TABLE, Held
from nft.policy.ruleset import Ruleset
from nft.ruleset import compile_edge, compile_reset
from nft.schema import MEDIA, Shape

SHOWN = 3  # lines of libnftables' complaint in an error: the first names the cause
_PLACE = re.compile(r"^/dev/fd/\d+:", re.MULTILINE)

LINGER_SECONDS = 0.1
"""From when packets go to the new parts until the old ones are removed: a processor that is put aside by its
hypervisor in the midst of a packet comes back within tens of milliseconds."""


def apply(model: Edge, transit: Ruleset | None = None, now: float | None = None, *, known: Edge | None = None) -> None:
    """Bring the kernel's rules of this network namespace to a model, keeping every lease and ban.

    ``transit`` is the policy's table; without it that table stays as it is. ``now`` (seconds since 1970, the time of
    the call) turns the times of agreements into timeouts. Where the other tables are ``known`` to be at this model they
    stay as they are, which saves libnftables the reading of every large map. ``DeclarationError`` where a set in use
    would have to change, ``ApplyError`` where the kernel refuses; packets then meet what they met before.
    """
    _compare()
    if transit is None:
        _run(compile_edge(model))
        return
    now = time.time() if now is None else now
    others = None if model == known else model
    if not held().names:  # no flow passes yet
        _run(transit.added((), now) + compile_edge(model) + transit.switched())
    elif add(transit, now):
        _settle(transit, now, opening=True)
        switch(others, transit)
        _settle(transit, now)
    else:
        switch(others, transit)
    sweep(transit)


def add(transit: Ruleset, now: float) -> bool:
    """Make the parts that are not there yet; tell whether what agreements open is older. No packet gets there yet."""
    names = held().names
    _run(transit.added(names, now))
    return transit.shapes.open.name in names


def switch(model: Edge | None, transit: Ruleset) -> None:
    """Send packets to the parts, which are all there, and bring the other tables to a model; one transaction."""
    _run((compile_edge(model) if model else "") + transit.switched(held().names))


def check(model: Edge, transit: Ruleset | None = None) -> None:
    """Let libnftables judge a model's ruleset and compare the sets in use, without a change; errors as in ``apply``."""
    _compare()
    names = held().names
    parts, switch = (transit.added(names, time.time()), transit.switched(names)) if transit else ("", "")
    _run(parts + compile_edge(model) + switch, dry=True)


def settle(transit: Ruleset, now: float) -> int:
    """Bring what agreements open to a time; return how many elements were written. The table must be there."""
    return _settle(transit, now)


def reopen(old: Ruleset, new: Ruleset, now: float) -> int:
    """Bring what agreements open from one version to another whose names are the same; return how many were written."""
    before, after = old.tables.cells, new.tables.cells
    return _settle(new, now, {key for key in {**before, **after} if before.get(key) != after.get(key)})


def sweep(transit: Ruleset) -> None:
    """Remove what other versions have left, once no packet can be on its way through it."""
    if any(transit.swept(held())):
        time.sleep(LINGER_SECONDS)
        for text in transit.swept(held()):
            _run(text)


def held() -> Held:
    """Return the names of what the policy's table holds."""
    with Netlink() as netlink:
        sets = netlink.declarations(TABLE)
        named = {name: bool(each.flags & declaration.FLAG_MAP) for name, each in sets.items() if name[:2] != "__"}
        return Held(named, frozenset(netlink.chains(TABLE)), frozenset(netlink.counters(TABLE)))


def _settle(transit: Ruleset, now: float, places: Collection[Place] | None = None, *, opening: bool = False) -> int:
    """Write the elements that are not as they should be; with ``opening`` only those that take nothing away.

    Where ``places`` are given, only theirs are asked for.
    """
    wanted = transit.openings(now, places)
    with Netlink() as netlink:
        there, early = (_held_by(netlink, shape, places) for shape in transit.shapes)
        operations = changes(transit.shapes, there, early, wanted, now)
        chosen = additions(operations) if opening else operations
        netlink.commit(chosen)
    return len(chosen)


def _held_by(netlink: Netlink, shape: Shape, places: Collection[Place] | None) -> list[Element]:
    if places is None:
        return netlink.dump(shape)
    wanted = [key for place in places for key in keys(place)]
    return [element for element in netlink.find(shape, wanted) if element]


def reset() -> None:
    """Remove every table of ours: all streams are cut and nothing is filtered any more."""
    _run(compile_reset() + policy.compile_reset())


def _compare() -> None:
    with Netlink() as netlink:
        running = netlink.declarations("media")
    for name, shape in MEDIA.items():
        wanted = declaration.of(shape)
        if name in running and running[name] != wanted:
            differs = ", ".join(
                f"{field} {getattr(running[name], field)} instead of {getattr(wanted, field)}"
                for field in declaration.Declaration.__slots__
                if getattr(running[name], field) != getattr(wanted, field)
            )
            raise DeclarationError(f"set {name} of inet media is in use with {differs}; drain the calls and reset it")


def _run(text: str, *, dry: bool = False) -> None:
    if not text:
        return
    context = nftables.Nftables()  # anew each time: it belongs to the network namespace in which it was made
    if dry:
        context.set_dry_run(True)
    # from a file, as libnftables shows the first line of any other text for an error in whichever line
    with os.fdopen(os.memfd_create("ruleset"), "wb") as file:
        file.write(text.encode())
        file.flush()
        code, _, complaint = context.cmd_from_file(f"/dev/fd/{file.fileno()}")
    if code:
        told = [line.strip() for line in _PLACE.sub("line ", str(complaint)).splitlines() if line.strip(" \t^~")]
        raise ApplyError("the ruleset was refused, the running one goes on: " + " | ".join(told[:SHOWN]))
