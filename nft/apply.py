"""A whole ruleset handed to the kernel: one transaction through libnftables, in this process.

Only the tables ``inet media`` and ``inet edge`` are touched. A set that exists keeps its elements; if the new ruleset
needs it in another shape, nothing is done and the error names the set.
"""

from __future__ import annotations

import nftables

from nft import declaration
from nft.errors import ApplyError, DeclarationError
from nft.model import Edge
from nft.netlink import Netlink
from nft.ruleset import compile_edge, compile_reset
from nft.schema import MEDIA

SHOWN = 3  # lines of libnftables' complaint in an error: the first names the cause


def apply(model: Edge) -> None:
    """Bring the kernel's rules of this network namespace to a model, keeping every lease and ban.

    ``DeclarationError`` where a set in use would have to change, ``ApplyError`` where the kernel refuses; nothing
    changes then.
    """
    _compare()
    _run(compile_edge(model))


def check(model: Edge) -> None:
    """Let libnftables judge a model's ruleset and compare the sets in use, without a change; errors as in ``apply``."""
    _compare()
    _run(compile_edge(model), dry=True)


def reset() -> None:
    """Remove both tables: every stream is cut and nothing is filtered any more."""
    _run(compile_reset())


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
    context = nftables.Nftables()  # anew each time: it belongs to the network namespace in which it was made
    if dry:
        context.set_dry_run(True)
    code, _, complaint = context.cmd(text)
    if code:
        told = [line.strip() for line in str(complaint).splitlines() if line.strip(" \t^~")]
        raise ApplyError("the ruleset was refused, the running one goes on: " + " | ".join(told[:SHOWN]))
