"""A backup: what the appliance was told, with its secrets, as one encrypted document; and its restoring.

The document is a line that names the form, salt, nonce, and a tar.gz sealed with AES-256-GCM under a key that scrypt
(RFC 7914) makes of the passphrase. Restoring unpacks it beside what is there; the next start takes over (`takeover`).
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gatewayd.system import migrate, paths, place
from gatewayd.system.errors import BackupError

MAGIC = b"vdx backup 1\n"
SALT, NONCE = 16, 12
MAX_BACKUP = 256 << 20
"""Octets: versions of a large site, each with lists of 16 MiB, compressed."""

MAX_UNPACKED = 2 << 30
MIN_PASSPHRASE = 12
"""Characters: with scrypt as below, guessing twelve random ones is hopeless."""

Random = Callable[[int], bytes]


def make(passphrase: str, random: Random = os.urandom, home: Path = paths.HOME, state: Path = paths.STATE) -> bytes:
    """Make a backup; raises `BackupError`."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise BackupError(f"the passphrase has fewer than {MIN_PASSPHRASE} characters: backups hold every secret")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for prefix, top, names in (("appliance", home, paths.TOLD), ("vdx", state, paths.DONE)):
            for name in names:
                if (top / name).exists():
                    tar.add(top / name, f"{prefix}/{name}")
    if packed.tell() > MAX_BACKUP:
        raise BackupError(f"the backup would be larger than {MAX_BACKUP >> 20} MiB: remove old versions first")
    salt, nonce = random(SALT), random(NONCE)
    return MAGIC + salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, packed.getvalue(), MAGIC)


def restore(content: bytes, passphrase: str, restored: Path = paths.RESTORED) -> None:
    """Unpack a backup to where the next start takes it over; raises `BackupError`, and then nothing has changed."""
    if not content.startswith(MAGIC):
        raise BackupError("this is no backup of an appliance")
    if len(content) > MAX_BACKUP + 1024:
        raise BackupError(f"the backup is larger than {MAX_BACKUP >> 20} MiB")
    rest = content[len(MAGIC) :]
    salt, nonce, sealed = rest[:SALT], rest[SALT : SALT + NONCE], rest[SALT + NONCE :]
    try:
        packed = AESGCM(_key(passphrase, salt)).decrypt(nonce, sealed, MAGIC)
    except (InvalidTag, ValueError) as error:
        raise BackupError(
            "the backup cannot be opened: the passphrase is another one, or the file was changed"
        ) from error
    shutil.rmtree(restored, ignore_errors=True)
    try:
        _unpack(packed, restored)
    except (tarfile.TarError, OSError) as error:
        shutil.rmtree(restored, ignore_errors=True)
        raise BackupError(f"the backup cannot be unpacked here: {error}") from error
    found = migrate.form(restored / "appliance")
    if found > migrate.OWN:
        shutil.rmtree(restored)
        raise BackupError(f"the backup is of form {found}, and this version reads {migrate.OWN}: update it first")
    place.put(restored / "appliance" / paths.FORM_FILE, str(found).encode())
    place.put(restored / "whole", b"")


def _unpack(packed: bytes, target: Path) -> None:
    target.mkdir(mode=0o700, parents=True)
    # an owner or mode that cannot be set is no trifle (errorlevel)
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz", errorlevel=2) as tar:
        left = MAX_UNPACKED
        for member in tar:
            left -= member.size
            if left < 0:
                raise BackupError("the backup unpacks to more than this appliance keeps")
            if not _inside(member):
                raise BackupError(f"the backup holds {member.name[:80]!r}, which is not the appliance's own")
            tar.extract(member, target, numeric_owner=True)


def _inside(member: tarfile.TarInfo) -> bool:
    """Tell whether a member stays below where it is unpacked; the store of certificates has links to its own names."""
    parts = member.name.split("/")
    plain = member.isreg() or member.isdir() or (member.issym() and "/" not in member.linkname)
    return plain and parts[0] in ("appliance", "vdx") and not {"", "..", "."} & {*parts, member.linkname or "link"}


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**16, r=8, p=1).derive(passphrase.encode())
