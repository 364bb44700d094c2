"""A bundle signed with a key of the test's own, and a site on throw-away machines."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.ansible.machine import Machine, Network, ansible

CHECKOUT = Path(__file__).resolve().parents[2]
SHORT = ("bundle", "common", "bus", "database", "hub")
"""Roles of the short form: a mixing server brings 200 MB of GStreamer, `tools/test-deploy` installs it."""


@dataclass(slots=True)
class Bundle:
    """The signed file, and the key that it is checked with."""

    file: Path
    keyring: Path


@dataclass(slots=True)
class Site:
    """Machines and their inventory; `play` runs a playbook on them."""

    folder: Path
    bundle: Bundle
    machines: dict[str, Machine]
    groups: dict[str, list[str]]
    variables: dict[str, object] = field(default_factory=dict)

    def play(self, name: str, *arguments: str) -> dict[str, int]:
        """Run a playbook; gives its counts, summed over machines. AssertionError with its words where it fails."""
        known = {host: machine.variables for host, machine in self.machines.items()}
        said = {
            "bundle_file": str(self.bundle.file),
            "bundle_keyring": str(self.bundle.keyring),
            "bundle_version": self.bundle.file.stem.removeprefix("vdx-"),
            "common_admins": [],
            "hub_name": "hub.example.org",
            "hub_built_in_issuer": True,
            "mixer_edges": ["192.0.2.11/32"],
            "mixer_capacity": 4,
            "database_memory_mb": 64,
        }
        inventory: dict[str, object] = {"all": {"hosts": known, "vars": said | self.variables}}
        for group, hosts in self.groups.items():
            inventory[group] = {"hosts": {host: {} for host in hosts}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        paths = ["-i", str(self.folder / "hosts.yml"), f"playbooks/{name}.yml"]
        done = ansible("ansible-playbook", [*paths, *arguments], self.folder)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        counts: dict[str, int] = {}
        for line in done.stdout.partition("PLAY RECAP")[2].splitlines()[1:]:
            for word in line.partition(" : ")[2].split():
                key, _, value = word.partition("=")
                counts[key] = counts.get(key, 0) + int(value)
        return counts


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Make the bundle, with a key that lives as long as the test."""
    folder = tmp_path_factory.mktemp("bundle")
    home = folder / "gpg"
    home.mkdir(mode=0o700)
    environment = os.environ | {"GNUPGHOME": str(home)}
    gpg = ["gpg", "--batch", "--quiet"]
    make = [*gpg, "--passphrase", "", "--quick-generate-key", "test", "ed25519", "sign", "never"]
    subprocess.run(make, env=environment, check=True)
    subprocess.run([*gpg, "--output", str(folder / "key.gpg"), "--export", "test"], env=environment, check=True)
    roles = [] if os.environ.get("VDX_DEPLOY_LONG") else [f"--roles={','.join(SHORT)}"]
    command = [str(CHECKOUT / "tools/bundle"), "--pure", "--key=test", f"--output={folder}", *roles]
    subprocess.run(command, env=environment, check=True)
    subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=environment, check=True)
    (file,) = folder.glob("vdx-*.tar")
    return Bundle(file, folder / "key.gpg")


@pytest.fixture(scope="module")
def site(
    bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[dict[str, str], dict[str, list[str]]], Site]]:
    """Give a function that boots machines (name: address) with their groups; all of them go at the end."""
    network = Network(f"vdxD{os.getpid()}")
    booted: list[Machine] = []

    def boot(addresses: dict[str, str], groups: dict[str, list[str]]) -> Site:
        folder = tmp_path_factory.mktemp("site")
        machines = {}
        for name, address in addresses.items():
            machines[name] = machine = Machine(folder, network, len(booted), address)
            booted.append(machine)
            machine.boot()
        made = Site(folder, bundle, machines, groups)
        made.play("secrets")
        return made

    yield boot
    for machine in booted:
        machine.remove()
    network.remove()
