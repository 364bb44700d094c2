"""Playbooks, roles and inventories as texts: what can be said without a machine."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ansible.machine import ansible
from vdx.bus.grants import GRANTS

pytestmark = [pytest.mark.system, pytest.mark.deploy]  # Ansible is installed by tools/setup-deploy

ANSIBLE = Path(__file__).resolve().parents[2] / "ansible"
PLAYBOOKS = sorted(path.name for path in (ANSIBLE / "playbooks").glob("*.yml"))
INVENTORIES = sorted(path.name for path in (ANSIBLE / "inventories").iterdir())
ROLES = sorted(path.name for path in (ANSIBLE / "roles").iterdir())


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_every_playbook_is_read_with_every_inventory(inventory: str, tmp_path: Path) -> None:
    paths = [f"playbooks/{name}" for name in PLAYBOOKS]
    done = ansible("ansible-playbook", ["-i", f"inventories/{inventory}/hosts.yml", "--syntax-check", *paths], tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_linter_has_nothing_to_say(tmp_path: Path) -> None:
    done = ansible("ansible-lint", ["--offline", "--profile=production", "-p", "playbooks", "roles"], tmp_path)
    assert done.returncode == 0, done.stdout
    processed = re.search(r"(\d+) files processed", done.stderr + done.stdout)
    assert processed is not None
    assert int(processed[1]) > 100


def test_the_virtual_machines_are_described_as_vagrant_reads_it(tmp_path: Path) -> None:
    environment = os.environ | {"VAGRANT_HOME": str(tmp_path / "home"), "VAGRANT_DOTFILE_PATH": str(tmp_path / "state")}
    command = ["vagrant", "validate"]
    done = subprocess.run(
        command, cwd=ANSIBLE.parent / "vagrant", env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_installer_of_debian_reads_the_preseed_file() -> None:
    command = ["debconf-set-selections", "--checkonly", str(ANSIBLE / "preseed/debian.cfg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("role", ROLES)
def test_every_default_of_a_role_is_one_of_its_arguments(role: str) -> None:
    options = _options(role)
    defaults = _yaml(ANSIBLE / "roles" / role / "defaults/main.yml")
    assert set(defaults) <= options
    assert all(name.startswith(f"{role}_") for name in options)


def test_only_modules_that_come_with_ansible_itself_are_used() -> None:
    for path in ANSIBLE.rglob("*.yml"):
        if "tasks" in path.parts or "handlers" in path.parts:
            for task in _tasks(_yaml(path)):
                modules = [key for key in task if "." in key]
                assert all(key.startswith("ansible.builtin.") for key in modules), (path, task["name"])


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_an_inventory_tells_each_machine_what_its_roles_need(inventory: str, tmp_path: Path) -> None:
    done = ansible("ansible-inventory", ["-i", f"inventories/{inventory}/hosts.yml", "--list"], tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for host, variables in said["_meta"]["hostvars"].items():
        assert variables["site_address"], host
        assert variables["bundle_version"], host
    for host in said.get("mixer", {}).get("hosts", []):
        assert said["_meta"]["hostvars"][host]["mixer_edges"], host


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_what_an_inventory_says_is_read_by_somebody(inventory: str) -> None:
    read = {name for role in ROLES for name in _options(role)}
    told = ANSIBLE / "inventories" / inventory
    groups = set(_yaml(told / "hosts.yml")) - {"all"}
    hosts = set(_yaml(told / "hosts.yml")["all"]["hosts"])
    shared = (ANSIBLE / "playbooks/group_vars/all.yml").read_text()
    for path in (told / "group_vars").iterdir():
        assert path.stem in groups | {"all"}
        for name in _yaml(path):
            assert name in read or re.search(rf"\b{name}\b", shared), (path, name)
    listed = "".join((ANSIBLE / "playbooks" / name).read_text() for name in PLAYBOOKS)
    for group in groups - {path.stem for path in (told / "group_vars").iterdir()}:
        assert re.search(rf"hosts: .*\b{group}\b", listed), group
    placed = {host for group in groups for host in _yaml(told / "hosts.yml")[group]["hosts"]}
    assert placed == hosts


def test_the_bus_knows_every_job_that_is_told_to_it() -> None:
    template = (ANSIBLE / "roles/bus/templates/bus.yaml.j2").read_text()
    assert set(re.findall(r"\('(\w+)', bus_\w+\)", template)) == {*GRANTS, "hub"}


def test_the_upgrade_of_an_edge_finds_all_its_steps(tmp_path: Path) -> None:
    arguments = ["-i", "inventories/one-site/hosts.yml", "--connection=local", "--limit=edge1", "--check"]
    arguments += ["playbooks/upgrade.yml", "-e", "ansible_become=false"]
    done = ansible("ansible-playbook", arguments, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    taken_back = done.stdout.partition("[Take calls again]")[2]
    assert "[Say so to an appliance]" in taken_back or "[edge : Ask the appliance" in taken_back


def test_a_receipt_is_refused_without_asking_twice(tmp_path: Path) -> None:
    arguments = ["-i", "inventories/one-site/hosts.yml", "--connection=local", "--limit=mixer3", "--check"]
    arguments += ["playbooks/remove-mixer.yml", "-e", "ansible_become=false", "-e", "remove_confirmed=mixer2"]
    done = ansible("ansible-playbook", arguments, tmp_path)
    assert done.returncode != 0
    assert "This wipes mixer3" in done.stdout + done.stderr


def _options(role: str) -> set[str]:
    return set(_yaml(ANSIBLE / "roles" / role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"])


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) or {}


def _tasks(listed: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for task in listed if isinstance(listed, list) else []:
        found.append(task)
        for part in ("block", "rescue", "always"):
            found += _tasks(task.get(part, []))
    return found
