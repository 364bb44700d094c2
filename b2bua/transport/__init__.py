"""Sockets for `b2bua.sip`: thin asyncio shells, one per transport, and the one timer (RFC 3261 18)."""

from b2bua.transport.credentials import Credentials
from b2bua.transport.errors import ListenError, TransportError
from b2bua.transport.ids import RandomIds
from b2bua.transport.listener import Listener
from b2bua.transport.ocsp import Book
from b2bua.transport.shell import Shell, Sink

__all__ = ["Book", "Credentials", "ListenError", "Listener", "RandomIds", "Shell", "Sink", "TransportError"]
