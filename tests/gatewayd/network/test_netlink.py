"""rtnetlink without the rest of its package: in a process of its own, as the package may be there already here."""

from __future__ import annotations

import subprocess
import sys

import pytest


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_only_what_is_used_is_loaded() -> None:
    told = _run(
        "import sys; from gatewayd.network.netlink import IPRoute;"
        "print(IPRoute.__module__, *(name for name in sys.modules if name.startswith('pyroute2.ndb')))"
    )
    assert told == "pyroute2.iproute.linux"


@pytest.mark.parametrize("first", ["gatewayd.network.netlink", "pyroute2"])
def test_whoever_asks_the_package_gets_the_same(first: str) -> None:
    told = _run(
        f"import {first}; from gatewayd.network.netlink import IPRoute as ours; from pyroute2 import IPRoute;"
        "import pyroute2.netlink.rtnl; print(ours is IPRoute)"
    )
    assert told == "True"
