"""Lists of revoked certificates (RFC 5280 5), read from files. Pure: octets and time in, a verdict out.

The rule. A list counts for the certificates of its issuer. Where no list of an issuer is configured, its certificates
pass. Where one is configured but its time is over (nextUpdate), nothing of that issuer passes: a list that somebody
keeps from being renewed must not open the door. The alarms tell days before.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509

from b2bua.transport.errors import CertificateError, TlsError
from vdx.authorities import is_issued, is_list_of

MAX_CHAIN = 10
"""Certificates of one chain: public ones have four, and authorities that certify each other never end."""


@dataclass(frozen=True, slots=True, eq=False)
class RevocationList:
    """One list: whose it is, what it revokes, until when it counts (seconds since 1970)."""

    path: str
    crl: x509.CertificateRevocationList
    serials: frozenset[int]
    until: float


def read(data: bytes, path: str) -> RevocationList:
    """Read a list in PEM or DER. Raises CertificateError."""
    try:
        crl = x509.load_pem_x509_crl(data) if data.startswith(b"-----") else x509.load_der_x509_crl(data)
        serials = frozenset(entry.serial_number for entry in crl)
        end = crl.next_update_utc
    except ValueError as error:
        raise CertificateError(f"{path} is no list of revoked certificates: {error}") from error
    if end is None:
        raise CertificateError(f"{path} does not say when its next issue comes (nextUpdate): it cannot be relied on")
    return RevocationList(path, crl, serials, end.timestamp())


def whole(chain: Sequence[x509.Certificate], known: Iterable[x509.Certificate]) -> list[x509.Certificate]:
    """Go on with a verified chain above the certificate that is trusted, as far as `known` certificates lead.

    OpenSSL stops at the first one that a trust file holds. Where the file holds its issuer too, a list of that issuer
    still counts: an intermediate that stands beside its root may be revoked.
    """
    found = list(chain)
    above = tuple(known)
    while len(found) < MAX_CHAIN and found and found[-1].issuer != found[-1].subject:
        issuer = next((one for one in above if _issued(found[-1], one)), None)
        if issuer is None:
            break
        found.append(issuer)
    return found


def check(chain: Sequence[x509.Certificate], lists: Iterable[RevocationList], now: float) -> None:
    """Check a verified chain, leaf first, at the time `now` (seconds since 1970). Raises TlsError."""
    known = tuple(lists)
    for certificate, issuer in zip(chain, [*chain[1:], chain[-1]], strict=True):
        for one in known:
            if one.crl.issuer == certificate.issuer and _signed(one, issuer):
                _check_one(certificate, one, now)


def _check_one(certificate: x509.Certificate, one: RevocationList, now: float) -> None:
    who = certificate.subject.rfc4514_string()[:200]
    if certificate.serial_number in one.serials:
        raise TlsError(f"its certificate {who} has been revoked, says {one.path}")
    if now > one.until:
        raise TlsError(f"the list of revoked certificates in {one.path} is out of date: renew it")


_issued = functools.lru_cache(maxsize=256)(is_issued)


@functools.lru_cache(maxsize=256)
def _signed(one: RevocationList, issuer: x509.Certificate) -> bool:
    return is_list_of(one.crl, issuer)
