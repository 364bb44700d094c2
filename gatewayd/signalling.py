"""`b2bua`'s part of a site version, and the connection over which it gets it. The first half is pure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from gatewayd.access import access_rules, peer_access
from gatewayd.dialplan import dialling, peer_dial, rules
from gatewayd.errors import VersionError
from gatewayd.trust import Trust
from vdx import control, wire
from vdx.control import ListenerTls, PeerMedia, PeerTls, Signalling, SipListener, SipPeer
from vdx.record import HepRules, RecordRules, Seeing
from vdx.site.model import Site
from vdx.site.peers import Peer
from vdx.site.seeing import collector_source
from vdx.site.source import LoadedSite
from vdx.site.streams import DEFAULT_ENCRYPTION
from vdx.site.zones import Listener

RETRY_SECONDS = 0.5
"""Between attempts to reach `b2bua`."""

ANSWER_SECONDS = 5.0
"""An answer that has not come by then will not come: `b2bua` answers from memory."""

log = logging.getLogger(__name__)


def signalling(loaded: LoadedSite) -> Signalling:
    """Give the part of a site that `b2bua` works by."""
    site = loaded.site
    listeners = [
        SipListener(
            name,
            one.transport,
            str(one.address),
            one.port,
            str(one.advertise or one.address),
            one.advertise_port or one.port,
            _listener_tls(one),
        )
        for name, zone in site.zones.items()
        for one in zone.sip
    ]
    return Signalling(
        tuple(listeners),
        tuple(_peer(name, peer, peer_media(site, peer)) for name, peer in site.peers.items()),
        rules(loaded),
        site.limits.calls,
        access_rules(site),
        dialling(site),
        site.limits.media_silence,
        seeing=seeing(site),
    )


def seeing(site: Site) -> Seeing:
    """Give what is kept and told of calls."""
    records = RecordRules(site.records.days, site.records.megabytes)
    source = collector_source(site.hep, site.zones[site.hep.zone]) if site.hep else None
    if site.hep is None or source is None:
        return Seeing(records)
    return Seeing(records, HepRules(str(source), str(site.hep.address), site.hep.port, site.hep.agent))


def peer_media(site: Site, peer: Peer) -> PeerMedia:
    """Give what holds for the media of a peer: its own word, else that of its zone."""
    zone = site.zones[peer.zone].encryption or DEFAULT_ENCRYPTION.get(peer.zone, "preferred")
    return PeerMedia(peer.encryption or zone, peer.bandwidth)


def _peer(name: str, peer: Peer, media: PeerMedia) -> SipPeer:
    target = peer.target
    place = None
    if target and target.address and target.port and target.transport:
        place = (str(target.address), target.port, target.transport)
    sources = tuple(str(network) for network in peer.sources)
    return SipPeer(
        name,
        peer.zone,
        sources,
        peer.media_family,
        place,
        peer.pass_headers,
        peer.pass_sdp_attributes,
        _peer_tls(peer),
        peer.qualify or 0,
        peer_access(peer),
        media=media,
        dial=peer_dial(peer),
        refer=peer.refers,
        redirects=peer.redirects == "follow",
        bridge=peer.bridge,
    )


def _listener_tls(listener: Listener) -> ListenerTls | None:
    if not listener.certificates:
        return None
    pairs = tuple((pair.certificate, pair.key) for pair in listener.certificates)
    trust = listener.trust or ""
    return ListenerTls(
        pairs, trust, listener.crl, listener.asks_clients, listener.origins, listener.path, listener.ocsp
    )


def _peer_tls(peer: Peer) -> PeerTls | None:
    server_name = peer.target.server_name if peer.target else None
    if not (peer.certificate or peer.trust or peer.crl or server_name):
        return None
    names = peer.certificate.names if peer.certificate else ()
    subject = tuple(peer.certificate.subject.items()) if peer.certificate else ()
    return PeerTls(names, subject, peer.trust or "", peer.crl, server_name or "")


class AwayError(VersionError):
    """`b2bua` does not run, or does not answer."""


class B2buaLink:
    """The connection to `b2bua` at `path`; `connected` runs after each connect, to hand it its site version."""

    def __init__(self, path: Path, trust: Trust, connected: Callable[[], Awaitable[None]]) -> None:
        self._path = path
        self._trust = trust
        self._on_connect = connected
        self._connection: wire.Connection[control.FromB2bua] | None = None
        self._waiting: dict[int, asyncio.Future[control.FromB2bua]] = {}
        self._sequence = 0

    @property
    def connected(self) -> bool:
        """Whether `b2bua` is there."""
        return self._connection is not None

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            with suppress(wire.WireError):
                self._connection = await self._connect()
            if self._connection:
                log.info("b2bua.connected")
                await self._serve(self._connection)
                log.warning("b2bua.lost")
            await asyncio.sleep(RETRY_SECONDS)

    async def ask(self, make: Callable[[int], control.ToB2bua]) -> control.FromB2bua:
        """Ask and wait for the answer; `make` gets the number of the question. Raises `AwayError`."""
        if self._connection is None:
            raise AwayError("b2bua is not running: calls are its business, start it first")
        self._sequence += 1
        number = self._sequence
        answer: asyncio.Future[control.FromB2bua] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._connection.send(make(number))
        try:
            return await asyncio.wait_for(answer, ANSWER_SECONDS)
        except TimeoutError:
            raise AwayError(f"b2bua has not answered for {ANSWER_SECONDS:.0f} s") from None
        finally:
            del self._waiting[number]

    async def prepare(self, version: str, part: Signalling) -> None:
        """Have `b2bua` take in a version without acting on it; raises `VersionError` with what stands against it."""
        answer = await self.ask(lambda number: control.Prepare(number, version, part))
        if not isinstance(answer, control.Prepared):
            raise VersionError(f"b2bua refused version {version}: {getattr(answer, 'reason', 'odd answer')}")
        if answer.errors:
            raise VersionError("\n".join(f"b2bua: {error}" for error in answer.errors))

    async def activate(self, version: str) -> None:
        """Have `b2bua` act by the prepared version; raises `VersionError`."""
        answer = await self.ask(lambda number: control.Activate(number, version))
        if not isinstance(answer, control.Ok):
            raise VersionError(f"b2bua did not activate version {version}: {getattr(answer, 'reason', 'odd answer')}")

    async def revert(self, version: str) -> None:
        """Have `b2bua` drop the prepared version; one that is away has dropped it already."""
        with suppress(AwayError):
            await self.ask(lambda number: control.Revert(number, version))

    async def _connect(self) -> wire.Connection[control.FromB2bua] | None:
        connection = await wire.connect(self._path, control.B2buaClientCodec)
        if self._trust.admits(connection.user):
            return connection
        connection.close()
        return None

    async def _serve(self, connection: wire.Connection[control.FromB2bua]) -> None:
        greeting = asyncio.ensure_future(self._on_connect())
        try:
            async for answer in connection:
                waiting = self._waiting.get(answer.id)
                if waiting and not waiting.done():
                    waiting.set_result(answer)
        except wire.WireError as error:
            log.warning("b2bua.unusable: %s", error)
        finally:
            self._connection = None
            connection.close()
            greeting.cancel()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(AwayError("b2bua went away before it answered"))
