"""What certificates say: names, subject, dates, chain. Pure: octets in, facts out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtensionOID, NameOID, ObjectIdentifier

from b2bua.transport.errors import CertificateError

MAX_NAMES = 256
"""Names of one certificate that are read: those of large clouds have about a hundred."""

_FIELDS: dict[ObjectIdentifier, str] = {
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.ORGANIZATION_IDENTIFIER: "organizationIdentifier",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COMMON_NAME: "CN",
    NameOID.COUNTRY_NAME: "C",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
}


def read_pem(pem: bytes, path: str) -> list[x509.Certificate]:
    """Read every certificate of a PEM file. Raises CertificateError."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise CertificateError(f"{path} is no PEM file of certificates: {error}") from error


def read_der(der: bytes) -> x509.Certificate:
    """Read one certificate that a handshake brought. Raises CertificateError."""
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise CertificateError(f"the certificate cannot be read: {error}") from error


def names(certificate: x509.Certificate) -> frozenset[str]:
    """Give the SIP domains, DNS names and addresses (RFC 5922 7.1), in lower case.

    The common name counts only where there is no subjectAltName at all. Raises CertificateError for a broken one.
    """
    try:
        found = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return frozenset(str(each.value).lower() for each in common[:MAX_NAMES])
    except (ValueError, x509.DuplicateExtension) as error:
        raise CertificateError(f"the names of the certificate cannot be read: {error}") from error
    assert isinstance(found.value, x509.SubjectAlternativeName)  # noqa: S101 - what this number stands for
    return frozenset(name for entry in list(found.value)[:MAX_NAMES] for name in _name(entry))


def _name(entry: x509.GeneralName) -> Iterator[str]:
    if isinstance(entry, x509.DNSName):
        yield entry.value.lower()
    elif isinstance(entry, x509.IPAddress):
        yield str(entry.value)
    elif isinstance(entry, x509.UniformResourceIdentifier):
        scheme, _, rest = entry.value.lower().partition(":")
        if scheme in {"sip", "sips"} and "@" not in rest:  # 7.1: one with a user part is nobody's domain
            host = urlsplit(f"//{rest.partition(';')[0]}").hostname if rest.isascii() and "/" not in rest else None
            if host:
                yield host


def subject(certificate: x509.Certificate) -> tuple[tuple[str, str], ...]:
    """Give the fields of the subject that peers may be known by, as (name, value)."""
    return tuple((_FIELDS[each.oid], str(each.value)) for each in certificate.subject if each.oid in _FIELDS)


def digest(certificate: x509.Certificate) -> bytes:
    """Give what tells a certificate from all others."""
    return certificate.fingerprint(SHA256())


def matches(server_name: str, known: frozenset[str]) -> bool:
    """Tell whether a certificate is the one for the name a client asks for; `*.` covers one label (RFC 6125 6.4.3)."""
    server_name = server_name.lower()
    _, dot, parent = server_name.partition(".")
    return server_name in known or bool(dot and f"*.{parent}" in known)


def life(one: x509.Certificate) -> float:
    """Give for how many seconds a certificate is issued."""
    return (one.not_valid_after_utc - one.not_valid_before_utc).total_seconds()


def not_after(chain: Sequence[x509.Certificate]) -> float:
    """Give when the first certificate of a chain ends to be valid, in seconds since 1970."""
    return min(each.not_valid_after_utc.timestamp() for each in chain)
