"""gatewayd that is killed (SIGKILL, as a power cut would) at one of its steps: `killed.py STEP DIRECTORY ...`.

Steps count from the moment in which `armed` is in the directory; `steps` there says how many there were so far.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gatewayd import __main__, version
from gatewayd.config.disk import Directory
from gatewayd.network.kernel import Kernel as NetworkKernel
from gatewayd.pinholes.desk import Desk
from nft import apply as transactions

KILL_AT = int(sys.argv.pop(1))
HERE = Path(sys.argv.pop(1))
STEPS: list[str] = []


def step(name: str) -> None:
    """Count, and die here if this is the one."""
    if not (HERE / "armed").exists():
        return
    STEPS.append(name)
    (HERE / "steps").write_text(" ".join(STEPS))
    if len(STEPS) == KILL_AT:
        os.kill(os.getpid(), signal.SIGKILL)


def counted(owner: Any, name: str) -> None:
    """Count each call of a function or coroutine, before it does anything."""
    inner: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(inner)
    def outer(*args: Any, **named: Any) -> Any:
        step(name)
        return inner(*args, **named)

    setattr(owner, name, outer)


counted(Directory, "write")
counted(Directory, "append")
counted(version, "_install")
counted(version, "_reopen")
counted(transactions, "_run")
counted(NetworkKernel, "apply")
counted(Desk, "follow")
sys.exit(__main__.main())
