"""Certificates and keys on disk: a pair is replaced as one, and what a power cut leaves behind is whole.

Each label is a link to a directory of the pair's own; renaming a new link over it is the moment of change. Programs
that read `LABEL/certificate.pem` and `LABEL/key.pem` see the old pair or the new one.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from certd.errors import StoreError

CERTIFICATE, KEY, ACCOUNT = "certificate.pem", "key.pem", "account.json"
RENEW_AT = 1 / 3
"""Of a certificate's life left when it is renewed: a month for three months, days for the short-lived."""

_PAIR = re.compile(r"\.(?P<label>.+)\.\d{8}T\d{12}")


class Store:
    """The directory `root`, which only its owner may change; its group reads pairs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            root.mkdir(mode=0o750, exist_ok=True)
            state = root.stat()
        except OSError as error:
            raise StoreError(f"{root} cannot be used for certificates: {error.strerror}") from error
        if stat.S_IMODE(state.st_mode) & 0o027 or state.st_uid != os.getuid():
            raise StoreError(f"{root} must belong to us and be closed to others: chown it, and chmod 0750")

    def due(self, label: str, names: Iterable[str], now: datetime) -> str:
        """Say why a pair has to be obtained now; empty where it serves."""
        try:
            found = x509.load_pem_x509_certificate((self.root / label / CERTIFICATE).read_bytes())
            (self.root / label / KEY).stat()
        except FileNotFoundError:
            return "there is none"
        except (OSError, ValueError) as error:
            return f"it cannot be read ({error})"
        if certified(found) != set(names):
            return "its names have changed"
        begin, end = found.not_valid_before_utc, found.not_valid_after_utc
        if now >= end - (end - begin) * RENEW_AT:
            return f"it ends on {end:%Y-%m-%d %H:%M} UTC"
        return ""

    def put(self, label: str, certificate: bytes, key: bytes, now: datetime) -> None:
        """Replace a pair (both PEM, the certificate with its chain); raises StoreError, and then the old one stays."""
        fresh = self.root / f".{label}.{now.astimezone(UTC):%Y%m%dT%H%M%S%f}"
        try:
            fresh.mkdir(mode=0o750)
            for name, data in ((CERTIFICATE, certificate), (KEY, key)):
                _write(fresh / name, data, 0o640)
            _sync(fresh)
            link = fresh.with_name(f"{fresh.name}.link")
            link.symlink_to(fresh.name)
            link.replace(self.root / label)
            _sync(self.root)
        except OSError as error:
            raise StoreError(f"the certificate {label} cannot be stored: {error.strerror}") from error

    def sweep(self) -> None:
        """Remove what is linked no more, and what a power cut left half done."""
        linked = {one.readlink().name for one in self.root.iterdir() if one.is_symlink() and one.name[0] != "."}
        for one in list(self.root.iterdir()):
            if one.name not in linked and _PAIR.match(one.name):
                if one.is_symlink():
                    one.unlink()
                else:
                    shutil.rmtree(one)

    def account(self) -> bytes | None:
        """Return what was kept of the account at the authority."""
        try:
            return (self.root / ACCOUNT).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self.root / ACCOUNT} cannot be read: {error.strerror}") from error

    def keep_account(self, data: bytes) -> None:
        """Keep the account, which holds its key: for the owner's eyes only."""
        new = self.root / f"{ACCOUNT}.new"
        try:
            new.unlink(missing_ok=True)
            _write(new, data, 0o600)
            new.replace(self.root / ACCOUNT)
            _sync(self.root)
        except OSError as error:
            raise StoreError(f"{self.root / ACCOUNT} cannot be written: {error.strerror}") from error


def certified(certificate: x509.Certificate) -> set[str]:
    """Return the DNS names of a certificate, in lower case."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {name.lower() for name in names.get_values_for_type(x509.DNSName)}


def _write(path: Path, data: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
