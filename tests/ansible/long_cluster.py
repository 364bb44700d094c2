"""Two data centres and a witness, for `tools/test-deploy`: the inventory as it is, fewer machines, a router between.

Bus and database agree on who leads, and go on when one of three is gone, or behind a line that is cut.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.ansible.conftest import OPEN_ROOMS, UP_S, Boot, Site

pytestmark = [pytest.mark.system, pytest.mark.deploy]

T = TypeVar("T")
INVENTORY = Path(__file__).resolve().parents[2] / "ansible/inventories/two-data-centres"
PLACES = {"place-a": "192.0.2.1/24", "place-b": "198.51.100.1/24", "place-c": "203.0.113.1/24"}
CORE = {
    "core-a": ("192.0.2.21", "place-a"),
    "core-b": ("198.51.100.21", "place-b"),
    "witness": ("203.0.113.21", "place-c"),
}
MIXER, EDGE = "198.51.100.31", "198.51.100.11"
"""Of the inventory, in data centre B: `mixer-b1`, and where the telephone calls from, `edge-b1`."""


@pytest.fixture(scope="module")
def cluster(site: Boot) -> Site:
    made = site({}, {"hub": ["core-a", "core-b"]})
    shutil.copytree(INVENTORY, made.folder, dirs_exist_ok=True)
    for place, router in PLACES.items():
        made.network.join(place, router)
    made.network.plug(made.caller, "place-b", "place-b", f"{EDGE}/24")
    for name, (address, place) in (CORE | {"mixer-b1": (MIXER, "place-b")}).items():
        machine = made.place(name, address, place)
        machine.more = {"bundle_version": made.bundle.file.stem.removeprefix("vdx-"), "hub_settings": OPEN_ROOMS}
    made.play("secrets")
    made.play("site")
    return made


def test_a_second_run_changes_nothing(cluster: Site) -> None:
    assert cluster.play("site") == []


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
    assert _heard(cluster, _booked(cluster)) > 0
    assert _heard(cluster, before) > 0


def test_who_comes_back_follows(cluster: Site) -> None:
    cluster.machines["core-a"].give_power()
    _until(lambda: len(_streaming(cluster)) == len(CORE) - 1, "the database did not come back")
    cluster.groups["hub"] = ["core-a", "core-b"]
    assert _heard(cluster, _booked(cluster)) > 0
    assert cluster.play("site") == []


def test_the_side_with_the_witness_goes_on_when_the_line_is_cut(cluster: Site) -> None:
    before = cluster.book()
    cluster.network.line("place-b", "down")
    _until(
        lambda: _sql(cluster, "core-b", "SELECT pg_is_in_recovery()") != "f", "the side that is cut off still writes"
    )
    assert _booked(cluster)
    assert _heard(cluster, before) > 0  # in B, by what it last knew
    cluster.network.line("place-b", "up")
    _until(lambda: len(_streaming(cluster)) == len(CORE) - 1, "the database did not come back")
    assert _heard(cluster, _booked(cluster)) > 0


def test_what_was_booked_is_there_after_a_restore(cluster: Site, tmp_path: Path) -> None:
    number = _booked(cluster)
    cluster.play("backup", "-e", f"backup_fetch={tmp_path}")
    follower = next(member["Member"] for member in _members(cluster, "witness") if member["Role"] != "Leader")
    (saved,) = tmp_path.glob(f"{follower}-*.tar.gz")
    _sql(cluster, _leader(cluster), "DROP DATABASE hub WITH (FORCE)")
    cluster.play("restore", "-e", f"restore_from={saved}", "-e", "restore_confirmed=yes")
    _until(lambda: len(_streaming(cluster)) == len(CORE) - 1, "the database is not copied")
    assert _heard(cluster, number) > 0
    assert _heard(cluster, _booked(cluster)) > 0
    assert cluster.play("site") == []


def _leader(site: Site) -> str:
    return next(member["Member"] for member in _members(site, "witness") if member["Role"] == "Leader")


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


def _sql(site: Site, name: str, query: str) -> str:
    """Ask the server of a machine; "" where it answers nothing."""
    return site.machines[name].shell(f'cd / && runuser -u postgres -- psql -XAtq -c "{query}" || true').strip()


def _booked(site: Site) -> str:
    """Book a meeting, and again until somebody takes it; gives its number."""
    ends = time.monotonic() + UP_S
    while True:
        try:
            return site.book()
        except subprocess.SubprocessError as error:
            if time.monotonic() > ends:
                pytest.fail(f"nobody can book any more: {error}")


def _heard(site: Site, number: str) -> int:
    """Dial a room at the mixing server, as an edge does, and again until somebody answers."""
    command = [sys.executable, str(Path(__file__).with_name("caller.py")), EDGE, MIXER, number]
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
