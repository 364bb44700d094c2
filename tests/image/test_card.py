"""What udev has done to a network card before it is used: queues, rings, steering of packets."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.system
PROGRAM = Path(__file__).parents[2] / "images/tree/usr/lib/udev/vdx-card"
ETHTOOL = """\
#!/bin/sh
case $1 in
  --show-channels) printf 'Pre-set maximums:\\nRX:\\t\\tn/a\\nCombined:\\t{most}\\n' ;
    printf 'Current hardware settings:\\nRX:\\t\\tn/a\\nCombined:\\t1\\n' ;;
  --show-ring) printf 'Pre-set maximums:\\nRX:\\t\\t{ring}\\nRX Mini:\\tn/a\\nTX:\\t\\t{ring}\\n' ;
    printf 'Current hardware settings:\\nRX:\\t\\t256\\nTX:\\t\\t256\\n' ;;
  *) echo "$@" >>{log} ;;
esac
"""
"""A card as one on a board would answer; those of namespaces have no rings."""


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"vdxcard{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    for card, queues in (("v0", 1), ("v1", 2)):
        link = ["ip", "-n", name, "link", "add", card, "numrxqueues", str(queues), "type", "veth", "peer", f"p{card}"]
        subprocess.run(link, check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


def told(namespace: str, card: str, tmp_path: Path, most: str, ring: str) -> tuple[str, list[str]]:
    """Have a card set; gives the processors that its first queue is steered to, and what the card was told."""
    log, ethtool = tmp_path / "log", tmp_path / "ethtool"
    log.write_text("")
    ethtool.write_text(ETHTOOL.format(most=most, ring=ring, log=log))
    ethtool.chmod(0o755)
    script = f"PATH={tmp_path}:$PATH {PROGRAM} {card} && cat /sys/class/net/{card}/queues/rx-0/rps_cpus"
    done = subprocess.run(
        ["ip", "netns", "exec", namespace, "sh", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.strip(), log.read_text().splitlines()


def test_a_card_gets_a_queue_for_each_processor_and_its_longest_rings(namespace: str, tmp_path: Path) -> None:
    processors = len(os.sched_getaffinity(0))
    assert processors > 1, "needs a machine with two processors: one with one has nothing to spread"
    steered, lines = told(namespace, "v1", tmp_path, "63", "4096")
    assert lines == [f"--set-channels v1 combined {processors}", "--set-ring v1 rx 4096 tx 4096"]
    assert int(steered.replace(",", ""), 16) == 0  # the card does it


def test_packets_of_a_card_with_one_queue_are_steered_to_every_processor(namespace: str, tmp_path: Path) -> None:
    steered, lines = told(namespace, "v0", tmp_path, "n/a", "n/a")
    assert lines == []
    assert steered == Path("/proc/irq/default_smp_affinity").read_text().strip()
