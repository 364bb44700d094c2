"""The certificates of all listeners: read when a site version is prepared, read again when a file changes.

A handshake takes what stands at its time, so nothing that is up notices a new certificate. Files that cannot be used
are refused with one sentence, and what stood before goes on to serve.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from b2bua.sip import Wanted
from b2bua.transport import files
from b2bua.transport.context import ListenerContext, build, paths
from b2bua.transport.errors import CertificateError, TlsError
from b2bua.transport.expiry import Alarm, alarms
from b2bua.transport.files import Stamp
from b2bua.transport.listener import Listener
from b2bua.transport.ocsp import Book
from b2bua.transport.tls import TlsStream
from vdx.control import ListenerTls, PeerTls, SipListener, SipPeer

log = logging.getLogger(__name__)

Key = tuple[str, str, int]
"""What tells listeners apart whatever their certificates: zone, address, port."""


@dataclass(slots=True)
class _Kept:
    """One listener's context with the files behind it."""

    tls: ListenerTls
    peers: tuple[PeerTls, ...]
    stamps: dict[str, Stamp]
    context: ListenerContext
    book: Book | None
    refused: str = ""
    """Why the files as they are now cannot be used."""

    @classmethod
    def read(cls, tls: ListenerTls, peers: tuple[PeerTls, ...], book: Book | None) -> _Kept:
        stamps = _stamps(tls, peers)  # before the files: one that changes meanwhile is read again
        return cls(tls, peers, stamps, build(tls, peers, book), book)

    def refresh(self) -> str:
        """Read again what has changed; gives a sentence for the log, "" for nothing new."""
        stamps = _stamps(self.tls, self.peers)
        if stamps == self.stamps:
            return ""
        changed = sorted(path for path, stamp in stamps.items() if stamp != self.stamps.get(path))
        self.stamps = stamps
        try:
            self.context, self.refused = build(self.tls, self.peers, self.book), ""
        except CertificateError as error:
            self.refused = f"{error}; what was read before goes on to serve"
            return self.refused
        return f"read again: {', '.join(changed)}"


class Credentials:
    """Contexts by listener, for the active site version and for the prepared one.

    `book` is where `certd` leaves what authorities say of single certificates.
    """

    def __init__(self, clock: Callable[[], float] = time.time, book: Book | None = None) -> None:
        self._clock = clock
        self._book = book
        self._active: dict[Key, _Kept] = {}
        self._prepared: dict[Key, _Kept] = {}
        self._told: set[Alarm] = set()

    def prepare(self, listeners: Iterable[SipListener], peers: Iterable[SipPeer]) -> tuple[str, ...]:
        """Read the files of a site version; gives what is wrong with them, one sentence each."""
        known = tuple(peers)
        errors: list[str] = []
        self._prepared = {}
        for one in listeners:
            if one.tls is None:
                continue
            theirs = tuple(peer.tls for peer in known if peer.tls is not None and peer.zone == one.zone)
            try:
                self._prepared[one.zone, one.address, one.port] = _Kept.read(one.tls, theirs, self._book)
            except CertificateError as error:
                errors.append(str(error))
        return tuple(dict.fromkeys(errors))

    def activate(self) -> None:
        """Let new handshakes go by the prepared version."""
        self._active, self._prepared = self._prepared, {}

    def revert(self) -> None:
        """Forget the prepared version."""
        self._prepared = {}

    def refresh(self) -> None:
        """Read again what has changed, and tell what ends soon; each alarm once."""
        for kept in self._active.values():
            if sentence := kept.refresh():
                log.log(logging.ERROR if kept.refused else logging.INFO, "certificates.changed: %s", sentence)
        now = self._clock()
        due = set(self._alarms(now))
        for alarm in due - self._told:
            log.log(logging.ERROR if alarm.step <= 0 else logging.WARNING, "certificates.end: %s", alarm.sentence(now))
        self._told = due

    def facts(self) -> Mapping[str, str]:
        """Say for operators what ends soon and what cannot be used."""
        now = self._clock()
        said = {f"alarm: {alarm.dated.path}": alarm.sentence(now) for alarm in self._alarms(now)}
        refused = [kept.refused for kept in self._active.values() if kept.refused]
        return said | {f"refused: {number}": sentence for number, sentence in enumerate(dict.fromkeys(refused), 1)}

    def _alarms(self, now: float) -> tuple[Alarm, ...]:
        return alarms((dated for kept in self._active.values() for dated in kept.context.dated), now)

    def accept(self, listener: Listener) -> TlsStream:
        """Begin a handshake with somebody who connected. Raises TlsError."""
        return self._context(listener).accept()

    def connect(self, listener: Listener, wanted: Wanted) -> TlsStream:
        """Begin a handshake with somebody we connect to from a listener's address. Raises TlsError."""
        return self._context(listener).connect(wanted)

    def web(self, listener: Listener) -> ListenerTls:
        """Give who may open a WebSocket at a listener, and at which path. Raises TlsError."""
        kept = self._active.get((listener.zone, listener.address, listener.port))
        if kept is None:
            raise TlsError(f"{listener.transport} port {listener.port} of zone {listener.zone} has no certificates yet")
        return kept.tls

    def _context(self, listener: Listener) -> ListenerContext:
        kept = self._active.get((listener.zone, listener.address, listener.port))
        if kept is None:
            raise TlsError(f"{listener.transport} port {listener.port} of zone {listener.zone} has no certificates yet")
        return kept.context


def _stamps(tls: ListenerTls, peers: tuple[PeerTls, ...]) -> dict[str, Stamp]:
    return {path: files.stamp(path) for path in paths(tls, peers)}
