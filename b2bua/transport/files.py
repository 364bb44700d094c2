"""Files of certificates and keys: read within bounds, and seen to change."""

from __future__ import annotations

import stat
from pathlib import Path

from b2bua.transport.errors import CertificateError

MAX_FILE = 16 * 1024 * 1024
"""Octets: a list of a national authority that revokes 400,000 certificates."""

Stamp = tuple[int, int, int]
"""Modification time, inode and size: a file written anew, in place or by renaming, differs in one of them."""

GONE: Stamp = (0, 0, 0)


def stamp(path: str) -> Stamp:
    """Give what changes with the file; GONE if there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return GONE
    return found.st_mtime_ns, found.st_ino, found.st_size


def is_renewed(path: str) -> bool:
    """Tell whether `certd` looks after a pair: its directory LABEL is a link to `.LABEL.TIME` beside it."""
    directory = Path(path).parent
    try:
        return directory.readlink().name.startswith(f".{directory.name}.")
    except OSError:
        return False


def read(path: str) -> bytes:
    """Read a file. Raises CertificateError."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE:
        raise CertificateError(f"{path} is larger than {MAX_FILE >> 20} MiB: is this a file of certificates?")
    return data


def check_secret(path: str) -> None:
    """Check that a key is closed to strangers. Raises CertificateError."""
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {error.strerror}") from error
    if mode & stat.S_IRWXO:
        raise CertificateError(f"{path} holds a key and is open to every user of this machine: `chmod o= {path}`")
