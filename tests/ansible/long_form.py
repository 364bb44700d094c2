"""The long form, for `tools/test-deploy`: a whole site with an edge, its life, and its rebirth from a backup."""

import json
import shutil
from pathlib import Path

import pytest

from tests.ansible.conftest import Boot, Bundle, Site

pytestmark = [pytest.mark.system, pytest.mark.deploy]

CORE = ("bus", "database", "hub")
TRUST = "--credentials /etc/vdx/bus/owner.secret --trust /etc/vdx/tls/ca.pem"
ONE_SITE = {"core1": "192.0.2.20", "mixer1": "192.0.2.32", "edge1": "192.0.2.11"}


def groups(*mixers: str) -> dict[str, list[str]]:
    """Give the groups of a site with one machine of the core, an edge, and mixing servers."""
    return {**{group: ["core1"] for group in (*CORE, "monitoring")}, "mixer": list(mixers), "edge": ["edge1"]}


@pytest.fixture(scope="module")
def whole(site: Boot) -> Site:
    made = site({**ONE_SITE, "mixer2": "192.0.2.33"}, groups("mixer1"))
    made.play("site", "--limit=all:!mixer2")
    return made


def test_a_second_run_changes_nothing(whole: Site) -> None:
    assert whole.play("site", "--limit=all:!mixer2")["changed"] == 0


def test_a_booked_room_can_be_dialled(whole: Site) -> None:
    heard, refused = whole.dial(whole.book())
    assert not refused
    assert heard > 0


def test_check_mode_goes_through_on_a_bare_machine(whole: Site) -> None:
    whole.groups["mixer"] = ["mixer1", "mixer2"]
    whole.play("site", "--check", "--limit=mixer2")
    assert whole.machines["mixer2"].shell("ls -d /etc/vdx /opt/vdx 2>/dev/null || true") == ""


def test_a_mixing_server_comes_rests_and_goes(whole: Site) -> None:
    whole.groups["mixer"] = ["mixer1", "mixer2"]
    whole.play("secrets")
    whole.play("add-mixer", "--limit=mixer2,bus")
    assert set(_nodes(whole)) == {"mixer1", "mixer2"}
    whole.play("drain-mixer", "--limit=mixer1")
    heard, refused = whole.dial(whole.book())  # nobody but the new one takes rooms now
    assert (heard > 0, refused) == (True, "")
    whole.play("drain-mixer", "--limit=mixer1", "-e", "drain_off=true")
    whole.play("remove-mixer", "--limit=mixer2", "-e", "remove_confirmed=mixer2")
    (receipt,) = (whole.folder / "receipts").glob("mixer2-*.yaml")
    assert "left: 0" in receipt.read_text()
    assert whole.machines["mixer2"].shell("ls -d /etc/vdx /opt/vdx /var/lib/vdx-mixer 2>/dev/null || true") == ""
    whole.groups["mixer"] = ["mixer1"]
    whole.play("site", "--limit=bus")
    assert "mixer2" not in whole.machines["core1"].shell("cat /etc/vdx/bus/bus.yaml")


def test_a_drained_edge_refuses_until_it_is_taken_back(whole: Site) -> None:
    number = whole.book()
    whole.play("drain-edge")
    assert "503" in whole.dial(number)[1]
    whole.play("drain-edge", "-e", "drain_off=true")
    assert whole.dial(number)[0] > 0


def test_an_upgrade_goes_machine_by_machine_and_calls_go_on(whole: Site, bundle: Bundle, tmp_path: Path) -> None:
    number = whole.book()
    version = f"{bundle.file.stem.removeprefix('vdx-')}.post1"  # the same software under another name
    newer = tmp_path / f"vdx-{version}.tar"
    newer.hardlink_to(bundle.file)
    shutil.copy(bundle.file.with_suffix(".tar.sig"), newer.with_suffix(".tar.sig"))
    whole.play("upgrade", "-e", f"bundle_version={version}", "-e", f"bundle_file={newer}")
    for name in ONE_SITE:
        assert whole.machines[name].shell("readlink /usr/lib/vdx").strip().endswith(version), name
    assert whole.dial(number)[0] > 0


def test_after_a_power_cut_everything_comes_back_by_itself(whole: Site) -> None:
    number = whole.book()
    for name in ONE_SITE:
        whole.machines[name].cut_power()
    for name in ONE_SITE:
        whole.machines[name].give_power()
    assert whole.dial_once_up(number) > 0


def test_what_was_booked_can_be_dialled_in_an_empty_site(whole: Site, site: Boot, tmp_path: Path) -> None:
    number = whole.book()
    whole.play("backup", "-e", f"backup_fetch={tmp_path}")
    (saved,) = tmp_path.glob("*.tar.gz")
    for machine in whole.machines.values():
        machine.remove()
    empty = site(ONE_SITE, groups("mixer1"), after=whole)
    empty.play("site")
    assert "404" in empty.dial(number)[1]
    empty.play("restore", "-e", f"restore_from={saved}", "-e", "restore_confirmed=yes")
    assert empty.dial_once_up(number) > 0
    assert empty.play("site")["changed"] == 0


def _nodes(site: Site) -> dict[str, object]:
    said = site.machines["core1"].shell(f"vdx-bus show nodes --server tls://192.0.2.20:4222 {TRUST}")
    return {line.split()[0]: json.loads(line[line.index("{") :]) for line in said.splitlines()}
