"""The image as a machine: started by its firmware, set up from a disk, and a call through it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.image import world
from tests.image.virtual import Machine, disk_of

pytestmark = pytest.mark.system


def test_a_new_machine_waits_for_a_right_setup_and_then_carries_a_call(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    image = world.build(world.FIRST, "--keep-tree") / f"vdx-{world.FIRST}-cloud.raw"
    subprocess.run(["cp", "--sparse=always", image, disk], check=True)
    wrong = {
        "setup.yaml": world.SETUP.encode(),
        "site.yaml": world.SITE.replace("zone: sdn, to", "zone: sun, to").encode(),
    }
    right = {"setup.yaml": world.SETUP.encode(), "site.yaml": world.SITE.encode()}
    cards = [(f"t-{card}", mac) for card, mac in world.CARDS.items()]
    variables, log = tmp_path / "variables", tmp_path / "console"
    with world.networks() as namespace:
        first = disk_of(tmp_path / "wrong", "VDX-SETUP", wrong)
        with Machine(disk, variables, log, attached=[first], cards=cards, namespace=namespace) as machine:
            line = world.SITE.splitlines().index('  - {alias: "clinic*", zone: sdn, to: clinic}') + 1
            machine.expect(rf"setup: site.yaml:{line}: dialplan.0.zone")
            # the power goes while it waits
        second = disk_of(tmp_path / "right", "VDX-SETUP", right)
        with Machine(disk, variables, log, attached=[second], cards=cards, namespace=namespace) as machine:
            machine.expect("setup: done")
            machine.expect(rf"vdx: version {world.FIRST} is well: serving")
            found = world.call(namespace)
    assert found["caller"] >= 0.99 * found["sent"]
    assert found["callee"] >= 0.99 * found["sent"]
