"""What authorities say of single certificates (OCSP, RFC 6960), asked beforehand by `certd` and read here from files.

A handshake never waits for an authority: whoever shows a certificate is noted in one folder (`met`), `certd` asks and
lays the answer down in another one (`answers`). Both are named by the digest of the certificate.

The rule. A certificate that names no responder passes. One that was revoked never passes. Where there is no answer of
today (none yet, out of date, "unknown", or signed by somebody else), `optional` lets pass and `required` does not.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from b2bua.transport import certificate, files
from b2bua.transport.errors import CertificateError, TlsError
from b2bua.transport.expiry import DAY
from vdx.authorities import Said, read_answer, responders

Rule = Literal["off", "optional", "required"]

MAX_MET = 4_096
"""Certificates that are noted; a region has some hundred partners. The one that was not seen for longest goes first."""


class Book:
    """The two folders. `met` need not be there yet."""

    def __init__(self, answers: Path, met: Path) -> None:
        self._answers = answers
        self._met = met
        self._read: dict[str, tuple[files.Stamp, Said | None]] = {}

    def said(self, leaf: x509.Certificate, issuer: x509.Certificate) -> Said | None:
        """Give what was said of a certificate; None where nothing can be relied on."""
        name = certificate.digest(leaf).hex()
        path = str(self._answers / f"{name}.der")
        stamp = files.stamp(path)
        if stamp == files.GONE:
            return None
        known = self._read.get(name)
        if known is None or known[0] != stamp:
            if len(self._read) >= MAX_MET:
                self._read.clear()
            known = self._read[name] = stamp, _read(path, leaf, issuer)
        return known[1]

    def meet(self, leaf: x509.Certificate, issuer: x509.Certificate, now: float) -> None:
        """Note who was met, for `certd` to ask about. What cannot be written is not asked about: the rule holds."""
        path = self._met / f"{certificate.digest(leaf).hex()}.pem"
        with contextlib.suppress(OSError):
            if path.exists():
                if path.stat().st_mtime < now - DAY:  # not at each handshake: what changes here starts certd
                    os.utime(path)
                return
            self._met.mkdir(mode=0o755, exist_ok=True)
            self._met.chmod(0o755)  # certificates are public, and certd is another user
            self._make_room()
            fresh = path.with_suffix(".new")
            fresh.write_bytes(leaf.public_bytes(Encoding.PEM) + issuer.public_bytes(Encoding.PEM))
            fresh.chmod(0o644)
            fresh.replace(path)

    def _make_room(self) -> None:
        noted = [(entry.stat().st_mtime, entry.path) for entry in os.scandir(self._met)]
        for _, path in sorted(noted)[: max(0, len(noted) - MAX_MET + 1)]:
            Path(path).unlink(missing_ok=True)


@dataclass(slots=True)
class Asked:
    """The rule of one listener."""

    rule: Rule = "off"
    book: Book | None = field(default=None)

    def check(self, chain: Sequence[x509.Certificate], now: float) -> None:
        """Check the leaf of a verified chain at the time `now` (seconds since 1970). Raises TlsError."""
        if self.rule == "off" or self.book is None or not responders(chain[0]):
            return
        if len(chain) < 2:
            self._without_issuer(chain[0])
            return
        leaf, issuer = chain[0], chain[1]
        self.book.meet(leaf, issuer, now)
        said = self.book.said(leaf, issuer)
        who = leaf.subject.rfc4514_string()[:200]
        if said is not None and said.status is ocsp.OCSPCertStatus.REVOKED:
            raise TlsError(f"its certificate {who} has been revoked, says its authority")
        good = said is not None and said.status is ocsp.OCSPCertStatus.GOOD and said.begins <= now <= said.ends
        if not good and self.rule == "required":
            raise TlsError(f"its authority has not said lately that {who} still counts: certd asks, look at its log")

    def _without_issuer(self, leaf: x509.Certificate) -> None:
        """Go by the rule where a certificate is trusted alone: a question names its issuer (RFC 6960 4.1)."""
        if self.rule == "required":
            who = leaf.subject.rfc4514_string()[:200]
            raise TlsError(
                f"{who} cannot be asked about: its issuer is neither shown nor in the trust file, add it there"
            )


def _read(path: str, leaf: x509.Certificate, issuer: x509.Certificate) -> Said | None:
    try:
        return read_answer(files.read(path), leaf, issuer)
    except CertificateError:
        return None
