"""What a lab remembers outside its processes: /run/vdx-lab/<name>/, and who holds it.

lock        held (flock) by the process that builds, runs or removes the lab; the kernel lets go when that one dies
phase       "held" once everything stands, "left" if it is to stand without a holder; else, without a holder, a wreck
pids/       one file per program: process id, start time, command line
site.yaml   the edge's site file
run/        sockets of the edge's programs
var/        gatewayd's versions of the site
kept/       what b2bua keeps: registrations
obtained/   what certd obtains
keys/       the lab's certificate authority, certificates and keys of the edge and of every host
log/        what the programs print
bus/        the bus: configuration, what it holds, secrets of the programs that use it
mixer/      the mixing server: configuration, sockets, prompts
agents/     user agents' configurations and recordings
notify/     readiness sockets while programs start
code/       where the unprivileged programs see this checkout
"""

import fcntl
import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.errors import LabBusyError, LabNameError
from lab.processes import Process
from lab.users import B2BUA, GROUP

ROOT = Path("/run/vdx-lab")
OPEN = 0o755  # said, not left to the umask: programs of other users pass through
NAME = re.compile(r"[a-z0-9]{1,24}")  # no dash: vdx-<lab>-<host> then names one lab and one host only


class State:
    """The state directory of one lab."""

    def __init__(self, name: str) -> None:
        if not NAME.fullmatch(name):
            raise LabNameError(f"A lab's name is 1 to 24 of a-z and 0-9, not {name!r}.")
        self.name = name
        self.directory = ROOT / name
        self._lock: int | None = None

    @property
    def site(self) -> Path:
        """Return the edge's site file."""
        return self.directory / "site.yaml"

    @property
    def run(self) -> Path:
        """Return the directory of the programs' sockets."""
        return self.directory / "run"

    @property
    def var(self) -> Path:
        """Return gatewayd's directory of site versions."""
        return self.directory / "var"

    @property
    def kept(self) -> Path:
        """Return b2bua's directory of what outlasts it."""
        return self.directory / "kept"

    @property
    def certificates(self) -> Path:
        """Return certd's directory, which b2bua may read."""
        return self.directory / "obtained"

    @property
    def keys(self) -> Path:
        """Return the directory of certificates and keys."""
        return self.directory / "keys"

    @property
    def logs(self) -> Path:
        """Return the directory of the programs' output."""
        return self.directory / "log"

    @property
    def agents(self) -> Path:
        """Return the directory of the user agents."""
        return self.directory / "agents"

    @property
    def bus(self) -> Path:
        """Return the bus's directory: its configuration, what it holds, and the programs' secrets."""
        return self.directory / "bus"

    @property
    def mixer(self) -> Path:
        """Return the mixing server's directory: its configuration, sockets, and what it keeps."""
        return self.directory / "mixer"

    @property
    def notify(self) -> Path:
        """Return the directory of the readiness sockets."""
        return self.directory / "notify"

    @property
    def code(self) -> Path:
        """Return the mount point of the checkout."""
        return self.directory / "code"

    @property
    def held(self) -> bool:
        """Tell whether this object holds the lab."""
        return self._lock is not None

    @property
    def left(self) -> bool:
        """Tell whether the lab was built completely and left standing by itself."""
        return self._phase == "left"

    @property
    def up(self) -> bool:
        """Tell whether the lab stands completely: left by itself, or held by a living process."""
        return self.left or (self._phase == "held" and self._somebody_holds())

    @property
    def wrecked(self) -> bool:
        """Tell whether this is what a process that died has left."""
        # Only a holder makes `pids`, so a lab that somebody is just about to hold is none.
        return self._pids.exists() and not self.left and not self._somebody_holds()

    def hold(self, what: str) -> None:
        """Become the one process that may change this lab, named `what` to others; LabBusyError if another lives."""
        while True:
            self.directory.mkdir(parents=True, exist_ok=True)
            file = self.directory / "lock"
            try:
                for directory in (ROOT, self.directory):
                    directory.chmod(OPEN)
                fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except FileNotFoundError:
                continue  # taken down between the two lines
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(fd, 200).decode(errors="replace").strip()
                os.close(fd)
                raise LabBusyError(
                    f"Lab {self.name} is held by {holder or 'a process that just began'}; end that first."
                ) from None
            with suppress(FileNotFoundError):
                if os.fstat(fd).st_ino == file.stat().st_ino:
                    break
            os.close(fd)  # locked a file that its holder had removed already
        os.ftruncate(fd, 0)
        os.write(fd, f"process {os.getpid()} ({what})".encode())
        self._lock = fd

    def let_go(self) -> None:
        """Leave the lab as it is to others."""
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    def prepare(self) -> None:
        """Make the directories."""
        places = (self.run, self.var, self.kept, self.keys, self.logs, self.agents, self.notify, self.code, self._pids)
        for directory in places:
            directory.mkdir(exist_ok=True)
            directory.chmod(OPEN)
        self.var.chmod(0o700)
        self.kept.chmod(0o700)
        os.chown(self.kept, B2BUA.uid, B2BUA.gid)
        os.chown(self.keys, B2BUA.uid, B2BUA.gid)
        self.keys.chmod(0o750)
        self.certificates.mkdir(exist_ok=True)
        os.chown(self.certificates, 0, B2BUA.gid)
        self.certificates.chmod(0o2750)
        os.chown(self.run, 0, GROUP)
        self.run.chmod(0o3770)  # the programs' sockets belong to their group, and nobody removes another's

    def mark_up(self) -> None:
        """Record that the lab stands completely, as long as its holder."""
        (self.directory / "phase").write_text("held\n")

    def leave(self) -> None:
        """Let the lab stand by itself."""
        (self.directory / "phase").write_text("left\n")
        self.let_go()

    def mark_down(self) -> None:
        """Record that the lab does not stand any more, before its parts go: a crash then leaves a wreck, not a lab."""
        (self.directory / "phase").unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove everything but the lock, then the lock: whoever comes meanwhile waits or begins anew."""
        for entry in self.directory.iterdir():
            if entry.name == "lock":
                continue
            if entry == self.code:
                entry.rmdir()  # never its content: should the checkout ever be seen here, it stays
            elif entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        (self.directory / "lock").unlink(missing_ok=True)
        for directory in (self.directory, ROOT):
            with suppress(OSError):  # another process or lab is already in it
                directory.rmdir()
        self.let_go()

    def remember(self, program: str, process: Process, command: list[str]) -> None:
        """Write the pid file of a program."""
        record = {"pid": process.pid, "start": process.start, "command": command}
        temporary = self._pids / f".{program}"
        temporary.write_text(json.dumps(record) + "\n")
        temporary.rename(self._pids / f"{program}.json")

    def programs(self) -> dict[str, Process]:
        """Return the programs that were started, dead or alive, in the order of their start."""
        found = {}
        for file in self._pids.glob("*.json"):
            with suppress(ValueError, KeyError):  # cut off by a crash of the machine
                record: dict[str, Any] = json.loads(file.read_text())
                found[file.stem] = Process(int(record["pid"]), int(record["start"]))
        return dict(sorted(found.items(), key=lambda item: item[1].start))

    @property
    def _phase(self) -> str:
        with suppress(FileNotFoundError):
            return (self.directory / "phase").read_text().strip()
        return ""

    def _somebody_holds(self) -> bool:
        if self.held:
            return True
        try:
            fd = os.open(self.directory / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    @property
    def _pids(self) -> Path:
        return self.directory / "pids"


def names() -> list[str]:
    """Return the names of all labs that have a state directory."""
    try:
        return sorted(entry.name for entry in ROOT.iterdir() if NAME.fullmatch(entry.name))
    except FileNotFoundError:
        return []
