"""Starts the programs of edge and core: gatewayd as root, the others without privileges, each ready before the next."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab import compiled, kernel
from lab.errors import ProgramError
from lab.host import Host
from lab.notify import ReadinessSocket
from lab.processes import Process
from lab.state import State
from lab.users import B2BUA, MEDIAD, MIXER, User

PROGRAMS = ("gatewayd", "mediad", "b2bua")  # in the order of their start
READY_S = 30.0  # a fresh checkout compiles its modules first, on a machine that may be busy
LAST_LINES = 6  # of the log, in the error
UMASK = 0o007  # sockets open to the programs' group, closed to everybody else
CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Program:
    """How a program is started: its module, its arguments, its user (None: root), and the host it runs on."""

    name: str
    arguments: tuple[str, ...]
    user: User | None
    host: str = "edge"
    home: Path | None = None  # where libraries may keep what they worked out, GStreamer its list of plugins


def program(name: str, state: State) -> Program:
    """Return how the program of that name is started; ProgramError if there is none."""
    run = ("--run-dir", str(state.run))
    match name:
        case "gatewayd":
            # the lab's users have no names to be found by
            users = ("--owner", f"b2bua={B2BUA.uid}", "--mediad", str(MEDIAD.uid))
            return Program(name, ("--site", str(state.site), *run, "--state-dir", str(state.var), *users), None)
        case "b2bua":
            answers = ("--answers", str(state.certificates / "answers"))
            return Program(name, (*run, "--state-dir", str(state.kept), *answers), B2BUA)
        case "mediad":
            return Program(name, run, MEDIAD)
        case "mixer":
            return Program(name, ("--config", str(state.mixer / "mixer.yaml")), MIXER, "core", state.mixer / "cache")
    raise ProgramError(f"There is no program {name} in a lab; it runs {', '.join((*PROGRAMS, 'mixer'))}.")


def start(plan: Program, host: Host, state: State) -> None:
    """Start a program on its host and wait until it is ready; ProgramError, with its last lines, if it is not."""
    log = state.logs / f"{plan.name}.log"
    uid = plan.user.uid if plan.user else os.getuid()
    with ReadinessSocket(state.notify / plan.name, uid) as readiness:
        child = _spawn(plan, host, state, log, readiness.path)
        if process := Process.of(child.pid):
            state.remember(plan.name, process, [plan.name, *plan.arguments])
        if readiness.wait(child.pid, READY_S):
            return
    status = child.poll()
    how = "was not ready in time" if status is None else f"ended with status {status}"
    said = " / ".join(tail(log)) or "nothing"
    raise ProgramError(f"{plan.name} {how}; it said: {said}")


def tail(log: Path, lines: int = LAST_LINES) -> list[str]:
    """Return the last lines of a log that hold anything."""
    return [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()][-lines:]


def _spawn(plan: Program, host: Host, state: State, log: Path, readiness: Path) -> "subprocess.Popen[bytes]":
    python = Path(sys.executable)
    if python.is_relative_to(CHECKOUT):
        python = state.code / python.relative_to(CHECKOUT)
    folder, why_not = compiled.place(os.environ, CHECKOUT)
    if why_not:
        with log.open("a") as told:
            print(f"lab: {plan.name} runs from the sources: {why_not}", file=told)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "NOTIFY_SOCKET": str(readiness),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": f"{state.code / folder}:{state.code}",
    }

    if plan.home is not None:
        environment["HOME"] = str(plan.home)

    def see_code_and_start() -> "subprocess.Popen[bytes]":
        # A checkout below /root, or in somebody's home, is closed to other users: they see it elsewhere.
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.mount("", "/", kernel.MS_SLAVE | kernel.MS_REC)
        kernel.mount(str(CHECKOUT), str(state.code), kernel.MS_BIND)
        with log.open("ab") as output:
            return subprocess.Popen(
                [str(python), "-P", "-m", plan.name, *plan.arguments],
                cwd=state.code,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=UMASK,
                user=plan.user.uid if plan.user else None,
                group=plan.user.gid if plan.user else None,
                extra_groups=[] if plan.user else None,
            )

    try:
        child = host.call(see_code_and_start)
    except PermissionError as closed:
        raise ProgramError(
            f"{plan.name} runs as another user, to whom {CHECKOUT} is closed: chmod -R go+rX {CHECKOUT}"
        ) from closed
    host.children.append(child)
    return child
