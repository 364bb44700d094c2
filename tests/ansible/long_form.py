"""The long form, for `tools/test-deploy`: a whole site with an edge, its life, and its rebirth from a backup."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.ansible.conftest import SITE_FILE, UP_S, Boot, Bundle, Site

pytestmark = [pytest.mark.system, pytest.mark.deploy]

CORE = ("bus", "database", "hub")
TRUST = "--credentials /etc/vdx/bus/owner.secret --trust /etc/vdx/tls/ca.pem"
ONE_SITE = {"core1": "192.0.2.20", "mixer1": "192.0.2.32", "edge1": "192.0.2.11"}
MIXER2, EDGE2, GATEWAY2 = "192.0.2.33", "192.0.2.12", "198.18.0.11"


@pytest.fixture(scope="module")
def whole(site: Boot) -> Site:
    groups = {**{group: ["core1"] for group in (*CORE, "monitoring")}, "mixer": ["mixer1"], "edge": ["edge1"]}
    made = site(ONE_SITE, groups)
    made.play("site")
    return made


def test_a_second_run_changes_nothing(whole: Site) -> None:
    assert whole.play("site") == []


def test_a_booked_room_can_be_dialled(whole: Site) -> None:
    heard, refused = whole.dial(whole.book())
    assert not refused
    assert heard > 0


def test_check_mode_goes_through_on_a_bare_machine(whole: Site) -> None:
    whole.groups["mixer"] = ["mixer1", "mixer2"]
    whole.place("mixer2", MIXER2)
    whole.play("site", "--check", "--limit=mixer2")
    assert whole.machines["mixer2"].left() == ""


def test_a_mixing_server_comes_rests_and_goes(whole: Site) -> None:
    whole.play("secrets")
    whole.play("add-mixer", "--limit=mixer2,bus")
    assert set(_nodes(whole)) == {"mixer1", "mixer2"}
    whole.play("drain-mixer", "--limit=mixer1")
    heard, refused = whole.dial(whole.book())  # nobody but the new one takes rooms now
    assert (heard > 0, refused) == (True, "")
    whole.play("drain-mixer", "--limit=mixer1", "-e", "drain_off=true")
    whole.play("remove-mixer", "--limit=mixer2", "-e", "remove_confirmed=mixer2")
    _is_gone(whole, "mixer2")
    assert whole.dial(whole.book())[0] > 0


def test_an_edge_comes_serves_alone_and_goes(whole: Site, tmp_path: Path) -> None:
    whole.groups["edge"] = ["edge1", "edge2"]
    new = whole.place("edge2", EDGE2)
    file = tmp_path / "edge2.yaml"
    file.write_text(
        SITE_FILE.read_text().replace("edge1", "edge2").replace("192.0.2.11", EDGE2).replace("198.18.0.10", GATEWAY2)
    )
    new.more["edge_site"] = str(file)
    whole.variables["mixer_edges"] = ["192.0.2.11/32", f"{EDGE2}/32"]
    whole.play("secrets")
    whole.play("add-edge", "--limit=edge2,bus,mixer")
    number = whole.book()
    heard, refused = whole.dial(number, GATEWAY2)
    assert (heard > 0, refused) == (True, ""), whole.warnings()
    call = subprocess.Popen(whole.dialling(number, packets=1500), stdout=subprocess.PIPE, text=True)
    with call:
        ends = time.monotonic() + UP_S
        while not _calls(whole, "edge1"):
            assert time.monotonic() < ends, "the call is not up"
            time.sleep(0.5)
        whole.play("drain-edge", "--limit=edge1")
        assert not _calls(whole, "edge1")  # it waited, and cut nothing
        assert call.wait(UP_S) == 0
        assert call.stdout is not None
        told = json.loads(call.stdout.read())
    assert told["heard"] > told["sent"] / 2
    assert "503" in whole.dial(number)[1]
    assert whole.dial(number, GATEWAY2)[0] > 0
    whole.play("drain-edge", "--limit=edge1", "-e", "drain_off=true")
    whole.play("remove-edge", "--limit=edge2", "-e", "remove_confirmed=edge2")
    whole.variables["mixer_edges"] = ["192.0.2.11/32"]
    _is_gone(whole, "edge2")
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


def test_an_upgrade_ends_at_the_first_machine_that_is_not_well_and_goes_back(whole: Site) -> None:
    before, after = whole.machines["mixer1"].shell("readlink /usr/lib/vdx").strip(), "9.9"
    runs = Path(before).name
    for name in ONE_SITE:  # a release that is there already, whose rooms never start
        copy = f"cp -al /opt/vdx/bundles/{runs} /opt/vdx/bundles/{after} && cp -a {before} /opt/vdx/releases/{after}"
        whole.machines[name].shell(copy)
    whole.machines["mixer1"].shell(f"printf '#!/bin/sh\nexit 1\n' > /opt/vdx/releases/{after}/bin/mixer")
    with pytest.raises(AssertionError, match=r"mixer1\s+: .*failed=1"):
        whole.play("upgrade", "-e", f"bundle_version={after}")
    assert whole.machines["edge1"].shell("readlink /usr/lib/vdx").strip() == before  # it never came to it
    whole.play("upgrade", "-e", f"bundle_version={runs}", "-e", "upgrade_anyway=true")
    assert whole.dial(whole.book())[0] > 0


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
    empty = site(ONE_SITE, whole.groups, after=whole)
    empty.play("site")
    assert "404" in empty.dial(number)[1]
    empty.play("restore", "-e", f"restore_from={saved}", "-e", "restore_confirmed=yes")
    assert empty.dial_once_up(number) > 0
    assert empty.play("site") == []


def _calls(site: Site, edge: str) -> list[object]:
    found: dict[str, list[object]] = json.loads(site.machines[edge].shell("gatewayctl --json calls"))
    return found.get("calls", [])


def _is_gone(site: Site, name: str) -> None:
    """See that a machine is as it came, that there is a receipt, and that the site forgets it."""
    machine = site.machines.pop(name)
    (receipt,) = (site.folder / "receipts").glob(f"{name}-*.yaml")
    assert "left: 0" in receipt.read_text()
    assert machine.left() == ""
    machine.remove()
    for group in site.groups.values():
        if name in group:
            group.remove(name)
    site.play("site", "--limit=bus,mixer", "--tags=bus,firewall,mixer-configuration")
    assert name not in site.machines["core1"].shell("cat /etc/vdx/bus/bus.yaml")
    for other in site.machines.values():
        assert machine.address not in other.shell("nft list table inet vdx_host 2>/dev/null || true")


def _nodes(site: Site) -> dict[str, object]:
    said = site.machines["core1"].shell(f"vdx-bus show nodes --server tls://192.0.2.20:4222 {TRUST}")
    return {line.split()[0]: json.loads(line[line.index("{") :]) for line in said.splitlines()}
