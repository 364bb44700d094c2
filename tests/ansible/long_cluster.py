"""A core of three, for `tools/test-deploy`: bus and database agree on who leads, and go on when one of them is gone."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.ansible.conftest import OUTSIDER, UP_S, Boot, Site

pytestmark = [pytest.mark.system, pytest.mark.deploy]

T = TypeVar("T")
CORE = {"core-a": "192.0.2.21", "core-b": "192.0.2.22", "witness": "192.0.2.23"}
MIXER = "192.0.2.32"
TRUST = "--credentials /etc/vdx/bus/owner.secret --trust /etc/vdx/tls/ca.pem"


@pytest.fixture(scope="module")
def cluster(site: Boot) -> Site:
    groups = {"bus": [*CORE], "database": [*CORE], "hub": ["core-a", "core-b"], "mixer": ["mixer-b1"]}
    made = site({**CORE, "mixer-b1": MIXER}, groups)
    made.variables |= {"database_patroni": True, "mixer_edges": [f"{OUTSIDER}/32"]}
    made.play("site")
    return made


def test_a_second_run_changes_nothing(cluster: Site) -> None:
    assert cluster.play("site")["changed"] == 0


def test_a_booked_room_can_be_dialled(cluster: Site) -> None:
    assert _heard(cluster, cluster.book()) > 0


def test_each_server_has_a_copy_and_one_leads(cluster: Site) -> None:
    members = _members(cluster, "witness")
    assert sorted(member["Member"] for member in members) == sorted(CORE)
    assert sorted(member["Role"] for member in members) == ["Leader", "Replica", "Sync Standby"]


def test_every_server_can_be_restored_from(cluster: Site) -> None:
    cluster.play("backup")
    for name in CORE:
        assert cluster.machines[name].shell("ls /var/backups/vdx/base").strip(), name


def test_bookings_and_calls_go_on_without_one_of_the_two(cluster: Site) -> None:
    before = cluster.book()
    cluster.machines["core-a"].cut_power()
    cluster.groups["hub"] = ["core-b"]
    number = _until(lambda: _booked(cluster), "nobody can book any more")
    assert _heard(cluster, number) > 0
    assert _heard(cluster, before) > 0


def test_who_comes_back_follows(cluster: Site) -> None:
    cluster.machines["core-a"].give_power()
    _until(lambda: len(_streaming(cluster)) == len(CORE) - 1, "the database did not come back")
    cluster.groups["hub"] = ["core-a", "core-b"]
    assert _heard(cluster, _until(lambda: _booked(cluster), "its hub did not come back")) > 0
    assert cluster.play("site")["changed"] == 0


def _members(site: Site, name: str) -> list[dict[str, str]]:
    said = site.machines[name].shell("patronictl -c /etc/patroni/config.yml list -f json")
    found: list[dict[str, str]] = json.loads(said)
    return found


def _streaming(site: Site) -> list[str]:
    return [
        member["Member"]
        for member in _members(site, "witness")
        if member["Role"] != "Leader" and member["State"] in {"running", "streaming"}
    ]


def _booked(site: Site) -> str:
    try:
        return site.book()
    except subprocess.SubprocessError:
        return ""


def _heard(site: Site, number: str) -> int:
    """Dial a room at the mixing server, as an edge does, and again until somebody answers."""
    command = [sys.executable, str(Path(__file__).with_name("caller.py")), OUTSIDER, MIXER, number]
    ends = time.monotonic() + UP_S
    while True:
        done = subprocess.run(
            ["ip", "netns", "exec", site.caller, *command], capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode == 0:
            return int(json.loads(done.stdout)["heard"])
        assert time.monotonic() < ends, done.stderr


def _until(look: Callable[[], T], otherwise: str) -> T:
    ends = time.monotonic() + UP_S
    while not (found := look()):
        assert time.monotonic() < ends, otherwise
        time.sleep(1)
    return found
