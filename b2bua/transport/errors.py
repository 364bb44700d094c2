"""What can go wrong with sockets.

TransportError
├── ListenError         a listener cannot be bound: port taken, address not ours, port reserved
├── CertificateError    a file of certificates, keys or revocations cannot be used
├── TlsError            a handshake failed, or the one at the other end is not who it should be
└── FramingError        nothing can be framed any more: the other end has said goodbye
"""

from __future__ import annotations

import errno

from b2bua.transport.listener import Listener


class TransportError(Exception):
    """Root of this package's errors: one sentence for an operator."""


class ListenError(TransportError):
    """A listener that cannot be bound: zone, address and port, what is wrong, what to do."""

    def __init__(self, listener: Listener, cause: OSError) -> None:
        where = f"{listener.transport.upper()} port {listener.port} on {listener.address} of zone {listener.zone}"
        super().__init__(f"{where} {_WHY.get(cause.errno or 0, f'cannot be opened: {cause.strerror}')}")
        self.listener = listener


class CertificateError(TransportError):
    """A file that cannot be used: its path, what is wrong, what to do."""


class TlsError(TransportError):
    """A connection that is not to be used: what the handshake or the certificate of the other end lacks."""


class FramingError(TransportError):
    """A message that no longer fits into its connection: the framing is closing or closed."""


_WHY = {
    errno.EADDRINUSE: "is taken by another program: `ss -lnptu` tells which, or give the listener another port",
    errno.EADDRNOTAVAIL: "cannot be opened: no interface of this machine has the address; correct it in the site file",
    errno.EACCES: "is reserved for root: choose a port from 1024, or allow it with CAP_NET_BIND_SERVICE",
}
