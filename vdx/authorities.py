"""What authorities say of certificates, in lists (RFC 5280 5) and single answers (RFC 6960), and whether it was they.

`certd` lays nothing down that does not pass here, as it comes over plain HTTP; `b2bua` judges by nothing else. Pure:
octets in, a verdict out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

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


def read_answer(data: bytes, leaf: x509.Certificate, issuer: x509.Certificate) -> Said | None:
    """Read an answer about a certificate; None for one about another, or that its issuer does not answer for."""
    try:
        answer = ocsp.load_der_ocsp_response(data)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL or not _is_about(answer, leaf, issuer):
            return None
        if not any(_answered(answer, signer) for signer in _signers(answer, issuer)):
            return None
        begins = answer.this_update_utc
        ends = answer.next_update_utc or begins + UNDATED
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return Said(answer.certificate_status, (begins - SKEW).timestamp(), ends.timestamp())


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


def is_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether a certificate is signed by this issuer."""
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def is_list_of(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Tell whether a list of revoked certificates is signed by this issuer."""
    try:
        return crl.issuer == issuer.subject and crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # others raise TypeError
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


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


def _answered(answer: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
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
