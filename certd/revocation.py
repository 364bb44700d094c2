"""What authorities say of certificates of others: lists (RFC 5280 5), and answers about single ones (RFC 6960).

`b2bua` notes whose certificates it was shown (a folder of PEM files, the certificate and its issuer); here their
authorities are asked, and what they answer is laid down for it. Both sides check who signed it: here so that nothing
somebody between us and them makes up, and nothing older that they said once, takes the place of what counts.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import requests
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from requests.exceptions import RequestException

from certd.errors import AuthorityError, StoreError
from certd.leaving import FromZone
from vdx.authorities import Said, is_list_of, read_answer, responders

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


def known_authorities(trust: Iterable[str], met: Path) -> list[x509.Certificate]:
    """Give the certificates of trust files, and the issuers that were met; what cannot be read is told and left out."""
    found: list[x509.Certificate] = []
    for path in [*map(Path, trust), *sorted(met.glob("*.pem"))[:MAX_MET]]:
        try:
            with path.open("rb") as file:
                certificates = x509.load_pem_x509_certificates(file.read(MAX_LIST))
        except (OSError, ValueError) as error:
            log.warning("trust.unreadable file=%s: %s", path, error)
            continue
        found += certificates if path.parent != met else certificates[1:]
    return found


def fetch_list(fetch: Fetch, root: Path, label: str, url: str, known: Sequence[x509.Certificate]) -> None:
    """Lay down a list as `lists/LABEL.crl`; raises AuthorityError, StoreError, and then the one before stays.

    `known` are authorities: one of them that has the name of the list's issuer must have signed it.
    """
    try:
        found = _load_list(fetch(url, None, MAX_LIST))
        over = found.next_update_utc is None or found.next_update_utc < datetime.now(UTC)
    except ValueError as error:
        raise AuthorityError(f"{url} gives no list of revoked certificates") from error
    if over:
        raise AuthorityError(f"{url} gives a list that is out of date")
    name = f"{label}.crl"
    _check_list(found, _list_before(root / LISTS / name), url, known)
    lay_down(root / LISTS, name, found.public_bytes(Encoding.DER))


def _load_list(data: bytes) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl(data) if data.startswith(b"-----") else x509.load_der_x509_crl(data)


def _list_before(path: Path) -> x509.CertificateRevocationList | None:
    try:
        return _load_list(path.read_bytes())
    except (OSError, ValueError):
        return None


def _check_list(
    found: x509.CertificateRevocationList,
    before: x509.CertificateRevocationList | None,
    url: str,
    known: Sequence[x509.Certificate],
) -> None:
    """Check who made a list, and that it is no older than the one before: that would bring revoked ones back."""
    issuer = found.issuer.rfc4514_string()[:200]
    named = [one for one in known if one.subject == found.issuer]
    if named and not any(is_list_of(found, one) for one in named):
        raise AuthorityError(f"{url} gives a list that {issuer} has not signed")
    if not named:
        log.warning(
            "list.unproved url=%s: put the certificate of %s into a trust file that certd may read", url, issuer
        )
    if before is None or (named and not any(is_list_of(before, one) for one in known)):
        return  # nothing to hold on to
    if before.issuer != found.issuer:
        raise AuthorityError(f"{url} gives a list of another issuer, {issuer}: if that is meant, remove the one before")
    if named and found.last_update_utc < before.last_update_utc:
        raise AuthorityError(f"{url} gives an older list than the one before")


def ask_about(fetch: Fetch, root: Path, noted: Path, now: datetime) -> bool:
    """Ask about a certificate that was noted, unless what is known of it still holds; tells whether anybody was asked.

    Raises AuthorityError, StoreError.
    """
    try:
        leaf, issuer = x509.load_pem_x509_certificates(noted.read_bytes())[:2]
    except (OSError, ValueError) as error:
        raise AuthorityError(f"{noted} holds no certificate with its issuer") from error
    name = f"{noted.stem}.der"
    before = _answer_before(root / ANSWERS / name, leaf, issuer)
    if before is not None and now.timestamp() < (before.begins + before.ends) / 2:  # half of its life is left
        return False
    places = responders(leaf)
    if not places:
        raise AuthorityError(f"{leaf.subject.rfc4514_string()[:100]} names nobody who is asked over HTTP")
    place = places[0]
    question = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, SHA1()).build()  # noqa: S303 - names, and the hash that every responder knows (RFC 5019 2.1.1)
    data = fetch(place, question.public_bytes(Encoding.DER), MAX_ANSWER)
    try:
        answer = ocsp.load_der_ocsp_response(data)
    except ValueError as error:
        raise AuthorityError(f"{place} gives no answer about {leaf.subject.rfc4514_string()[:100]}") from error
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise AuthorityError(f"{place} refuses to answer: {answer.response_status.name.lower()}")
    said = read_answer(data, leaf, issuer)
    if said is None:
        raise AuthorityError(f"{place} gives an answer that is about another certificate, or not its authority's")
    if before is not None and said.begins < before.begins:
        raise AuthorityError(f"{place} gives an older answer than the one before")
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


def _answer_before(path: Path, leaf: x509.Certificate, issuer: x509.Certificate) -> Said | None:
    try:
        return read_answer(path.read_bytes(), leaf, issuer)
    except OSError:
        return None
