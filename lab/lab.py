"""The life of a lab: built, used, taken down, by whoever holds it; wrecks of crashed labs are cleared away."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from subprocess import Popen
from typing import Any

from lab import namespace, processes, state, wiring
from lab.authority import Authority
from lab.core import Core
from lab.edge import wait_until_serving
from lab.errors import LabBusyError, LabUpError, UnableError, UnknownHostError, UnknownLabError
from lab.host import Host
from lab.keys import issue
from lab.processes import Process
from lab.programs import PROGRAMS, program, start
from lab.site import site_text
from lab.state import State
from lab.topology import STANDARD, Topology

AGENT_GRACE_S = 2.0  # a user agent says BYE in less; a shell that ignores SIGTERM is killed
SWEEPS = 20  # a process may start another one while it is ended; each sweep finds what the last one missed


class Lab:
    """An installation on this machine. Build it with `up`, or use `Lab.temporary` in tests."""

    def __init__(self, name: str = "lab", plan: Topology = STANDARD) -> None:
        self.state = State(name)
        self.name = name
        self.topology = plan
        self.namespaces = {host.name: f"vdx-{name}-{host.name}" for host in plan}
        self.authority: Authority | None = None  # of a lab that this object built
        self._children: list[Popen[Any]] = []

    @classmethod
    @contextmanager
    def temporary(
        cls, prefix: str, plan: Topology = STANDARD, *, programs: Sequence[str] = (), core: bool = False
    ) -> "Iterator[Lab]":
        """Build a lab named after `prefix` and this process; take it down at the end, whatever happens.

        `programs` are those started on the edge ("gatewayd", "mediad", "b2bua"); `start` starts more later; `core` as
        with `up`. Labs of
        tests that were killed are cleared away first.
        """
        cls.clear_wrecks()
        lab = cls(f"{prefix}{os.getpid()}", plan)
        lab.up(programs, core=core, what=f"test {prefix}")
        try:
            yield lab
        finally:
            lab.down()

    @classmethod
    def running(cls, name: str) -> "Lab":
        """Return a lab that is up already, to be looked at and used; UnknownLabError if there is none."""
        lab = cls(name)
        if not lab.state.up:
            raise UnknownLabError(f"No lab named {name} is up; start one: vdx-lab up --name {name}")
        return lab

    def host(self, name: str) -> Host:
        """Return a host by name; UnknownHostError if the topology has none."""
        try:
            return Host(self.topology.host(name), self.namespaces[name], self._children)
        except KeyError:
            known = ", ".join(self.namespaces)
            raise UnknownHostError(f"There is no host {name}; the lab has {known}.") from None

    def up(self, programs: Sequence[str] = (), *, core: bool = False, what: str = "vdx-lab up") -> None:
        """Build everything and hold it; on any failure, or Ctrl-C, nothing is left.

        With `core` there are a bus and a mixing server too, and the edge knows of them.
        """
        require_root()
        self.state.hold(what)
        if self.state.left and self._well():
            self.state.let_go()
            raise LabUpError(f"Lab {self.name} is up already; look at it: vdx-lab status --name {self.name}")
        try:
            self._clear()
            self.state.prepare()
            for name in self.namespaces.values():
                namespace.create(name)
            wiring.wire(self.topology, self.namespaces)
            self.authority = issue(self.topology, self.state.keys)
            self.state.site.write_text(site_text(self.topology, self.name, self.state.keys))
            if core:
                Core(self).prepare()
            self.start(*programs)
            if set(PROGRAMS) <= set(programs):
                wait_until_serving(self.state.run)
            if core:
                Core(self).start()
            self.state.mark_up()
        except BaseException:
            self.down()
            raise

    def leave(self) -> None:
        """Let the lab stand by itself; whoever wants takes it down."""
        self.state.leave()

    def start(self, *names: str) -> None:
        """Start programs on their hosts, in the order given, each ready before the next begins; ProgramError if not."""
        for name in names:
            plan = program(name, self.state)
            start(plan, self.host(plan.host), self.state)

    def stop(self, name: str, *, grace: float = processes.GRACE_S) -> None:
        """End one program; with `grace` 0 it is killed. Harmless if it ended by itself."""
        if process := self.state.programs().get(name):
            processes.end([process], grace)
        for child in self._children:
            child.poll()

    def down(self) -> None:
        """End every process, remove every namespace and file of this lab; harmless to a lab half built."""
        require_root()
        if not self.state.held:
            if not self.exists():
                raise UnknownLabError(f"There is no lab named {self.name}.")
            self.state.hold("vdx-lab down")
        self._clear()
        self.state.remove()

    @classmethod
    def clear_wrecks(cls) -> None:
        """Take down every lab whose holder died."""
        for name in state.names():
            lab = cls(name)
            if lab.state.wrecked:
                with suppress(LabBusyError):
                    lab.state.hold("clearing a wreck")
                    if lab.state.left:  # somebody built it anew between the two lines
                        lab.state.let_go()
                    else:
                        lab.down()

    def exists(self) -> bool:
        """Tell whether anything of this lab is there, whole or in pieces."""
        return self.state.directory.exists() or bool(namespace.named(f"vdx-{self.name}-"))

    def _well(self) -> bool:
        return all(process.alive() for process in self.state.programs().values()) and all(
            namespace.inode(name) for name in self.namespaces.values()
        )

    def _clear(self) -> None:
        """End the processes, then remove the namespaces; names are found on the machine, not in the topology."""
        self.state.mark_down()
        names = namespace.named(f"vdx-{self.name}-")
        programs = self.state.programs()
        guests = set(self._inside(names)) - set(programs.values())
        processes.end(guests, AGENT_GRACE_S)
        for process in reversed(programs.values()):  # b2bua ends its calls while gatewayd still answers
            processes.end([process])
        for _ in range(SWEEPS):
            left = self._inside(names)
            if not left:
                break
            processes.end(left, grace=0)
        for name in names:
            namespace.remove(name)
        for child in self._children:
            child.poll()
        self._children.clear()

    @staticmethod
    def _inside(names: list[str]) -> list[Process]:
        found = (Process.of(pid) for pid in namespace.processes(names))
        return [process for process in found if process is not None]


def require_root() -> None:
    """Raise UnableError unless this process may make namespaces."""
    if os.geteuid() != 0:
        raise UnableError("A lab needs root: it makes network namespaces. Run it as root.")
