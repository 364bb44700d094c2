"""One participant's session: offers and answers, keys and media sockets, from the first description to the last.

Sockets are reserved before an answer or an offer is written, and belong to this until `close`; a worker gets copies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from b2bua import sdp
from mixer import wire
from mixer.agent.media import PortRange, Sockets, told
from mixer.session import Abilities, Key, Place, Reading, SessionError, Stream, Writer, new_key, propose, read
from mixer.session.keys import OFFERED
from mixer.session.read import Purpose
from mixer.session.write import FloorPlace


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker is told: streams, and the sockets that come with them."""

    streams: tuple[wire.Stream, ...]
    descriptors: tuple[int, ...]


class Negotiation:
    """Offer and answer with one participant; `octets` gives random ones, `floor` is our floor control as they see it.

    Every method that reads a description raises `sdp.SdpError` or `SessionError`, and `NoPorts` where it needs sockets.
    """

    def __init__(
        self,
        ports: PortRange,
        address: str,
        abilities: Abilities,
        floor: FloorPlace,
        octets: Callable[[int], bytes],
    ) -> None:
        self.abilities = abilities
        self.floor = floor
        self.reading: Reading | None = None
        self.body = b""
        """What we said last."""
        self._ports = ports
        self._octets = octets
        self._writer = Writer(int.from_bytes(octets(8)) >> 2, address)
        self._sockets: dict[Purpose, Sockets] = {}
        self._keys: dict[Purpose, Key] = {}
        self._offered: dict[Purpose, tuple[Key, ...]] = {}

    @property
    def streams(self) -> tuple[Stream, ...]:
        """What is agreed."""
        return self.reading.streams if self.reading is not None else ()

    def stream(self, purpose: Purpose) -> Stream | None:
        """Give the stream of a purpose."""
        return self.reading.stream(purpose) if self.reading is not None else None

    @property
    def encrypted(self) -> bool:
        """Whether all that is agreed is encrypted."""
        return bool(self.streams) and all(stream.encrypted for stream in self.streams)

    def answer(self, body: bytes) -> bytes:
        """Answer an offer."""
        offer = sdp.parse(body)
        reading = read(offer, self.abilities, self.streams)
        self._reserve(tuple(stream.purpose for stream in reading.streams))
        for stream in reading.streams:
            self._choose_key(stream)
        places = {purpose: sockets.place(self._keys.get(purpose)) for purpose, sockets in self._sockets.items()}
        self._take(reading)
        floor = self._floor_place(reading)
        self.body = self._writer.answer(offer, reading, places, self.abilities, floor)
        return self.body

    def offer(self) -> bytes:
        """Offer: everything we do at first, later the session as it is."""
        if self.body:
            return self.body
        wanted: tuple[Purpose, ...] = ("audio", "video", "content") if self.abilities.video else ("audio",)
        self._reserve(wanted)
        for purpose in wanted:
            self._offered[purpose] = tuple(
                new_key(suite, tag, self._octets) for tag, suite in enumerate(OFFERED, start=1)
            )
        places: dict[Purpose, Place] = {purpose: self._sockets[purpose].place(None) for purpose in wanted}
        self.body = self._writer.lines(propose(places, self._offered, self.abilities, self.floor))
        return self.body

    def settle(self, body: bytes) -> None:
        """Take the answer to our offer."""
        answer = sdp.parse(body)
        sdp.check_answer(sdp.parse(self.body), answer)
        reading = read(answer, self.abilities, self.streams)
        for stream in reading.streams:
            offered = self._offered.get(stream.purpose, ())
            ours = next((key for key in offered if stream.theirs and key.tag == stream.theirs.tag), None)
            if ours is not None:
                self._keys[stream.purpose] = ours
            elif stream.theirs is not None and stream.purpose not in self._keys:
                raise SessionError("the answer has a key for which the offer had none")
        self._take(reading)

    def told(self, before: Mapping[str, tuple[wire.Rollover, ...]] | None = None) -> Told:
        """Say what is agreed, for a worker; `before`, for one that knows nothing yet: what others counted by stream."""
        streams: list[wire.Stream] = []
        descriptors: list[int] = []
        for stream in self.streams:
            sockets = self._sockets[stream.purpose]
            kept = sockets.handed and before is None
            ours = self._keys.get(stream.purpose) if stream.theirs is not None else None
            counted = (before or {}).get(stream.purpose, ())
            streams.append(msgspec.structs.replace(told(stream, ours, kept=kept), rollovers=counted))
            if not kept:
                descriptors += sockets.descriptors(mux=stream.mux)
            sockets.handed = True
        return Told(tuple(streams), tuple(descriptors))

    def close(self) -> None:
        """Give all ports back."""
        for sockets in self._sockets.values():
            sockets.close()
        self._sockets.clear()

    def _reserve(self, purposes: tuple[Purpose, ...]) -> None:
        for purpose in purposes:
            if purpose not in self._sockets:
                self._sockets[purpose] = self._ports.reserve(purpose)

    def _take(self, reading: Reading) -> None:
        """Make a reading the session; sockets of streams that are gone are closed."""
        self.reading = reading
        used = {stream.purpose for stream in reading.streams}
        for purpose in [purpose for purpose in self._sockets if purpose not in used]:
            self._sockets.pop(purpose).close()
            self._keys.pop(purpose, None)

    def _choose_key(self, stream: Stream) -> None:
        """Keep our key as long as theirs keeps its suite and tag (RFC 4568 section 7.1.4)."""
        theirs = stream.theirs
        ours = self._keys.get(stream.purpose)
        if theirs is None:
            self._keys.pop(stream.purpose, None)
        elif ours is None or (ours.suite, ours.tag) != (theirs.suite, theirs.tag):
            self._keys[stream.purpose] = new_key(theirs.suite, theirs.tag, self._octets)

    def _floor_place(self, reading: Reading) -> FloorPlace | None:
        """Give our side of floor control; over TCP we listen, and never connect (RFC 4145)."""
        line = reading.floor
        if line is None or (line.tcp and line.setup not in {"active", "actpass"}):
            return None
        setup = "passive" if line.tcp else ""
        return FloorPlace(self.floor.port, self.floor.conference, self.floor.user, self.floor.floor, setup)
