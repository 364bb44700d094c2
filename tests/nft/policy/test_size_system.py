"""A policy of a whole country's size: it loads in bounded memory, and one agreement more does not feel it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nft.topology import run

pytestmark = pytest.mark.system

PREFIXES, AGREEMENTS = 100_000, 10_000
MAX_MEGABYTES = 700  # measured: 370, most of it libnftables'; the appliance has 4 GB
CHECKOUT = Path(__file__).resolve().parents[3]


def test_a_hundred_thousand_prefixes_load_in_bounded_memory() -> None:
    name = f"vn{os.getpid()}-size"
    run("ip", "netns", "add", name)
    try:
        done = subprocess.run(
            ["ip", "netns", "exec", name, sys.executable, "-m", "tests.nft.policy.test_size_system"],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    finally:
        run("ip", "netns", "del", name)
    assert done.returncode == 0, done.stderr
    elements, changed, megabytes = map(int, done.stdout.split())
    assert elements == AGREEMENTS
    assert changed == 1
    assert megabytes < MAX_MEGABYTES


def _load() -> None:
    """Load the policy in this namespace; print what is open, what one change more wrote, and the memory taken."""
    import time  # noqa: PLC0415 - of the process that is measured alone
    from dataclasses import replace  # noqa: PLC0415

    from nft.apply import apply, settle  # noqa: PLC0415
    from nft.netlink import Netlink  # noqa: PLC0415
    from nft.policy.compile import compile_policy  # noqa: PLC0415
    from nft.policy.ruleset import compile_transit  # noqa: PLC0415
    from tests.nft.policy.world import EDGE, large  # noqa: PLC0415

    now = time.time()
    policy = large(PREFIXES, AGREEMENTS, int(now))
    whole = compile_transit(compile_policy(policy), EDGE)
    apply(EDGE, whole, now)
    known = policy.agreements
    fewer = replace(policy, agreements=replace(known, agreements=known.agreements[1:]))
    with Netlink() as netlink:
        there = netlink.dump(whole.shapes.open)
    changed = settle(compile_transit(compile_policy(fewer), EDGE), time.time())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(len(there), changed, memory)  # noqa: T201 - to the test


if __name__ == "__main__":
    _load()
