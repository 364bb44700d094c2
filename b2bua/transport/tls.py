"""TLS without I/O: octets of the network in, octets of the peer out (RFC 8446, RFC 5246, RFC 5922).

Between a connection and its socket rather than inside the event loop: then one write queue holds everything and is
bounded in one place, each handshake takes the certificates of its day, and nobody's message is read before it is known
who they are.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from b2bua.sip import Identity, Wanted
from b2bua.transport.errors import TlsError
from b2bua.transport.trust import Judge

_CHUNK = 65_536


class TlsStream:
    """One TLS connection. Feed `receive`, send what `to_send` gives; `identity` stands once `ready` is true."""

    def __init__(self, context: ssl.SSLContext, judge: Judge, *, wanted: Wanted | None = None) -> None:
        """Begin: as a client where somebody is `wanted`, else as a server."""
        self.ready = False
        self.ended = False
        self.identity: Identity | None = None
        self._judge = judge
        self._wanted = wanted
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        name = wanted.server_name or None if wanted else None
        self._object = context.wrap_bio(self._in, self._out, server_side=wanted is None, server_hostname=name)
        if wanted is not None:
            self._shake()

    def receive(self, data: bytes) -> bytes:
        """Take what the network brought; gives what the peer said.

        Raises TlsError if the connection is not to be used; what `to_send` then gives still tells the peer why.
        """
        self._in.write(data)
        if not self.ready:
            self._shake()
        return self._read() if self.ready else b""

    def send(self, data: bytes) -> None:
        """Say something to the peer. Raises TlsError."""
        view = memoryview(data)
        try:
            while view:
                view = view[self._object.write(view) :]
        except ssl.SSLError as error:
            raise TlsError(f"TLS broke: {_reason(error)}") from error

    def to_send(self) -> bytes:
        """Give what the network is to take."""
        return self._out.read()

    def finish(self) -> None:
        """Say goodbye (RFC 8446 6.1); nobody waits for the answer."""
        if self.ready:
            try:
                self._object.unwrap()
            except (ssl.SSLError, OSError):  # it wants the peer's goodbye, or there is nobody left
                return

    @property
    def version(self) -> str:
        """Name protocol and cipher, as in "TLSv1.3 TLS_AES_256_GCM_SHA384"."""
        cipher = self._object.cipher()
        return f"{self._object.version()} {cipher[0] if cipher else ''}".strip()

    def _shake(self) -> None:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return
        except (ssl.SSLError, ssl.CertificateError) as error:
            raise TlsError(f"the TLS handshake failed: {_reason(error)}") from error
        leaf = self._object.getpeercert(binary_form=True)
        self.identity = self._judge.identify(leaf, [] if leaf is None else _verified_chain(self._object))
        if self._wanted is not None and not self._wanted.met_by(self.identity):
            shown = ", ".join(sorted(self.identity.names)[:5]) if self.identity else "none"
            wanted = " or ".join(sorted(self._wanted.names)[:5])
            raise TlsError(f"its certificate is for {shown or 'nobody'}, not for {wanted}")
        self.ready = True

    def _read(self) -> bytes:
        parts: list[bytes] = []
        try:
            while part := self._object.read(_CHUNK):
                parts.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            raise TlsError(f"TLS broke: {_reason(error)}") from error
        return b"".join(parts)


def _verified_chain(tls: ssl.SSLObject) -> Sequence[bytes]:
    """Give the chain that was verified, leaf first, as DER; empty for a resumed session."""
    if hasattr(tls, "get_verified_chain"):  # public from Python 3.13 on
        return tls.get_verified_chain()  # type: ignore[no-any-return]
    chain = tls._sslobj.get_verified_chain()  # type: ignore[attr-defined]  # noqa: SLF001 - the same, before it was public
    return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in chain or ()]


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}"
    return (error.reason or str(error)).replace("_", " ").lower()
