"""A bundle signed with a key of the test's own, and a site on throw-away machines."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest
import yaml

from tests.ansible.machine import Machine, Network, ansible

CHECKOUT = Path(__file__).resolve().parents[2]
SITE_FILE = Path(__file__).with_name("edge1.yaml")
UP_S = 120.0
"""For machines that have just been started, or rooms that are made again from a restored database."""
HOSPITAL, GATEWAY = "198.18.0.20", "198.18.0.10"
OUTSIDER = "192.0.2.30"
"""In the core and none of the site: a telephone there, or what the partner watches with."""

BOOK = """
import sys, time
from datetime import UTC, datetime, timedelta
from hub.client import Client, NewMeeting, calls
now = datetime.now(UTC)
with Client("http://127.0.0.1:8080", sys.argv[1]) as client:
    made = client.send(calls.create_meeting(NewMeeting("Rounds", now + timedelta(minutes=5), now + timedelta(hours=3))))
    ends = time.monotonic() + 60
    while (room := client.send(calls.room(made.uuid))).provision_status != "PROVISIONED_OK":
        if time.monotonic() > ends:
            sys.exit("it is booked, and its room does not come")
        time.sleep(0.5)
    print(room.uri_with_domain.partition("@")[0])
"""
"""Run on a hub: books a meeting that begins in five minutes, waits for its room, prints the room's number."""
OPEN_ROOMS = {"default_template": {"host_pin_required": False, "guest_pin_required": False}}
SHORT = ("bundle", "common", "bus", "database", "hub")
"""Roles of the short form: a mixing server brings 200 MB of GStreamer, `tools/test-deploy` installs it."""


class Boot(Protocol):
    """What boots the machines of a site."""

    def __call__(self, addresses: dict[str, str], groups: dict[str, list[str]], after: "Site | None" = None) -> "Site":
        """Give the site."""
        ...


@dataclass(slots=True)
class Bundle:
    """The signed file, and the key that it is checked with."""

    file: Path
    keyring: Path


@dataclass(slots=True)
class Site:
    """Machines and their inventory; `play` runs a playbook on them.

    A `hosts.yml` in the folder, with its `group_vars`, is the inventory where there is one, machines are some of it.
    """

    folder: Path
    bundle: Bundle
    machines: dict[str, Machine]
    groups: dict[str, list[str]]
    network: Network
    caller: str
    ends: ExitStack
    variables: dict[str, object] = field(default_factory=dict)

    def place(self, name: str, address: str, zone: str = "core") -> Machine:
        """Put a bare machine there, and into the inventory; an edge has a second card in the network of a hospital."""
        edge = name in self.groups.get("edge", [])
        legs = {"sdn0": "sdn"} if edge else {}
        machine = Machine(self.folder, self.network, len(self.machines), address, legs, zone)
        self.ends.callback(machine.remove)
        if edge:
            machine.more["edge_appliance"] = False
        machine.boot()
        self.machines[name] = machine
        return machine

    def warnings(self) -> str:
        """Give what the journals of the machines said last."""
        command = "journalctl --no-pager --boot --lines=60 --output=short-monotonic"
        return "".join(f"\n--- {name}\n{machine.shell(command)}" for name, machine in self.machines.items())

    def play(self, name: str, *arguments: str) -> list[str]:
        """Run a playbook; gives what it changed, and where. AssertionError with its words where it fails."""
        known = {host: machine.variables for host, machine in self.machines.items()}
        said = {
            "bundle_file": str(self.bundle.file),
            "bundle_keyring": str(self.bundle.keyring),
            "bundle_version": self.bundle.file.stem.removeprefix("vdx-"),
            "common_admins": [],
            "hub_name": "hub.example.org",
            "hub_built_in_issuer": True,
            "mixer_edges": ["192.0.2.11/32"],
            "mixer_capacity": 8,
            "mixer_proxy": {"address": "192.0.2.11", "port": 5060, "transport": "udp"},
            "edge_site": str(SITE_FILE),
            "hub_organisation": {"code": "north", "name": "North"},
            "hub_settings": OPEN_ROOMS,
            "database_memory_mb": 64,
        }
        inventory: dict[str, object] = {"all": {"hosts": known, "vars": said | self.variables}}
        for group, hosts in self.groups.items():
            inventory[group] = {"hosts": {host: {} for host in hosts}}
        (self.folder / "machines.yml").write_text(yaml.safe_dump(inventory))
        paths = ["-i", str(self.folder / "machines.yml"), f"playbooks/{name}.yml"]
        if (self.folder / "hosts.yml").exists():
            paths = ["-i", str(self.folder / "hosts.yml"), *paths]
            if name != "secrets":  # the others are not there; they get theirs all the same
                paths.append(f"--limit={','.join(known)}")
        done = ansible("ansible-playbook", [*paths, *arguments], self.folder)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:] + self.warnings()
        changes, task = [], ""
        for line in done.stdout.splitlines():
            if line.startswith(("TASK [", "RUNNING HANDLER [")):
                task = line.rstrip(" *")
            elif line.startswith("changed: "):
                changes.append(f"{task} {line}")
        return changes

    def book(self) -> str:
        """Book a meeting at the first hub; gives the number of its room once it can be dialled."""
        hub = self.machines[self.groups["hub"][0]]
        mint = "runuser -u vdx-hub -- /usr/lib/vdx/bin/hub token --config /etc/vdx/hub/hub.yaml"
        who = "--role meeting-admin --role meeting-planner --organisation north --email anna@north.example"
        token = hub.shell(f"cd / && {mint} {who} 2>/dev/null").strip()
        return hub.shell(f"/usr/lib/vdx/bin/python - '{token}'", BOOK).strip()

    def dial(self, number: str, gateway: str = GATEWAY) -> tuple[int, str]:
        """Dial a room from the hospital; gives the packets that it heard, and what it says where it is refused."""
        done = subprocess.run(self.dialling(number, gateway), capture_output=True, text=True, check=False, timeout=120)
        return (int(json.loads(done.stdout)["heard"]), "") if done.returncode == 0 else (0, done.stderr)

    def dialling(self, number: str, gateway: str = GATEWAY, packets: int = 150) -> list[str]:
        """Give the command that dials a room from the hospital and talks for so many packets of 20 ms."""
        call = [sys.executable, str(Path(__file__).with_name("caller.py")), HOSPITAL, gateway, number, str(packets)]
        return ["ip", "netns", "exec", self.caller, *call]

    def dial_once_up(self, number: str) -> int:
        """Dial as somebody does who tries again until the room is there; gives the packets that he heard."""
        ends = time.monotonic() + UP_S
        while True:
            heard, refused = self.dial(number)
            if not refused:
                return heard
            assert time.monotonic() < ends, refused
            time.sleep(1)


def make_bundle(folder: Path, *options: str) -> Bundle:
    """Make a bundle with a key of its own; what it fetches is kept in the tree."""
    home = folder / "gpg"
    home.mkdir(mode=0o700)
    environment = os.environ | {"GNUPGHOME": str(home), "PIP_CACHE_DIR": str(CHECKOUT / ".setup/deploy/pip")}
    gpg = ["gpg", "--batch", "--quiet"]
    make = [*gpg, "--passphrase", "", "--quick-generate-key", "test", "ed25519", "sign", "never"]
    subprocess.run(make, env=environment, check=True)
    subprocess.run([*gpg, "--output", str(folder / "key.gpg"), "--export", "test"], env=environment, check=True)
    command = [str(CHECKOUT / "tools/bundle"), "--pure", "--key=test", f"--output={folder}", *options]
    subprocess.run(command, env=environment, check=True)
    subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=environment, check=True)
    (file,) = folder.glob("vdx-*.tar")
    return Bundle(file, folder / "key.gpg")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Make the bundle, with a key that lives as long as the test."""
    roles = [] if os.environ.get("VDX_DEPLOY_LONG") else [f"--roles={','.join(SHORT)}"]
    return make_bundle(tmp_path_factory.mktemp("bundle"), *roles)


@pytest.fixture(scope="module")
def site(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boot]:
    """Give a function that boots machines (name: address) with their groups; all of them go at the end.

    `after` is a site whose secrets this one has.
    """
    with sites(bundle, tmp_path_factory) as boot:
        yield boot


@contextmanager
def sites(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boot]:
    """Give the function of the fixture `site`, with another bundle."""
    with ExitStack() as stack:

        def boot(addresses: dict[str, str], groups: dict[str, list[str]], after: Site | None = None) -> Site:
            folder = tmp_path_factory.mktemp("site")
            if after is not None:
                shutil.copytree(after.folder / "secrets", folder / "secrets")
            network = Network(f"vdxD{os.getpid()}{folder.name.removeprefix('site')}")
            stack.callback(network.remove)
            caller = network.caller("sdn", f"{HOSPITAL}/24")
            network.plug(caller, "core", "core", f"{OUTSIDER}/24")
            made = Site(folder, bundle, {}, groups, network, caller, stack)
            for name, address in addresses.items():
                made.place(name, address)
            if addresses:
                made.play("secrets")
            return made

        yield boot
