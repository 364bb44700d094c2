"""Leaves every right behind and enters a user and network namespace of its own, as an ordinary user may.

Inside, the process may do anything to the throw-away network and nothing to anything else; with the process the
network goes. Nothing is bound to a name, so nothing is left after a crash.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
from pathlib import Path
from typing import Final

from gatewayd.errors import ProofError

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38  # linux/prctl.h

NOBODY = 65534
"""Whom a prover started by root becomes: a user to whom no file and no program belongs."""

MEMORY = 4 << 30
"""Bytes of address space: half a million prefixes take about 1.5 GB here, most of it in libnftables."""

FILES = 64
"""Open files: a link for each zone, and some sockets of netlink."""

SWITCHES: Final = (
    ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
    ("user/max_user_namespaces", "0", "user.max_user_namespaces=100"),
    ("user/max_net_namespaces", "0", "user.max_net_namespaces=100"),
)
"""Settings by which kernels forbid ordinary users such a namespace: where, the value that forbids, what to set."""

_libc = ctypes.CDLL(None, use_errno=True)


def enter(files: int = FILES) -> None:
    """Become nobody, bound what may be used, and enter the namespaces; raises `ProofError` with what to set.

    The process must have one thread only; it ends with the one that started it.
    """
    try:
        _become_nobody()
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of user takes it off again, so it comes after
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        user, group = os.geteuid(), os.getegid()
        unshare(CLONE_NEWUSER | CLONE_NEWNET)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    except OSError as error:
        raise ProofError(f"no throw-away network can be made here: {reason(error)}") from error


def unshare(kind: int) -> None:
    """Give the calling thread namespaces of its own (unshare(2))."""
    _checked(_libc.unshare(kind), "unshare")


def setns(descriptor: int) -> None:
    """Move the calling thread into the network namespace of a descriptor (setns(2))."""
    _checked(_libc.setns(descriptor, CLONE_NEWNET), "setns")


def reason(error: OSError, proc: Path = Path("/proc/sys")) -> str:
    """Say why the kernel refuses, and which of its settings to change."""
    said = error.strerror or str(error)
    if error.errno == errno.EINVAL:
        return f"{said}: this kernel has no user namespaces (CONFIG_USER_NS)"
    wanted = [change for name, forbids, change in SWITCHES if _read(proc / name) == forbids]
    if wanted:
        return f"{said}: set {' and '.join(wanted)} in /etc/sysctl.d"
    if error.errno == errno.ENOSPC:
        return f"{said}: more user namespaces are in use than user.max_user_namespaces allows"
    hint = "a unit with RestrictNamespaces= or a seccomp filter forbids it: let vdx-prove.socket start the prover"
    return f"{said}: {hint}"


def _become_nobody() -> None:
    if os.geteuid() != 0:
        return
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except PermissionError as error:
        text = "the prover runs as root and may not become another user: let vdx-prove.socket start it"
        raise ProofError(text) from error
    _prctl(PR_SET_DUMPABLE, 1)  # or /proc/self stays root's, and with it the maps of the namespace


def _prctl(option: int, value: int) -> None:
    _checked(_libc.prctl(option, value, 0, 0, 0), "prctl")


def _checked(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
