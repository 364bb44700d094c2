"""A whole ruleset handed to the kernel: one transaction through libnftables, in this process.

Only the tables ``inet media``, ``inet edge`` and ``inet transit`` are touched. A set of the first two that exists keeps
its elements; if the new ruleset needs it in another shape, nothing is done and the error names the set.
"""

from __future__ import annotations

import nftables

from nft import declaration
from nft.errors import ApplyError, DeclarationError
from nft.model import Edge
from nft.netlink import Netlink
from nft.policy import ruleset as policy
from nft.ruleset import compile_edge, compile_reset
from nft.schema import MEDIA

SHOWN = 3  # lines of libnftables' complaint in an error: the first names the cause


def apply(model: Edge, transit: str = "") -> None:
    """Bring the kernel's rules of this network namespace to a model, keeping every lease and ban.

    ``transit`` is the text of the policy's table (``nft.policy.ruleset``); without it that table stays as it is.
    ``DeclarationError`` where a set in use would have to change, ``ApplyError`` where the kernel refuses; nothing
    changes then.
    """
    _compare()
    _run(compile_edge(model) + transit)


def check(model: Edge, transit: str = "") -> None:
    """Let libnftables judge a model's ruleset and compare the sets in use, without a change; errors as in ``apply``."""
    _compare()
    _run(compile_edge(model) + transit, dry=True)


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
    context = nftables.Nftables()  # anew each time: it belongs to the network namespace in which it was made
    if dry:
        context.set_dry_run(True)
    code, _, complaint = context.cmd(text)
    if code:
        told = [line.strip() for line in str(complaint).splitlines() if line.strip(" \t^~")]
        raise ApplyError("the ruleset was refused, the running one goes on: " + " | ".join(told[:SHOWN]))
