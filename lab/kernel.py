"""The system calls of namespaces and mounts that Python 3.11 does not have.

All of them act on the calling thread alone, so call them in a thread of their own (see `namespace.in_thread`).
"""

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_BIND = 4096
MS_REC = 16384
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def setns(fd: int, kind: int) -> None:
    """Move the calling thread into the namespace that `fd` names (setns(2))."""
    _check(_libc.setns(fd, kind), "setns")


def unshare(kind: int) -> None:
    """Give the calling thread namespaces of its own (unshare(2))."""
    _check(_libc.unshare(kind), "unshare")


def mount(source: str, target: str, flags: int) -> None:
    """Bind a mount or change its propagation (mount(2))."""
    _check(_libc.mount(source.encode(), target.encode(), b"none", ctypes.c_ulong(flags), None), target)


def unmount(target: str) -> None:
    """Detach a mount now, whoever still uses it (umount2(2))."""
    _check(_libc.umount2(target.encode(), MNT_DETACH), target)
