"""A mixing server as it is installed: a systemd of its own in a container, the role's own units, and this checkout.

Its tree is this machine's `/usr` and little more, so nothing is unpacked or installed. It has a network namespace of
its own, with a loopback, from which it is called.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import jinja2

from lab import namespace
from tests.cgroup import Group

CHECKOUT = Path(__file__).resolve().parents[3]
UNITS = CHECKOUT / "ansible/roles/mixer/templates"
RELEASE, CODE = Path("/opt/vdx/release"), Path("/opt/vdx/code")
READY_S = 60.0
POLL_S = 0.1
USERS = {"vdx-mixer": 961, "vdx-room": 962}
"""As the role makes them."""
TLS = 963
PASSWD = "root:x:0:0::/root:/bin/sh\n" + "".join(
    f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n" for name, number in USERS.items()
)
GROUPS = "root:x:0:\n" + "".join(f"{name}:x:{number}:\n" for name, number in USERS.items()) + f"vdx-tls:x:{TLS}:\n"
TARGET = """[Unit]
Wants=mixer.service
After=mixer.service
AllowIsolate=yes
"""
"""What starts: a mixing server and nothing else."""


def units() -> dict[str, str]:
    """Give the units of the role, by name, as it writes them."""
    environment = jinja2.Environment(trim_blocks=True, autoescape=False, keep_trailing_newline=True)  # noqa: S701 - units, no pages
    said = {"ansible_managed": "", "mixer_release": RELEASE, "mixer_numa_node": -1, "mixer_recordings": False}
    return {
        path.stem: environment.from_string(path.read_text()).render(said)
        for path in UNITS.iterdir()
        if path.stem != "mixer.yaml"
    }


class Booted:
    """The container; `root` is a folder that nobody else uses."""

    def __init__(self, root: Path, name: str, configuration: str, prompts: Path) -> None:
        self.root, self.name = root, name
        self.log = root.with_suffix(".log")
        self._lay(configuration, prompts)
        namespace.create(name)
        self._group = Group(name)
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=self._group.enter,  # noqa: PLW1509 - this program has one thread
            )
        try:
            self.until(lambda: self.active, "it starts")
        except BaseException:
            self.close()
            raise

    def tell(self, *command: str) -> str:
        """Run a program in it; gives what that prints, however it ended."""
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        return subprocess.run([*enter, *command], capture_output=True, text=True, check=False, timeout=READY_S).stdout

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds; AssertionError, with the log, where it does not."""
        ends = time.monotonic() + READY_S
        while not holds():
            ended = self._process.poll() is not None
            late = ended or time.monotonic() > ends
            assert not late, (
                f"not so: {what}\n{self.log.read_text(errors='replace')[-4000:]}\n{'' if ended else self.journal()}"
            )
            time.sleep(POLL_S)

    def journal(self, *which: str) -> str:
        """Give what its programs have said, or what `which`, of journalctl, picks of that."""
        return self.tell("journalctl", "--no-pager", "--output=cat", *which)

    @property
    def pid(self) -> int:
        """Its first process; that of nspawn, as long as there is none."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(children[0]) if children else self._process.pid

    @property
    def active(self) -> bool:
        """Whether the node agent serves."""
        return self.tell("systemctl", "is-active", "mixer.service").strip() == "active"

    @property
    def workers(self) -> dict[str, int]:
        """The room workers that run: the processes, as this machine numbers them, by unit."""
        found = {}
        for path in Path("/proc").iterdir():
            if path.name.isdigit():
                with suppress(OSError):  # ended meanwhile
                    unit = re.search(rf"/{self.name}/.*/mixerrooms\.slice/(\S+)", (path / "cgroup").read_text())
                    if unit and b"mixer.worker" in (path / "cmdline").read_bytes().split(b"\0"):
                        found[unit[1]] = int(path.name)
        return found

    def close(self) -> None:
        """Kill its first process, and so all of them, and leave nothing."""
        if self._process.poll() is None:
            if self.pid != self._process.pid:
                os.kill(self.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait(READY_S)
        self._group.remove()
        namespace.remove(self.name)

    def _command(self) -> list[str]:
        return [
            *("systemd-nspawn", "--register=no", "--keep-unit", "--quiet", "--boot", f"--directory={self.root}"),
            *("--bind-ro=/usr", f"--bind-ro={CHECKOUT}:{CODE}", "--bind-ro=/etc/alternatives", "--bind-ro=/etc/fonts"),
            *(f"--network-namespace-path=/run/netns/{self.name}", f"--machine={self.name}", "--hostname=mixer1"),
            *("--resolv-conf=off", "--timezone=off", "--kill-signal=SIGRTMIN+3", "--capability=CAP_NET_ADMIN"),
            "systemd.unit=vdx-test.target",
        ]

    def _lay(self, configuration: str, prompts: Path) -> None:
        """Lay out its tree: links into `/usr`, users, the release, the units, the configuration."""
        for name in ("bin", "sbin", "lib", "lib64"):
            (self.root / name).symlink_to(f"usr/{name}")
        packages = "lib/python3.11/site-packages"
        files = {
            "etc/passwd": PASSWD,
            "etc/group": GROUPS,
            "etc/machine-id": "",
            "etc/os-release": "ID=debian\n",
            "etc/systemd/system/vdx-test.target": TARGET,
            "etc/systemd/system.conf.d/pure.conf": "[Manager]\nDefaultEnvironment=VDX_PURE=1\n",
            "etc/vdx/mixer.yaml": configuration,
            "etc/vdx/mixer/credentials/bus.secret": "mixer1\nnone\n",
            "etc/vdx/mixer/credentials/pins.key": "0123456789abcdef" * 4,
            f"{RELEASE}/pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = true\n",
            f"{RELEASE}/{packages}/code.pth": f"{CODE}\n{CODE}/.venv/{packages}\n",
            f"{RELEASE}/bin/mixer": f"#!{RELEASE}/bin/python\nfrom mixer.__main__ import main\nmain()\n",
        }
        for name, text in units().items():
            files[f"etc/systemd/system/{name}"] = text
        for name, text in files.items():
            path = self.root / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        python = self.root / str(RELEASE).lstrip("/") / "bin/python"
        python.symlink_to("/usr/bin/python3.11")
        python.with_name("mixer").chmod(0o755)
        kept = self.root / "var/cache/vdx-mixer"
        kept.parent.mkdir(parents=True)
        subprocess.run(["cp", "-r", str(prompts), str(kept)], check=True)  # else it is spoken here once more
        self.root.chmod(0o755)
