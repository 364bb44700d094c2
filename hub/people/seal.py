"""The sealed account: a passphrase in an envelope, for when no identity provider answers. Its use raises an alarm."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from hub.errors import SettingsError

OCTETS = 20
"""160 random bits: nobody guesses them, so neither slow hashing nor counting of tries is needed."""

GROUP = 4
"""Characters that stand together on paper."""

NAME = "break-glass"
"""Who it is, in the journal and in what he makes."""

MAX_OCTETS = 200


def make(path: Path) -> str:
    """Write the digest of a new passphrase and give the passphrase; the one before is void. Raises `SettingsError`."""
    text = base64.b32encode(secrets.token_bytes(OCTETS)).decode().lower()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
        with os.fdopen(handle, "w") as file:
            file.write(_digest(text) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise SettingsError(f"people.break_glass.seal: {path}: {error.strerror}") from error
    return "-".join(text[at : at + GROUP] for at in range(0, len(text), GROUP))


def opened(path: Path, passphrase: str) -> bool:
    """Tell whether a passphrase opens the account; how it is spaced and spelt large does not matter."""
    try:
        with path.open("rb") as file:
            kept = file.read(MAX_OCTETS).strip()
    except OSError:
        return False  # never sealed
    plain = "".join(char for char in passphrase.lower() if char.isalnum())
    return hmac.compare_digest(_digest(plain).encode(), kept)


def _digest(plain: str) -> str:
    return hashlib.blake2b(plain.encode(), digest_size=32, person=b"vdx-break-glass").hexdigest()
