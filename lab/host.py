"""One host of a lab that is up: processes and sockets inside its namespace."""

import os
import socket
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeVar

from lab import kernel, namespace, topology
from lab.errors import UnknownHostError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Host:
    """A host: its description and its namespace. `children` are the processes started on it, for whoever ends them."""

    description: topology.Host
    namespace: str
    children: list[subprocess.Popen[Any]]

    @property
    def name(self) -> str:
        """Return the host's name in the topology."""
        return self.description.name

    def address(self, family: Literal[4, 6] = 4) -> str:
        """Return the host's first address of that family, without prefix length."""
        return self.description.address(family)

    def call(self, job: Callable[[], T]) -> T:
        """Run `job` in a thread inside the host; sockets and processes it makes stay there."""
        return namespace.inside(self.namespace, job)

    def socket(self, family: int = socket.AF_INET, kind: int = socket.SOCK_DGRAM, protocol: int = 0) -> socket.socket:
        """Return a new socket that belongs to the host; usable from every thread. The caller closes it."""
        return self.call(lambda: socket.socket(family, kind, protocol))

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:  # noqa: ANN401 - Popen's own
        """Start a program on the host; options are those of subprocess.Popen. It ends with the lab at the latest."""
        child: subprocess.Popen[Any] = self.call(lambda: subprocess.Popen(command, **options))
        self.children.append(child)
        return child

    def run(
        self, command: Sequence[str], *, timeout: float | None = None, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on the host to its end and return its output as text.

        `timeout` is in seconds; raises CalledProcessError if `check` and the status is not 0, TimeoutExpired if late.
        """
        return self.call(
            lambda: subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=check)
        )

    def become(self, command: Sequence[str]) -> NoReturn:
        """Replace this process by a program on the host; UnknownHostError if its namespace is gone."""
        try:
            fd = os.open(namespace.path(self.namespace), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise UnknownHostError(f"The namespace of {self.name} is gone; take the lab down and up again.") from None
        kernel.setns(fd, kernel.CLONE_NEWNET)
        try:
            os.execvp(command[0], list(command))  # noqa: S606 - the person's own command, as typed
        except FileNotFoundError:
            raise UnknownHostError(f"There is no program {command[0]} on {self.name}.") from None
