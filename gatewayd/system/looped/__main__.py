"""Tells whether this version on this kernel carries a call: `python -m gatewayd.system.looped`, and its exit status."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from gatewayd.errors import ProofError
from gatewayd.sandbox import enter
from gatewayd.system.errors import CallError
from gatewayd.system.looped import ground
from gatewayd.system.looped.telephone import Call, Telephone

SECONDS = 120.0
"""For the signalling of a call: some 20 ms, and a hundred times that on an emulated machine that is busy."""

PACKETS, ENOUGH = 500, 50
"""Packets each end sends at most, and how many have to arrive at both: a second of sound."""

PACE = 0.02
FILES = 1024
"""Open files of each program: sockets of media and signalling, and libraries."""


def call(home: Path) -> str:
    """Place it; gives what was seen. Raises `CallError`."""
    with ExitStack() as stack:
        stack.enter_context(ground.gateway(home))
        caller, callee = Telephone(ground.CALLER), Telephone(ground.CALLEE)
        for each in (caller, callee):
            stack.callback(each.close)
        placed = Call(caller, callee, ground.GATEWAY, ground.USER, SECONDS)
        placed.begin()
        sent = placed.talk(PACKETS, PACE, ENOUGH)
        placed.finish()
        text = f"{caller.got} and {callee.got} of {sent} packets of media arrived"
        if min(caller.got, callee.got) < ENOUGH:
            raise CallError(text)
        return text


def main() -> int:
    """Enter the namespaces, call, tell."""
    try:
        enter(FILES)
    except ProofError as error:
        print(f"looped: {error}", file=sys.stderr)  # noqa: T201 - for the journal
        return 1
    with tempfile.TemporaryDirectory() as made:  # after `enter`, so that it belongs to whom this process became
        home = Path(made)
        try:
            print(f"looped: a call to itself: {call(home)}")  # noqa: T201 - likewise
        except (CallError, OSError) as error:
            print(f"looped: no call to itself: {error}", *ground.said(home), sep="\n", file=sys.stderr)  # noqa: T201 - likewise
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
