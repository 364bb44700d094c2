"""Files of secrets and keys: read within bounds and only where closed to strangers, and again when they change.

A place is a path, or a credential that systemd hands to the service (systemd.exec(5), LoadCredential=). A file that
cannot be used any more is told of once; what was read before goes on to serve.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path

from b2bua.call.keyring import Keyring, build, places
from vdx.access import SecretPlace
from vdx.control import Signalling
from vdx.errors import VdxError

MAX_BYTES = 16 * 1024 * 1024
"""Octets of one file: a hundred thousand users with a hash of each algorithm."""

LOOK_SECONDS = 10.0
"""How often files are looked at: a password that was changed is not waited for long."""

Stamp = tuple[int, int, int]
"""Modification time, inode and size: a file written anew, in place or by renaming, differs in one of them."""

_WRITABLE = stat.S_IWGRP | stat.S_IWOTH
_OPEN = _WRITABLE | stat.S_IRWXO

log = logging.getLogger(__name__)


class VaultError(VdxError):
    """A file of secrets cannot be read, or others can read it too."""


class Vault:
    """What is read for the active site version; `use` is told of every new keyring, `token` gives words for nonces."""

    def __init__(self, use: Callable[[Keyring], None], token: Callable[[], str]) -> None:
        self._use = use
        self._token = token
        self._active: tuple[Signalling, Keyring] | None = None
        self._prepared: tuple[Signalling, Keyring] | None = None
        self._stamps: dict[SecretPlace, Stamp] = {}

    def prepare(self, signalling: Signalling) -> tuple[str, ...]:
        """Read what a site version names; gives what stands against it, one sentence each."""
        keyring, errors = build(signalling, read, self._token)
        self._prepared = None if errors else (signalling, keyring)
        return errors

    def activate(self) -> None:
        """Let the prepared version serve."""
        if self._prepared is None:
            return
        self._active, self._prepared = self._prepared, None
        self._stamps = _stamps(self._active[0])
        self._use(self._active[1])

    def revert(self) -> None:
        """Forget the prepared version."""
        self._prepared = None

    async def refresh(self) -> None:
        """Read all again if a file has changed; files may be long, so in a thread beside the calls."""
        if self._active is None:
            return
        signalling = self._active[0]
        stamps = await asyncio.to_thread(_stamps, signalling)
        if stamps == self._stamps:
            return
        keyring, errors = await asyncio.to_thread(build, signalling, read, self._token)
        if self._active[0] is not signalling:  # another version serves by now, and what was read for it
            return
        self._stamps = stamps
        for error in errors:
            log.error("secrets.refused: %s; what was read before goes on to serve", error)
        if not errors:
            self._active = (signalling, keyring)
            self._use(keyring)
            log.info("secrets.changed: read again")

    async def watch(self) -> None:
        """Look for changes, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.refresh()


def path_of(place: SecretPlace) -> Path:
    """Give where a place is on this machine. Raises VaultError for a credential where systemd hands in none."""
    if place.file:
        return Path(place.file)
    directory = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not directory:
        raise VaultError(f"there is no credential {place.credential!r}: LoadCredential= of the service hands it in")
    return Path(directory) / place.credential


def read(place: SecretPlace, *, secret: bool = True) -> str:
    """Read a place; what is `secret` only its owner and a group may read. Raises VaultError."""
    path = path_of(place)
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise VaultError(f"{path} is no plain file")
            if found.st_mode & (_OPEN if secret else _WRITABLE):
                raise VaultError(f"{path} is open to others: `chmod g-w,{'o=' if secret else 'o-w'} {path}`")
            if found.st_uid not in {0, os.geteuid()}:
                raise VaultError(f"{path} belongs to user {found.st_uid}: `chown root {path}`")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise VaultError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise VaultError(f"{path} is larger than {MAX_BYTES >> 20} MiB")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise VaultError(f"{path} is no text in UTF-8") from None


def _stamps(signalling: Signalling) -> dict[SecretPlace, Stamp]:
    return {place: _stamp(place) for place in places(signalling.peers)}


def _stamp(place: SecretPlace) -> Stamp:
    try:
        found = path_of(place).stat()
    except (OSError, VaultError):
        return (0, 0, 0)
    return found.st_mtime_ns, found.st_ino, found.st_size
