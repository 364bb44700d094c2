"""A certificate of the management page that nobody signed: for an appliance that is set up by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 825
"""Browsers take no certificate that lasts longer."""

EARLY = timedelta(days=1)
"""It counts from before now: the clock of a new machine may be behind."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Certificate and key as PEM, and the fingerprint that a browser shows (SHA-256)."""

    certificate: bytes
    key: bytes
    fingerprint: str


def make(name: str, address: str, now: datetime | None = None) -> Pair:
    """Make one for an appliance's name and its management address."""
    now = now or datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address(address))])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now - EARLY + timedelta(days=DAYS))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    print_ = made.fingerprint(hashes.SHA256()).hex(":").upper()
    return Pair(made.public_bytes(serialization.Encoding.PEM), secret, print_)
