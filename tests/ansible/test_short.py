"""The short form of `tools/test-deploy`: an edge from bare Debian without internet, twice, and a call through it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ansible.conftest import GATEWAY, HOSPITAL, OUTSIDER, Site, make_bundle, sites

pytestmark = pytest.mark.system

CHECKOUT = Path(__file__).resolve().parents[2]
SITE_FILE = Path(__file__).with_name("alone.yaml")


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    subprocess.run([str(CHECKOUT / "tools/setup-deploy"), "short"], check=True)
    folder = tmp_path_factory.mktemp("bundle")
    bundle = make_bundle(folder, "--roles=bundle,common,edge", "--uses=edge")
    with sites(bundle, tmp_path_factory) as boot:
        made = boot({"edge1": "192.0.2.11"}, {"edge": ["edge1"]})
        made.machines["edge1"].more["edge_site"] = str(SITE_FILE)
        made.play("site")
        yield made


def test_it_was_installed_without_a_way_out(edge: Site) -> None:
    machine = edge.machines["edge1"]
    assert machine.shell("ip route show default; ip -6 route show default").strip() == ""
    assert machine.shell("cat /etc/apt/sources.list /etc/apt/sources.list.d/*").split()[1:3] == [
        "[trusted=yes]",
        f"file:/opt/vdx/bundles/{edge.bundle.file.stem.removeprefix('vdx-')}/debs",
    ]


def test_a_call_passes(edge: Site) -> None:
    command = [sys.executable, "-m", "tests.image.caller", HOSPITAL, OUTSIDER, GATEWAY]
    done = subprocess.run(
        ["ip", "netns", "exec", edge.caller, *command],
        cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    heard = json.loads(done.stdout)
    assert heard["caller"] > 0
    assert heard["callee"] > 0


def test_a_second_run_changes_nothing(edge: Site) -> None:
    assert edge.play("site") == []


def test_nothing_of_it_has_failed(edge: Site) -> None:
    machine = edge.machines["edge1"]
    assert set(machine.shell("systemctl is-active gatewayd b2bua mediad rsyslog ssh").split()) == {"active"}
    assert machine.shell("systemctl list-units --failed --plain --no-legend").strip() == ""


def test_it_goes_back_as_it_came_with_a_receipt(edge: Site) -> None:
    edge.play("remove-edge", "-e", "remove_confirmed=edge1")
    assert edge.machines["edge1"].left() == ""
    (receipt,) = (edge.folder / "receipts").glob("edge1-*.yaml")
    assert "left: 0" in receipt.read_text()
