"""A small certificate authority: certificates of any names, dates and subjects, and lists of revoked ones."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)

FIELDS = {
    "serialNumber": NameOID.SERIAL_NUMBER,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "O": NameOID.ORGANIZATION_NAME,
    "CN": NameOID.COMMON_NAME,
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key in files."""

    certificate: Path
    key: Path
    serial: int

    @property
    def texts(self) -> tuple[str, str]:
        """The two paths as text."""
        return str(self.certificate), str(self.key)


@dataclass(slots=True)
class Authority:
    """A root that lives in a folder and signs, or whom another one `above` has certified; `path` is its certificate."""

    folder: Path
    name: str = "Lab Root"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    above: Authority | None = None
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(who)
            .issuer_name(self.above.certificate.subject if self.above else who)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + 3650 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.above.key if self.above else self.key, SHA256())
        )
        self.path.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    @property
    def path(self) -> Path:
        """The file of the root's certificate."""
        return self.folder / f"{self.name.lower().replace(' ', '-')}.pem"

    def issue(
        self,
        file: str,
        names: Sequence[str],
        *,
        subject: Sequence[tuple[str, str]] = (),
        days: tuple[float, float] = (-1, 90),
        responder: str = "",
        signs_answers: bool = False,
    ) -> Pair:
        """Write `file`.pem and `file`.key for names: DNS names, addresses, or URIs; valid for days from now.

        `responder` is the URL where we are asked about it; one that `signs_answers` answers there in our place.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        fields = [x509.NameAttribute(FIELDS[name], value) for name, value in subject]
        signed = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(fields or [x509.NameAttribute(NameOID.COMMON_NAME, file)]))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * DAY)
            .not_valid_after(now + days[1] * DAY)
        )
        if names:
            signed = signed.add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        if responder:
            place = x509.UniformResourceIdentifier(responder)
            access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
            signed = signed.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        if signs_answers:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
            signed = signed.add_extension(usage, critical=False)
        made = signed.sign(self.key, SHA256())
        pair = Pair(self.folder / f"{file}.pem", self.folder / f"{file}.key", made.serial_number)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for path, data in ((pair.key, secret), (pair.certificate, made.public_bytes(Encoding.PEM))):
            fresh = path.with_suffix(".new")
            fresh.touch(0o600)
            fresh.write_bytes(data)
            fresh.replace(path)
        return pair

    def revoke(self, *serials: int, days: float = 7) -> Path:
        """Write the list of revoked certificates, to be renewed in `days`."""
        now = datetime.now(UTC)
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - 30 * DAY)
            .next_update(now + days * DAY)
        )
        for serial in serials:
            made = made.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - DAY).build()
            )
        path = self.folder / "revoked.pem"
        path.write_bytes(made.sign(self.key, SHA256()).public_bytes(Encoding.PEM))
        return path


def _name(name: str) -> x509.GeneralName:
    if ":" in name and name.split(":", maxsplit=1)[0] in {"sip", "sips", "https"}:
        return x509.UniformResourceIdentifier(name)
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
