"""What `pyproject.toml` cannot say: with VDX_COMPILE=1 a build compiles the hot modules with mypyc.

`tools/compile` builds so into `build/compiled`; a wheel for an appliance is built so too. The sources stay what they
are: pure Python that runs the same without any of this.
"""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path

from setuptools import Extension, setup

COMPILED = (
    "b2bua/sip/*.py",
    "b2bua/sdp/*.py",
    "b2bua/call/accounts.py",
    "b2bua/call/attempts.py",
    "b2bua/call/deadlines.py",
    "b2bua/call/departure.py",
    "b2bua/call/desk.py",
    "b2bua/call/dialled.py",
    "b2bua/call/encryption.py",
    "b2bua/call/exchange.py",
    "b2bua/call/headers.py",
    "b2bua/call/hunt.py",
    "b2bua/call/identify.py",
    "b2bua/call/loops.py",
    "b2bua/call/media.py",
    "b2bua/call/tally.py",
    "b2bua/trace/call_trace.py",
    "b2bua/trace/packing.py",
    "b2bua/trace/redact.py",
    "b2bua/trace/traces.py",
    "gatewayd/pinholes/allocate.py",
    "gatewayd/pinholes/answers.py",
    "gatewayd/pinholes/bridges.py",
    "gatewayd/pinholes/desk.py",
    "gatewayd/pinholes/label.py",
    "gatewayd/pinholes/leases.py",
    "gatewayd/pinholes/policy.py",
    "gatewayd/pinholes/traffic.py",
    "nft/attributes.py",
    "nft/elements.py",
    "nft/kernel.py",
    "nft/netlink.py",
    "nft/number.py",
    "nft/relay.py",
)
"""What a call or a pinhole passes through each time. Modules whose functions are handed on as closures stay out: a
compiled closure is a reference cycle, which waits for the garbage collector."""

INTERPRETED = frozenset(
    (
        "__init__.py",  # names only
        "errors.py",  # a class that inherits from an exception is no faster compiled, and loses its class attributes
        "events.py",  # its fields name classes of modules that import it
    )
)
"""Files of those folders that are not compiled."""


def modules() -> list[str]:
    """Give the files to compile, relative to this one; they are the same on every machine."""
    root = Path(__file__).parent
    found = chain.from_iterable(root.glob(pattern) for pattern in COMPILED)
    return sorted(str(path.relative_to(root)) for path in found if path.name not in INTERPRETED)


def extensions() -> list[Extension]:
    """Give the extension modules, none unless they are asked for."""
    if os.environ.get("VDX_COMPILE") != "1":
        return []
    from mypyc.build import mypycify  # noqa: PLC0415 - an ordinary installation needs no compiler

    made: list[Extension] = mypycify(
        ["--config-file=pyproject.toml", *modules()], opt_level="3", debug_level="0", target_dir="build/c"
    )
    return made


if __name__ == "__main__":
    setup(ext_modules=extensions())
