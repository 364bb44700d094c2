"""Give up every right a room does not need, before anything of a caller is read.

Own user, no capability, an empty network namespace (only sockets that are handed over lead anywhere), and a filter of
system calls (seccomp(2)): no new socket, no connection, no program to be started, no look into other processes. It
holds for all threads, and cannot be undone.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import pwd
import struct

from mixer.worker.errors import ConfineError

CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000
PR_SET_NO_NEW_PRIVS = 38
PR_SET_DUMPABLE = 4
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_TSYNC = 1
RET_ALLOW = 0x7FFF0000
RET_ERRNO = 0x00050000
RET_KILL = 0x80000000

# machine -> audit number (linux/audit.h), number of seccomp(2), and those refused, in this order: socket, connect,
# bind, listen, accept, accept4, execve, execveat, ptrace, process_vm_readv, process_vm_writev, io_uring_setup,
# unshare, setns, mount, bpf, keyctl
_MACHINES = {
    "x86_64": (
        0xC000003E, 317, (41, 42, 49, 50, 43, 288, 59, 322, 101, 310, 311, 425, 272, 308, 165, 321, 250),
    ),
    "aarch64": (
        0xC00000B7, 277, (198, 203, 200, 201, 202, 242, 221, 281, 117, 270, 271, 425, 97, 268, 40, 280, 219),
    ),
}  # fmt: skip
_X32 = 0x40000000
"""Set in the numbers of x86-64's second set of system calls, which nobody uses: refused as a whole."""

_LOAD, _EQUAL, _LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06

_NO_CAPABILITY = struct.pack("Ii", 0x20080522, 0), bytes(24)
"""What capset(2) is told (version 3, this process): none effective, permitted or inheritable. Whoever makes a user
namespace has all of them in it."""

_libc = ctypes.CDLL(None, use_errno=True)


def confine(user: str | None) -> None:
    """Do all of it; raises `ConfineError`. As root a user must be named, and nothing of root is left."""
    root = os.geteuid() == 0
    if root and user is None:
        raise ConfineError("a worker that is started as root needs --user, to become somebody else")
    _check(_libc.unshare(CLONE_NEWNET if root else CLONE_NEWUSER | CLONE_NEWNET), "a network namespace cannot be made")
    if root and user is not None:
        _become(user)
    _check(_libc.capset(*_NO_CAPABILITY), "capabilities cannot be given up")
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "new privileges cannot be ruled out")
    _check(_libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "memory cannot be closed to others")
    _filter()


def _become(user: str) -> None:
    try:
        entry = pwd.getpwnam(user)
    except KeyError as error:
        raise ConfineError(f"there is no user {user}: make one for the workers") from error
    if entry.pw_uid == 0:
        raise ConfineError("a worker does not run as root: name another user")
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)


def program(machine: str) -> bytes:
    """Write the filter for a machine (classic BPF over `struct seccomp_data`)."""
    audit, _, refused = _MACHINES[machine]
    refuse = RET_ERRNO | errno.EPERM
    code = [
        (_LOAD, 0, 0, 4),  # architecture
        (_EQUAL, 1, 0, audit),
        (_RETURN, 0, 0, RET_KILL),
        (_LOAD, 0, 0, 0),  # number
        (_LEAST, len(refused) + 1, 0, _X32),
        *((_EQUAL, len(refused) - place, 0, number) for place, number in enumerate(refused)),
        (_RETURN, 0, 0, RET_ALLOW),
        (_RETURN, 0, 0, refuse),
    ]
    return b"".join(struct.pack("HBBI", *one) for one in code)


def _filter() -> None:
    machine = platform.machine()
    if machine not in _MACHINES:
        raise ConfineError(f"system calls cannot be filtered on {machine}: only on {', '.join(_MACHINES)}")
    code = program(machine)
    held = ctypes.create_string_buffer(code, len(code))
    given = struct.pack("HP", len(code) // 8, ctypes.addressof(held))
    seccomp = _MACHINES[machine][1]
    done = _libc.syscall(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, given)
    _check(done, "system calls cannot be filtered")


def _check(result: int, what: str) -> None:
    if result != 0:
        raise ConfineError(f"{what}: {os.strerror(ctypes.get_errno())}")
