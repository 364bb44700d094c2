"""The long form, for `tools/test-deploy`: a cluster of the bus, a mixing server, and the wiping of a lent machine."""

import json
from collections.abc import Callable

import pytest

from tests.ansible.conftest import Site

pytestmark = [pytest.mark.system, pytest.mark.deploy]


def test_a_site_of_four_machines(site: Callable[[dict[str, str], dict[str, list[str]]], Site]) -> None:
    names = ["north1", "north2", "north3", "mixer1"]
    made = site(
        {name: f"192.0.2.{30 + number}" for number, name in enumerate(names)},
        {"bus": names[:3], "database": names[:1], "hub": names[1:2], "mixer": names[3:], "monitoring": names[2:3]},
    )
    made.play("site")
    assert made.play("site")["changed"] == 0
    trust = "--credentials /etc/vdx/bus/owner.secret --trust /etc/vdx/tls/ca.pem"
    nodes = made.machines["north1"].shell(f"vdx-bus show nodes --server tls://192.0.2.30:4222 {trust}")
    assert "mixer1" in nodes
    made.machines["north3"].shell("systemctl stop vdx-bus")  # two of three go on
    assert "mixer1" in made.machines["north1"].shell(f"vdx-bus show nodes --server tls://192.0.2.30:4222 {trust}")
    made.machines["north3"].shell("systemctl start vdx-bus")
    assert json.loads(made.machines["mixer1"].shell("mixerctl --json status"))
    made.play("remove-mixer", "--limit=mixer1", "-e", "remove_confirmed=mixer1")
    (receipt,) = (made.folder / "receipts").glob("mixer1-*.yaml")
    assert "left: 0" in receipt.read_text()
    assert made.machines["mixer1"].shell("ls -d /etc/vdx /opt/vdx /var/lib/vdx-mixer 2>/dev/null || true") == ""
