"""A throw-away Debian machine: systemd-nspawn in a network namespace, reached over ssh.

Its tree is unpacked from the tar that `tools/setup-deploy` makes. Its namespace has no way out: what is installed comes
from the bundle. Names carry the process id, so that runs go on side by side; `remove` leaves nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from tests.cgroup import Group

HOST = Path(__file__).resolve().parents[2] / ".setup/deploy/host.tar"
READY_S = 60.0
POLL_S = 0.1
OURS = r".*/((vdx|gatewayd|b2bua|mediad|certd)[^/]*|[0-9]+-vdx[^/]*|mixer(ctl|(-?rooms)?@?\..*)?|bus\.secret)"
"""A file of ours, as `find -regex` reads it."""


class Network:
    """Zones as bridges in a namespace of its own, that machines and callers are plugged into."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._zones: set[str] = set()
        self._ports = 0
        self._callers: list[str] = []
        self._far: dict[tuple[str, str], str] = {}
        self._lines: dict[str, str] = {}
        run("ip", "netns", "add", name)

    def plug(self, namespace: str, interface: str, zone: str, address: str = "") -> None:
        """Give a namespace a card in a zone, up, with an address (CIDR) where one is told."""
        self._make(zone)
        self._ports += 1
        far = self._far[namespace, interface] = f"p{self._ports}"
        peer = ("type", "veth", "peer", "name", interface, "netns", namespace)
        run("ip", "-n", self.name, "link", "add", far, *peer)
        run("ip", "-n", self.name, "link", "set", far, "master", zone, "up")
        if address:
            run("ip", "-n", namespace, "addr", "add", address, "dev", interface)
        run("ip", "-n", namespace, "link", "set", interface, "up")

    def cable(self, namespace: str, interface: str, state: Literal["up", "down"]) -> None:
        """Pull the cable of a card at its far end, or plug it in again."""
        run("ip", "-n", self.name, "link", "set", self._far[namespace, interface], state)

    def join(self, zone: str, address: str) -> None:
        """Give a zone a way to others that are joined: a router, with an address (CIDR) there."""
        self._make(zone)
        self._lines[zone] = address
        run("ip", "netns", "exec", self.name, "sysctl", "--quiet", "--write", "net.ipv4.ip_forward=1")
        self.line(zone, "up")

    def line(self, zone: str, state: Literal["up", "down"]) -> None:
        """Cut the line of a zone to all others, or mend it; within the zone nothing changes."""
        verb = "add" if state == "up" else "del"
        run("ip", "-n", self.name, "addr", verb, self._lines[zone], "dev", zone)

    def way(self, zone: str) -> str:
        """Give the address of a zone's router; "" where it has none."""
        return self._lines.get(zone, "").partition("/")[0]

    def caller(self, zone: str, address: str) -> str:
        """Make a namespace with a card in a zone, for a program that calls; gives its name."""
        name = f"{self.name}c{len(self._callers)}"
        run("ip", "netns", "add", name)
        self._callers.append(name)
        self.plug(name, "eth0", zone, address)
        return name

    def _make(self, zone: str) -> None:
        if zone not in self._zones:
            run("ip", "-n", self.name, "link", "add", zone, "type", "bridge")
            run("ip", "-n", self.name, "link", "set", zone, "up")
            self._zones.add(zone)

    def remove(self) -> None:
        """Take it away."""
        for name in (*self._callers, self.name):
            run("ip", "netns", "del", name)


class Machine:
    """One machine: `address` is that of its card in `zone`; `legs` are further cards, by the zone they are in."""

    def __init__(
        self,
        folder: Path,
        network: Network,
        number: int,
        address: str,
        legs: Mapping[str, str] = {},
        zone: str = "core",
    ) -> None:
        self.name = f"{network.name}m{number}"
        self.address = address
        self.more: dict[str, object] = {}
        """What an inventory says of it beside how it is reached."""
        self.root = folder / self.name
        self.log = folder / f"{self.name}.log"
        self.key = folder / "key"
        self._process: subprocess.Popen[bytes] | None = None
        self._group: Group
        self._network, self._number, self._legs, self._zone = network, number, legs, zone

    def boot(self) -> None:
        """Unpack it and start its systemd; returns once ssh answers."""
        self.root.mkdir(parents=True)
        run("tar", "--extract", "--preserve-permissions", f"--directory={self.root}", f"--file={HOST}")
        if not self.key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        home = self.root / "root/.ssh"
        home.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(self.key.with_suffix(".pub"), home / "authorized_keys")
        (self.root / "etc/machine-id").write_text("")
        (self.root / "etc/apt/sources.list").write_text("")  # nothing but the bundle
        # it is thrown away: packages need not be on the disk before they count
        (self.root / "etc/dpkg/dpkg.cfg.d/unsafe").write_text("force-unsafe-io\n")
        self._plug()
        self._start()

    def cable(self, interface: str, state: Literal["up", "down"]) -> None:
        """Pull the cable of a card, or plug it in again."""
        self._network.cable(self.name, interface, state)

    def cut_power(self) -> None:
        """Take the power away; with what its kernel held, addresses too."""
        self._kill()
        run("ip", "netns", "del", self.name)

    def give_power(self) -> None:
        """Give it back; returns once ssh answers."""
        self._plug()
        self._start()

    def _start(self) -> None:
        command = [
            *("systemd-nspawn", "--register=no", "--keep-unit", "--quiet", "--boot", f"--directory={self.root}"),
            *(f"--network-namespace-path=/run/netns/{self.name}", f"--hostname=host{self._number}"),
            *("--capability=CAP_NET_ADMIN,CAP_NET_RAW", "--resolv-conf=off", "--timezone=off"),
            *("--kill-signal=SIGRTMIN+3", f"--machine={self.name}"),
        ]
        with self.log.open("ab") as log:
            self._group = Group(self.name)
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=self._group.enter,  # noqa: PLW1509 - this program has one thread
            )
        self._until_ssh()

    def remove(self) -> None:
        """End it, and leave nothing of it; once is enough."""
        self._kill()
        with suppress(subprocess.CalledProcessError):
            run("ip", "netns", "del", self.name)
        run("rm", "-rf", "--one-file-system", str(self.root))

    def _kill(self) -> None:
        """Kill its first process, and so, before that is gone, all that run in it; then nspawn ends by itself."""
        if self._process is None:
            return
        if self._process.poll() is None:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
            for child in children.read_text().split():
                os.kill(int(child), signal.SIGKILL)
        self._process.wait(READY_S)
        self._process = None
        self._group.remove()

    @property
    def variables(self) -> dict[str, object]:
        """What an inventory says of it."""
        # the name and not an address: connections are kept and shared by it
        proxy = f"ip netns exec {self.name} nc 127.0.0.1 22"
        options = f"-o ProxyCommand='{proxy}' -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        return {
            "ansible_host": self.name,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": options,
            "site_address": self.address,
            **self.more,
        }

    def shell(self, command: str, stdin: str = "") -> str:
        """Run a command there, and give what it prints; CalledProcessError where it fails."""
        ssh = ["ssh", "-q", "-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        ssh += ["-o", f"ProxyCommand=ip netns exec {self.name} nc %h %p", "root@127.0.0.1", command]
        return subprocess.run(ssh, check=True, text=True, input=stdin, stdout=subprocess.PIPE, timeout=120).stdout

    def left(self) -> str:
        """Give what of ours is on it: files, users, units that are known, tables of the kernel; "" where it is bare."""
        return self.shell(
            f"find / /run -xdev -regextype posix-extended -regex '{OURS}'; "
            "grep -E 'vdx|gatewayd|b2bua|mediad|certd' /etc/passwd /etc/group; "
            "systemctl list-units --all --plain --no-legend 'vdx*' 'mixer*' gatewayd* b2bua* mediad* certd*; "
            "nft list tables 2>/dev/null || true"
        )

    def _plug(self) -> None:
        run("ip", "netns", "add", self.name)
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        self._network.plug(self.name, "eth0", self._zone, f"{self.address}/24")
        if way := self._network.way(self._zone):
            run("ip", "-n", self.name, "route", "add", "default", "via", way)
        for interface, zone in self._legs.items():
            self._network.plug(self.name, interface, zone)

    def _until_ssh(self) -> None:
        ends = time.monotonic() + READY_S
        while time.monotonic() < ends:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            with suppress(subprocess.CalledProcessError):
                self.shell("systemctl is-active multi-user.target")
                return
            time.sleep(POLL_S)
        raise AssertionError(f"{self.name} did not boot; it said: {self.log.read_text(errors='replace')[-800:]}")


def run(*command: str) -> None:
    """Run a program; CalledProcessError where it fails."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def ansible(program: str, arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of Ansible in `ansible/`, with what it keeps below `folder`; `ansible.log` there grows."""
    checkout = Path(__file__).resolve().parents[2]
    environment = {
        "PATH": f"{checkout / '.setup/deploy/venv/bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "ANSIBLE_CONFIG": str(checkout / "ansible/ansible.cfg"),
        "ANSIBLE_HOST_KEY_CHECKING": "false",
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp"),
        "ANSIBLE_FORCE_COLOR": "false",
    }
    with (folder / "ansible.log").open("a+") as log:
        began = log.tell()
        command = [program, *arguments]
        done = subprocess.run(
            command,
            cwd=checkout / "ansible",
            env=environment,
            check=False,
            text=True,
            stdout=log,
            stderr=subprocess.PIPE,
        )
        log.seek(began)
        return subprocess.CompletedProcess(command, done.returncode, log.read(), done.stderr)
