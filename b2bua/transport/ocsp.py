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
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from b2bua.transport import certificate, files
from b2bua.transport.errors import CertificateError, TlsError
from b2bua.transport.expiry import DAY

Rule = Literal["off", "optional", "required"]

MAX_MET = 4_096
"""Certificates that are noted; a region has some hundred partners. The one that was not seen for longest goes first."""

UNDATED: Final = timedelta(days=1)
"""How long an answer counts that does not say when the next one comes."""

SKEW: Final = timedelta(minutes=5)
"""By how much the clock of a responder may be ahead."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a responder has said of a certificate; times in seconds since 1970."""

    status: ocsp.OCSPCertStatus
    begins: float
    ends: float


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


def responders(leaf: x509.Certificate) -> list[str]:
    """Give where the authority of a certificate is asked about it (RFC 5280 4.2.2.1): URLs of http."""
    try:
        access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    places = [one.access_location for one in access if one.access_method == AuthorityInformationAccessOID.OCSP]
    return [
        one.value
        for one in places
        if isinstance(one, x509.UniformResourceIdentifier) and one.value.lower().startswith("http://")
    ]


def _read(path: str, leaf: x509.Certificate, issuer: x509.Certificate) -> Said | None:
    try:
        answer = ocsp.load_der_ocsp_response(files.read(path))
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL or not _is_about(answer, leaf, issuer):
            return None
        if not any(_signed(answer, signer) for signer in _signers(answer, issuer)):
            return None
        begins = answer.this_update_utc
        ends = answer.next_update_utc or begins + UNDATED
    except (CertificateError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return Said(answer.certificate_status, (begins - SKEW).timestamp(), ends.timestamp())


def _is_about(answer: ocsp.OCSPResponse, leaf: x509.Certificate, issuer: x509.Certificate) -> bool:
    asked = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, answer.hash_algorithm).build()
    about = (answer.serial_number, answer.issuer_name_hash, answer.issuer_key_hash)
    return about == (asked.serial_number, asked.issuer_name_hash, asked.issuer_key_hash)


def _signers(answer: ocsp.OCSPResponse, issuer: x509.Certificate) -> list[x509.Certificate]:
    """Give who may sign for an issuer: itself, and whom it has certified for that and nothing else (4.2.2.2)."""
    found = [issuer]
    for one in answer.certificates:
        try:
            one.verify_directly_issued_by(issuer)
            usage = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
            continue
        produced = answer.produced_at_utc
        in_time = one.not_valid_before_utc <= produced + SKEW and produced <= one.not_valid_after_utc
        if ExtendedKeyUsageOID.OCSP_SIGNING in usage and in_time:
            found.append(one)
    return found


def _signed(answer: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, hashed = signer.public_key(), answer.signature_hash_algorithm
    try:
        if isinstance(key, rsa.RSAPublicKey) and hashed is not None:
            key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), hashed)
        elif isinstance(key, ec.EllipticCurvePublicKey) and hashed is not None:
            key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(hashed))
        else:
            return False
    except InvalidSignature:
        return False
    return True
