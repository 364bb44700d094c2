"""What authorities say of certificates of others: lists (RFC 5280 5), and answers about single ones (RFC 6960).

`b2bua` notes whose certificates it was shown (a folder of PEM files, the certificate and its issuer); here their
authorities are asked, and what they answer is laid down for it. Both sides check: here that an answer is one at all, so
that a page of an error never takes the place of what counts; there who signed it, and for whom.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import requests
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from requests.exceptions import RequestException

from certd.errors import AuthorityError, StoreError
from certd.leaving import FromZone

MAX_LIST = 16 << 20
"""Octets: a list of a national authority that revokes 400,000 certificates; `b2bua` reads no longer ones."""

MAX_ANSWER = 64 << 10
"""Octets of one answer: some hundred, and the certificate of who signed it."""

MAX_MET = 4_096
"""Certificates that are asked about in one run: as many as `b2bua` notes."""

ASK_SECONDS = 10
"""Until an authority begins to answer, and between two pieces of what it says."""

RUN_SECONDS = 300.0
"""After which a run asks no more: an authority that lets everybody wait must not keep lists from being fetched."""

LISTS, ANSWERS = "lists", "answers"

log = logging.getLogger("certd")

Fetch = Callable[[str, bytes | None, int], bytes]
"""Get a URL, or post octets to it; at most so many octets come back. Raises AuthorityError."""


class Authorities:
    """Authorities of others, asked from an address of ours."""

    def __init__(self, address: str) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", FromZone(address))

    def fetch(self, url: str, question: bytes | None, most: int) -> bytes:
        """Ask; raises AuthorityError."""
        method, headers = ("POST", {"Content-Type": "application/ocsp-request"}) if question else ("GET", {})
        try:
            with self._session.request(
                method, url, data=question, headers=headers, timeout=ASK_SECONDS, stream=True, allow_redirects=False
            ) as answer:
                if answer.status_code != requests.codes.ok:
                    raise AuthorityError(f"{url} answers {answer.status_code}")
                data = bytearray()
                for piece in answer.iter_content(65_536):
                    data += piece
                    if len(data) > most:
                        raise AuthorityError(f"{url} says more than {most} octets")
        except RequestException as error:
            raise AuthorityError(f"{url} does not answer: {' '.join(str(error).split())[:200]}") from error
        return bytes(data)


def fetch_list(fetch: Fetch, root: Path, label: str, url: str) -> None:
    """Lay down a list as `lists/LABEL.crl`; raises AuthorityError, StoreError, and then the one before stays."""
    data = fetch(url, None, MAX_LIST)
    try:
        found = x509.load_pem_x509_crl(data) if data.startswith(b"-----") else x509.load_der_x509_crl(data)
        over = found.next_update_utc is None or found.next_update_utc < datetime.now(UTC)
    except ValueError as error:
        raise AuthorityError(f"{url} gives no list of revoked certificates") from error
    if over:
        raise AuthorityError(f"{url} gives a list that is out of date")
    lay_down(root / LISTS, f"{label}.crl", found.public_bytes(Encoding.DER))


def ask_about(fetch: Fetch, root: Path, noted: Path, now: datetime) -> bool:
    """Ask about a certificate that was noted, unless what is known of it still holds; tells whether anybody was asked.

    Raises AuthorityError, StoreError.
    """
    try:
        leaf, issuer = x509.load_pem_x509_certificates(noted.read_bytes())[:2]
    except (OSError, ValueError) as error:
        raise AuthorityError(f"{noted} holds no certificate with its issuer") from error
    name = f"{noted.stem}.der"
    if _holds(root / ANSWERS / name, now):
        return False
    place = _responder(leaf)
    question = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, SHA1()).build()  # noqa: S303 - names, and the hash that every responder knows (RFC 5019 2.1.1)
    data = fetch(place, question.public_bytes(Encoding.DER), MAX_ANSWER)
    try:
        answer = ocsp.load_der_ocsp_response(data)
    except ValueError as error:
        raise AuthorityError(f"{place} gives no answer about {leaf.subject.rfc4514_string()[:100]}") from error
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise AuthorityError(f"{place} refuses to answer: {answer.response_status.name.lower()}")
    lay_down(root / ANSWERS, name, data)
    return True


def sweep(root: Path, met: Path) -> None:
    """Remove answers about whom nobody meets any more."""
    for one in (root / ANSWERS).glob("*.der"):
        if not (met / f"{one.stem}.pem").exists():
            one.unlink(missing_ok=True)


def lay_down(folder: Path, name: str, data: bytes) -> None:
    """Write a file for the store's group, the old or the new whole; raises StoreError."""
    fresh = folder / f".{name}.new"
    try:
        folder.mkdir(mode=0o750, exist_ok=True)
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / name)
    except OSError as error:
        raise StoreError(f"{folder / name} cannot be written: {error.strerror}") from error


def _holds(path: Path, now: datetime) -> bool:
    """Tell whether more than half of an answer's life is left."""
    try:
        answer = ocsp.load_der_ocsp_response(path.read_bytes())
        begins, ends = answer.this_update_utc, answer.next_update_utc
    except (OSError, ValueError):
        return False
    return ends is not None and now < begins + (ends - begins) / 2


def _responder(leaf: x509.Certificate) -> str:
    access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    for one in access:
        place = one.access_location
        if (
            one.access_method == AuthorityInformationAccessOID.OCSP
            and isinstance(place, x509.UniformResourceIdentifier)
            and place.value.lower().startswith("http://")
        ):
            return place.value
    raise AuthorityError(f"{leaf.subject.rfc4514_string()[:100]} names nobody who is asked over HTTP")
