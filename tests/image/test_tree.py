"""The image's own tree, started by systemd-nspawn: users, sandboxes, sockets, watchdogs are real."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from tests.cgroup import Group
from tests.image import world

pytestmark = pytest.mark.system
SITE = world.SITE + "management: {people: {anna: {role: admin}}}\n"
PROMPT = "Choose a number, then Enter: "
SECONDS = 60.0
"""Patience with a busy machine: programs of the tree start within ten on one that is not."""


class Tree:
    """A started tree; `data` is its /var. Its serial line is a pseudo-terminal of ours."""

    def __init__(self, namespace: str, data: Path, log: Path, before: str = "", more: Sequence[str] = ()) -> None:
        command = ["systemd-nspawn", "--register=no", "--keep-unit", "--quiet", "--boot", f"--directory={world.tree()}"]
        command += ["--read-only", f"--bind={data}:/var", f"--network-namespace-path=/run/netns/{namespace}"]
        command += ["--capability=CAP_NET_ADMIN,CAP_NET_RAW", "--resolv-conf=off", "--timezone=off", "--tmpfs=/tmp"]
        self._line, line = os.openpty()
        command += [f"--bind={os.ttyname(line)}:/dev/ttyS0", *more]
        if before:  # what it mounts goes with the process
            command = ["unshare", "--mount", "sh", "-ec", f'{before}\nexec "$@"', "sh", *command]
        self.data = data
        self._log = log.open("wb")
        self._group = Group(namespace)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"},  # /proc/sys/net, as on a machine
            preexec_fn=self._group.enter,  # noqa: PLW1509 - this program has one thread
        )
        os.close(line)
        self._leader = int(self.until(self._child))
        self._seen = ""

    def type(self, line: str) -> None:
        """Type a line on the serial line."""
        os.write(self._line, f"{line}\n".encode())

    def expect(self, shown: str) -> str:
        """Read the serial line until it shows something; gives what came before."""

        def look() -> str:
            if select.select([self._line], [], [], 0)[0]:
                with suppress(OSError):  # nobody has it open
                    self._seen += os.read(self._line, 65536).decode(errors="replace")
            return self._seen if shown in self._seen else ""

        before, _, self._seen = self.until(look).partition(shown)
        return before

    def _child(self) -> str:
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return next((each for each in listed if Path(f"/proc/{each}/comm").read_text() == "systemd\n"), "")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program inside."""
        enter = [
            "nsenter",
            f"--target={self._leader}",
            "--mount",
            "--pid",
            "--net",
            "--uts",
            "--ipc",
            "--cgroup",
            "--root",
            "--wd=/",
        ]
        return subprocess.run([*enter, *command], capture_output=True, text=True, check=False, timeout=SECONDS)

    def until(self, look: Callable[[], str]) -> str:
        """Look until there is something to see."""
        end = time.monotonic() + SECONDS
        while not (found := look()):
            assert time.monotonic() < end, "it never came"
            assert self._process.poll() is None, "the tree does not start"
            time.sleep(0.05)
        return found

    def shown(self, unit: str, name: str) -> str:
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def settled(self) -> str:
        """Wait until it is said whether this version is well; gives how the health check ended."""
        unit = "vdx-health.service"
        return self.until(lambda: found if (found := self.shown(unit, "ActiveState")) in ("active", "failed") else "")

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._group.remove()
        os.close(self._line)
        self._log.close()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    home = tmp_path_factory.mktemp("tree")
    data = home / "var"
    site = data / "lib/appliance/site"
    site.mkdir(parents=True)
    (site / "site.yaml").write_text(SITE)
    with world.networks(cards=False) as namespace:
        started = Tree(namespace, data, home / "log")
        try:
            started.settled()
            yield started
        finally:
            started.end()


def test_it_is_well(tree: Tree) -> None:
    told = tree.run(
        "journalctl", "--no-pager", "-u", "vdx-health", "-u", "gatewayd", "-u", "b2bua", "-u", "mediad"
    ).stdout
    assert tree.shown("vdx-health.service", "ActiveState") == "active", told
    assert tree.run("systemctl", "--failed", "--no-legend", "--plain").stdout == ""


@pytest.mark.parametrize("program", ["gatewayd", "b2bua", "mediad"])
def test_programs_run_as_their_own_users_without_rights(tree: Tree, program: str) -> None:
    status = tree.run("cat", f"/proc/{tree.shown(program, 'MainPID')}/status").stdout
    rights = dict(line.split(":\t", 1) for line in status.splitlines())
    wanted = {"gatewayd": (901, 1 << 12 | 1 << 23), "b2bua": (902, 1 << 10), "mediad": (903, 0)}[program]
    assert (int(rights["Uid"].split()[0]), int(rights["CapBnd"], 16) & ~0) == wanted
    assert rights["NoNewPrivs"] == "1"
    assert rights["Seccomp"] == "2"


def test_the_root_cannot_be_written(tree: Tree) -> None:
    assert "Read-only" in tree.run("touch", "/usr/new", "/etc/new").stderr
    assert tree.run("sh", "-c", "command -v pip gcc apt ssh perl").stdout == ""


def test_a_program_that_hangs_is_restarted_by_its_watchdog(tree: Tree) -> None:
    before = tree.shown("mediad", "MainPID")
    tree.run("systemctl", "kill", "--signal=STOP", "mediad")
    tree.until(lambda: "yes" if tree.shown("mediad", "MainPID") not in (before, "0") else "")
    tree.until(lambda: "yes" if '"mediad":"connected"' in tree.run("gatewayctl", "--json", "status").stdout else "")


def test_the_menu_is_nobody_and_its_entries_are_done_at_desks(tree: Tree) -> None:
    tree.expect(PROMPT)
    tree.type("1")
    shown = tree.expect(PROMPT)
    assert "well  zone sdn (sdn0): up" in shown
    assert "state: the gateway runs" in shown
    tree.type("10")
    tree.expect("anna: this is shown once")
    assert "vdx_" in tree.expect(PROMPT)
    tree.type("6")
    tree.expect("Type yes to go on: ")
    tree.type("no")
    tree.expect("nothing was changed")
    menu = "vdx-console@ttyS0"
    status = tree.run("cat", f"/proc/{tree.shown(menu, 'MainPID')}/status").stdout
    rights = dict(line.split(":\t", 1) for line in status.splitlines())
    assert (rights["Uid"].split()[0], int(rights["CapBnd"], 16), rights["Seccomp"]) == ("906", 0, "2")
    tree.until(lambda: "none" if "vdx-desk-" not in tree.run("systemctl", "list-units", "*@*.service").stdout else "")


def test_a_desk_is_open_to_the_menu_alone(tree: Tree) -> None:
    ask = "import socket as s; a = s.socket(s.AF_UNIX); a.connect('/run/vdx-desk/tell.sock'); a.send(b'state en')"
    command = ("setpriv", "--clear-groups", "--regid=904", "--reuid=904", "/usr/bin/python3", "-c", ask)
    assert "Permission denied" in tree.run(*command).stderr
    shown = ("stat", "--format=%U:%G %a", *(f"/run/vdx-desk/{desk}.sock" for desk in ("look", "tell", "disk")))
    assert tree.run(*shown).stdout.split("\n")[:3] == ["root:vdx-console 660"] * 3


ASK = """\
import socket, sys
desk, keep, *lines = sys.argv[1:]
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect(f"/run/vdx-desk/{desk}.sock")
    asked.sendall("".join(f"{line}\\n" for line in lines).encode())
    if keep.startswith("<"):
        asked.sendall(open(keep[1:], "rb").read())
    asked.shutdown(socket.SHUT_WR)
    said = asked.makefile("rb").read()
if keep.startswith(">"):
    open(keep[1:], "wb").write(said)
sys.stdout.write(said[:400].decode(errors="replace"))
"""


def _ask(tree: Tree, user: int, desk: str, keep: str, *lines: str) -> str:
    """Ask a desk as the menu (906) or `gatewayd-web` (904), who is in its group; `keep`: a file to send, or to fill."""
    as_user = ("setpriv", f"--reuid={user}", f"--regid={user}", "--groups=906")
    done = tree.run(*as_user, "/usr/bin/python3", "-c", ASK, desk, keep, *lines)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_who_asks_from_elsewhere_gets_his_own_entries_and_no_others(tree: Tree) -> None:
    assert _ask(tree, 904, "look", "", "findings en").startswith('[{"grade"')
    assert "wrong this is no appliance that started from an image" in _ask(tree, 904, "disk", "", "versions en")
    for desk, *lines in (
        ("tell", "reset en", "yes"),
        ("tell", "token en"),
        ("tell", "sealed en", "x" * 20),
        ("disk", "update en"),
    ):
        assert _ask(tree, 904, desk, "", *lines) == ""
    assert not (tree.data / "lib/appliance/reset").exists()


def test_the_console_makes_a_backup_and_takes_it_back_with_its_owners(tree: Tree) -> None:
    store = tree.data / "lib/vdx/certificates"
    (store / "edge.pem").write_text("a certificate")
    os.chown(store / "edge.pem", 905, 905)
    kept = "/var/kept"
    tree.run("install", "--mode=666", "/dev/null", kept)
    words = "correct-horse-battery"
    assert _ask(tree, 906, "tell", f">{kept}", "sealed en", words).startswith("vdx backup 1\n")
    (store / "edge.pem").write_text("changed")
    assert "the passphrase is another one" in _ask(tree, 906, "tell", f"<{kept}", "unsealed en", "wrong" * 4)
    assert _ask(tree, 906, "tell", f"<{kept}", "unsealed en", words) == "the next start takes it over\n"
    assert tree.run("systemctl", "restart", "vdx-takeover").returncode == 0
    told = (store.stat(), (store / "edge.pem").stat())
    assert [(each.st_uid, each.st_mode & 0o7777) for each in told] == [(905, 0o2750), (905, 0o644)]
    assert (store / "edge.pem").read_text() == "a certificate"


def test_a_policy_is_proved_in_a_unit_of_its_own(tree: Tree) -> None:
    told = tree.run("gatewayctl", "check", "--prove", "/etc/vdx/site.yaml")
    assert told.returncode == 0, told.stdout + told.stderr


def test_this_version_calls_itself(tree: Tree) -> None:
    told = tree.run("systemctl", "start", "vdx-looped")
    said = tree.run("journalctl", "--no-pager", "--output=cat", "--unit=vdx-looped").stdout
    assert told.returncode == 0, said
    assert "looped: a call to itself: " in said


def test_the_doctor_looks_at_it(tree: Tree) -> None:
    told = tree.run("gatewayctl", "system", "doctor").stdout
    assert "clock: follows no time server" in told
    assert "% used of" in told


def test_the_console_sees_the_clock(tree: Tree) -> None:
    assert tree.run("sh", "-c", "pidof chronyd || chronyd -x").returncode == 0
    assert tree.run("chronyc", "local", "stratum", "10").returncode == 0  # it follows itself
    tree.until(
        lambda: "yes" if '"grade": "well", "about": "clock"' in _ask(tree, 904, "look", "", "findings en") else ""
    )


def test_the_support_bundle_holds_no_secret(tree: Tree) -> None:
    assert tree.run("gatewayctl", "system", "support-bundle", "/var/bundle.tar.gz").returncode == 0
    listed = tree.run("tar", "tzf", "/var/bundle.tar.gz").stdout.split()
    assert {"support/journal.txt", "support/ruleset.txt", "support/active.yaml"} <= set(listed)


def test_a_backup_comes_back_with_the_next_start(tree: Tree) -> None:
    tree.run("sh", "-c", "echo correct-horse-battery >/run/passphrase")
    made = tree.run("gatewayctl", "system", "backup", "/var/backup", "--passphrase-file", "/run/passphrase")
    assert made.returncode == 0, made.stderr
    tree.run("sh", "-c", "echo changed >>/etc/vdx/site.yaml")
    restored = tree.run("gatewayctl", "system", "restore", "/var/backup", "--passphrase-file", "/run/passphrase")
    assert restored.returncode == 0, restored.stderr
    assert tree.run("systemctl", "restart", "vdx-takeover").returncode == 0
    assert tree.run("cat", "/etc/vdx/site.yaml").stdout == SITE


def test_an_active_version_tells_name_and_time_servers_and_takes_them_back(tree: Tree) -> None:
    started = tree.run("sh", "-c", "pidof chronyd || chronyd -x")  # sets no clock: systemd starts none in a container
    assert started.returncode == 0, started.stderr
    servers = "upstream: {zone: mgmt, dns: [10.9.0.53], ntp: [10.9.0.123]}\n"
    (tree.data / "next.yaml").write_text(world.SITE + servers)

    def known() -> bool:
        return "nameserver 10.9.0.53" in tree.run("cat", "/etc/resolv.conf").stdout

    assert not known()
    applied = tree.run("gatewayctl", "apply", "/var/next.yaml", "--confirm-within", "600")
    assert applied.returncode == 0, applied.stderr
    tree.until(lambda: "yes" if known() else "")
    tree.until(lambda: "yes" if "10.9.0.123" in tree.run("chronyc", "-n", "sources").stdout else "")
    assert tree.run("gatewayctl", "take-back").returncode == 0
    tree.until(lambda: "" if known() else "yes")
    tree.until(lambda: "" if "10.9.0.123" in tree.run("chronyc", "-n", "sources").stdout else "yes")


def test_a_new_one_tells_what_is_wrong_with_its_setup_and_waits(tmp_path: Path) -> None:
    data, handed = tmp_path / "var", tmp_path / "setup.yaml"
    (data / "lib/appliance/site").mkdir(parents=True)
    handed.write_text(yaml.safe_dump({"site": SITE}))
    with world.networks(cards=False, name="n") as namespace:
        started = Tree(namespace, data, tmp_path / "log", more=[f"--load-credential=vdx.setup:{handed}"])
        try:
            told = started.settled(), started.run("journalctl", "--no-pager", "-u", "vdx-setup").stdout
            assert told[0] == "active", told[1]
            started.expect("no network card is called sdn0; this machine has 0")
            started.expect(PROMPT)
            assert started.shown("vdx-setup", "NRestarts") == "0"
            assert not (data / "lib/appliance/site/site.yaml").exists()
        finally:
            started.end()


def test_a_full_data_partition_keeps_it_serving(tree: Tree, tmp_path: Path) -> None:
    data = tmp_path / "var"
    data.mkdir()
    fill = f"""
        mount -t tmpfs -o size=64m,mode=0755 none {data}
        cd {tree.data}
        cp --archive lib tmp {data}
        cat /dev/zero >{data}/full || true
    """
    with world.networks(cards=False, name="f") as namespace:
        started = Tree(namespace, data, tmp_path / "log", fill)
        try:
            told = started.settled(), started.run("journalctl", "--no-pager").stdout
            assert told[0] == "active", told[1]
            assert "bad   data: 100% used of 64 MiB" in started.run("gatewayctl", "system", "doctor").stdout
        finally:
            started.end()
