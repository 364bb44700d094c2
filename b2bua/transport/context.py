"""Certificates and trust of one listener, read from files into what handshakes need."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from b2bua.sip import Wanted
from b2bua.transport import certificate, files, revocation
from b2bua.transport.errors import CertificateError, TlsError
from b2bua.transport.expiry import OVERDUE, Dated
from b2bua.transport.ocsp import Asked, Book
from b2bua.transport.revocation import RevocationList
from b2bua.transport.tls import TlsStream
from b2bua.transport.trust import Judge, Store
from vdx.control import ListenerTls, PeerTls

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM"
"""For TLS 1.2: forward secrecy and authenticated encryption (RFC 9325 4.2); TLS 1.3 has nothing else."""

_CLIENTS = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "off": ssl.CERT_NONE}


@dataclass(frozen=True, slots=True)
class ListenerContext:
    """What handshakes at a listener, and from it, go by; a file that changes makes a new one."""

    server: ssl.SSLContext
    clients: dict[str, ssl.SSLContext]
    """For connections that we open, by the trust file that is to vouch for the other end."""
    judge: Judge
    dated: tuple[Dated, ...]
    """What ends one day: certificates and lists."""

    def accept(self) -> TlsStream:
        """Begin a handshake with somebody who connected."""
        return TlsStream(self.server, self.judge)

    def connect(self, wanted: Wanted) -> TlsStream:
        """Begin a handshake with somebody we connect to. Raises TlsError if nothing could vouch for them."""
        context = self.clients.get(wanted.trust)
        if context is None:
            raise TlsError(f"nothing vouches for {' or '.join(sorted(wanted.names))}: the listener has no `trust`")
        return TlsStream(context, self.judge, wanted=wanted)


def paths(tls: ListenerTls, peers: Iterable[PeerTls]) -> frozenset[str]:
    """Give every file that a listener's context is made of."""
    named = [path for pair in tls.certificates for path in pair] + [tls.trust, *tls.crl]
    named += [path for peer in peers for path in (peer.trust, *peer.crl)]
    return frozenset(path for path in named if path)


def build(tls: ListenerTls, peers: Iterable[PeerTls], book: Book | None = None) -> ListenerContext:
    """Read all files of a listener and of the peers in its zone; `book` is where answers of authorities are kept.

    Raises CertificateError.
    """
    known = tuple(peers)
    stores = {"": Store.read(tls.trust)} if tls.trust else {}
    stores |= {path: Store.read(path) for path in {peer.trust for peer in known if peer.trust}}
    crls = {*tls.crl, *(path for peer in known for path in peer.crl)}
    lists = [revocation.read(files.read(path), path) for path in sorted(crls)]
    chains = [_chain(path) for path, _ in tls.certificates]
    judge = Judge(stores, lists, Asked(tls.ocsp, book))
    server = _server(tls, chains, stores.values())
    clients = {name: _client(tls.certificates[0], store) for name, store in stores.items()}
    return ListenerContext(server, clients, judge, tuple(_dated(tls, chains, stores.values(), lists)))


def _chain(path: str) -> list[x509.Certificate]:
    chain = certificate.read_pem(files.read(path), path)
    if not chain:
        raise CertificateError(f"{path} holds no certificate")
    return chain


def _server(tls: ListenerTls, chains: list[list[x509.Certificate]], stores: Iterable[Store]) -> ssl.SSLContext:
    contexts = [_context(ssl.PROTOCOL_TLS_SERVER, pair, stores) for pair in tls.certificates]
    for context in contexts:
        context.verify_mode = _CLIENTS[tls.clients]
        context.num_tickets = 0  # a resumed session would not be looked up in lists of revoked certificates
        context.options |= ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
    named = [(certificate.names(chain[0]), context) for chain, context in zip(chains, contexts, strict=True)]

    def choose(connection: ssl.SSLObject, server_name: str | None, _first: ssl.SSLContext) -> None:
        """RFC 6066 3: the certificate of the name that is asked for, the first one for any other."""
        for known, context in named:
            if server_name and certificate.matches(server_name, known):
                connection.context = context
                return

    if len(contexts) > 1:
        contexts[0].sni_callback = choose
    return contexts[0]


def _client(pair: tuple[str, str], store: Store) -> ssl.SSLContext:
    context = _context(ssl.PROTOCOL_TLS_CLIENT, pair, [store])
    context.check_hostname = False  # names are compared as RFC 5922 7.2 says, by TlsStream
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _context(side: int, pair: tuple[str, str], stores: Iterable[Store]) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 9325 3.1.1
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an intermediate, or one certificate alone, may be trusted
    der = b"".join(each.public_bytes(Encoding.DER) for store in stores for each in store.certificates)
    if der:
        context.load_verify_locations(cadata=der)
    path, key = pair
    files.check_secret(key)
    try:
        context.load_cert_chain(path, key, password=functools.partial(_refuse_password, key))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CertificateError(f"the key {key} does not belong to the certificate {path}") from error
        raise CertificateError(f"{path} with the key {key} cannot be used: {error.reason or error}") from error
    except OSError as error:
        raise CertificateError(f"{path} or its key {key} cannot be read: {error.strerror}") from error
    return context


def _refuse_password(path: str) -> str:
    raise CertificateError(f"the key {path} is locked with a password, which a program cannot be asked for")


def _dated(
    tls: ListenerTls, chains: list[list[x509.Certificate]], stores: Iterable[Store], lists: Iterable[RevocationList]
) -> Iterable[Dated]:
    for (path, _), chain in zip(tls.certificates, chains, strict=True):
        end = certificate.not_after(chain)
        calm = end - certificate.life(chain[0]) * OVERDUE if files.is_renewed(path) else 0.0
        yield Dated("certificate", path, end, calm)
    for store in stores:
        if len(store.certificates) == 1:  # in a bundle of many roots some end every month, and nobody misses them
            yield Dated("trust", store.path, certificate.not_after(store.certificates))
    for one in lists:
        yield Dated("revocation list", one.path, one.until)
