"""Whom to trust: certificates that vouch for others, and what a verified chain proves under them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography import x509

from b2bua.sip import Identity
from b2bua.transport import certificate, files, revocation
from b2bua.transport.errors import CertificateError, TlsError
from b2bua.transport.ocsp import Asked
from b2bua.transport.revocation import RevocationList

MAX_REMEMBERED = 4_096
"""Identities kept for sessions that are resumed, whose handshake shows no chain: as many as a listener has places."""


@dataclass(frozen=True, slots=True)
class Store:
    """The certificates of one trust file."""

    path: str
    certificates: tuple[x509.Certificate, ...]
    digests: frozenset[bytes]

    @classmethod
    def read(cls, path: str) -> Store:
        """Read a trust file. Raises CertificateError."""
        found = tuple(certificate.read_pem(files.read(path), path))
        if not found:
            raise CertificateError(f"{path} holds no certificate: nobody could be trusted")
        return cls(path, found, frozenset(map(certificate.digest, found)))


@dataclass(slots=True)
class Judge:
    """Tells who is at the other end of a handshake that OpenSSL found good.

    `stores` by the name their identity carries ("": the listener's own), `lists` of revoked certificates, what was
    `asked` of authorities; `clock` gives seconds since 1970.
    """

    stores: Mapping[str, Store]
    lists: Sequence[RevocationList] = ()
    asked: Asked = field(default_factory=Asked)
    clock: Callable[[], float] = time.time
    _remembered: dict[bytes, Identity] = field(default_factory=dict)

    def identify(self, leaf: bytes | None, chain: Sequence[bytes]) -> Identity | None:
        """Say who showed the certificate `leaf` (DER); None if nobody did.

        `chain` is what OpenSSL verified, leaf first; it is empty for a resumed session. Raises TlsError for a
        certificate that is revoked or cannot be read.
        """
        if leaf is None:
            return None
        try:
            if not chain:
                return self._again(leaf)
            certificates = [certificate.read_der(each) for each in chain]
            known = [one for store in self.stores.values() for one in store.certificates]
            whole = revocation.whole(certificates, known)
            revocation.check(whole, self.lists, self.clock())
            self.asked.check(whole, self.clock())
            identity = self._identity(certificates)
        except (CertificateError, ValueError) as error:
            raise TlsError(f"its certificate cannot be used: {error}") from error
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[certificate.digest(certificates[0])] = identity
        return identity

    def _identity(self, chain: Sequence[x509.Certificate]) -> Identity:
        digests = set(map(certificate.digest, chain))
        vouchers = frozenset(name for name, store in self.stores.items() if not digests.isdisjoint(store.digests))
        return Identity(certificate.names(chain[0]), certificate.subject(chain[0]), vouchers)

    def _again(self, leaf: bytes) -> Identity:
        known = self._remembered.get(certificate.digest(certificate.read_der(leaf)))
        if known is None:
            raise TlsError("it resumed a session that is not known any more")
        return known
