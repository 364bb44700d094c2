"""Named network namespaces: made, entered, emptied, removed; the same that `ip netns` lists."""

import errno
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from lab import kernel
from lab.errors import UnableError

T = TypeVar("T")

DIRECTORY = Path("/run/netns")


def path(name: str) -> Path:
    """Return where the namespace of that name is bound."""
    return DIRECTORY / name


def in_thread(job: Callable[[], T]) -> T:
    """Run `job` in a thread of its own and return what it returns, or raise what it raises.

    Namespaces belong to threads; a thread that changed its own ends afterwards, so nobody inherits it by accident.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(job())
        except BaseException as failure:  # noqa: BLE001 - handed to the caller's thread, which raises it
            failures.append(failure)

    thread = threading.Thread(target=run, name="namespace")
    thread.start()
    try:
        thread.join()
    except BaseException:  # Ctrl-C: whoever clears up must not be overtaken by what the thread still makes
        thread.join()
        raise
    if failures:
        raise failures[0]
    return results[0]


def inside(name: str, job: Callable[[], T]) -> T:
    """Run `job` in a thread inside the namespace: sockets and processes it makes belong there."""

    def enter_and_run() -> T:
        fd = os.open(path(name), os.O_RDONLY | os.O_CLOEXEC)
        try:
            kernel.setns(fd, kernel.CLONE_NEWNET)
        finally:
            os.close(fd)
        return job()

    return in_thread(enter_and_run)


def create(name: str) -> None:
    """Make a network namespace and bind it to its name; UnableError if this user or kernel may not."""
    try:
        with _shared_directory():
            target = path(name)
            os.close(os.open(target, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0))

            def unshare_and_bind() -> None:
                kernel.unshare(kernel.CLONE_NEWNET)
                kernel.mount("/proc/thread-self/ns/net", str(target), kernel.MS_BIND)

            in_thread(unshare_and_bind)
    except PermissionError as refused:
        raise UnableError(f"Network namespaces cannot be made here ({refused.strerror}): run as root.") from refused


def remove(name: str) -> None:
    """Unbind and forget a namespace; harmless if it is not there or only half made."""
    target = path(name)
    try:
        while True:  # a crash between two labs' first mounts can leave a name bound twice
            kernel.unmount(str(target))
    except OSError as end:
        if end.errno not in (errno.EINVAL, errno.ENOENT):
            raise
    target.unlink(missing_ok=True)


def named(prefix: str) -> list[str]:
    """Return the names under /run/netns that begin with `prefix`, sorted."""
    try:
        return sorted(entry.name for entry in DIRECTORY.iterdir() if entry.name.startswith(prefix))
    except FileNotFoundError:
        return []


def inode(name: str) -> tuple[int, int] | None:
    """Return (device, inode) by which the kernel tells namespaces apart, None if nothing is bound to the name."""
    try:
        status = path(name).stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def processes(names: list[str]) -> list[int]:
    """Return the ids of all processes whose network namespace is one of those named."""
    inodes = {inode(name) for name in names}
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # ended meanwhile
                status = (entry / "ns/net").stat()
                if (status.st_dev, status.st_ino) in inodes:
                    found.append(int(entry.name))
    return found


@contextmanager
def _shared_directory() -> Iterator[None]:
    """Hold /run/netns for ourselves, mounted shared so that an unbind reaches every mount namespace."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    fd = os.open(DIRECTORY, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)  # two labs at their first namespace would stack two mounts
        try:
            kernel.mount("", str(DIRECTORY), kernel.MS_SHARED | kernel.MS_REC)
        except OSError as not_a_mount:
            if not_a_mount.errno != errno.EINVAL:
                raise
            kernel.mount(str(DIRECTORY), str(DIRECTORY), kernel.MS_BIND | kernel.MS_REC)
            kernel.mount("", str(DIRECTORY), kernel.MS_SHARED | kernel.MS_REC)
        yield
    finally:
        os.close(fd)
