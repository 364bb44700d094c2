"""Once a second: how every stream does, what that means for what is sent, and who has fallen silent."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mixer.reports import Flow, FromWorker, Heard, Silent, Stats, StreamStats
from mixer.wire import Media
from mixer.worker.engine import now
from mixer.worker.hearing import Hearing
from mixer.worker.participant import Participant
from mixer.worker.relay import Relay
from mixer.worker.showing import Showing
from mixer.worker.sight import VideoStream
from mixer.worker.speech import SoundStream

SECOND = 1_000_000_000
SILENT_AFTER = 10 * SECOND
"""Nanoseconds without a packet after which a stream is said to be silent."""


@dataclass(slots=True)
class _Past:
    """What was counted a second ago."""

    received: Flow = field(default_factory=Flow)
    sent: Flow = field(default_factory=Flow)
    pictures: int = 0
    at: int = 0
    last_packet: int | None = None
    silent: bool = False


class Statistics:
    """Count all streams of a room."""

    def __init__(
        self,
        participants: Mapping[str, Participant],
        showing: Showing,
        hearing: Hearing,
        say: Callable[[FromWorker], None],
    ) -> None:
        self._participants = participants
        self._showing = showing
        self._hearing = hearing
        self._say = say
        self._past: dict[int, _Past] = {}

    def take(self) -> tuple[Stats, bool]:
        """Count; also says whether somebody is to be sent another class from now on."""
        at = now()
        counted: list[StreamStats] = []
        present: dict[int, _Past] = {}
        changed = False
        for name, participant in self._participants.items():
            for media, stream in participant.media.items():
                past = self._before(stream, at)
                present[id(stream)] = past
                counted.append(self._stream(name, media, stream, past, at))
                if isinstance(stream, VideoStream) and stream.sends is not None:
                    stream.rate.report(counted[-1].sent.loss)
                    carried = stream.transport.carried()
                    if carried is not None:
                        stream.rate.carried(*carried)
                    changed = changed or self._outgrown(stream)
        self._past = present
        usage = resource.getrusage(resource.RUSAGE_SELF)
        late = self._hearing.late + self._showing.late
        return Stats(tuple(counted), round(usage.ru_utime + usage.ru_stime, 2), _resident(), late), changed

    def last(self, name: str) -> tuple[StreamStats, ...]:
        """Count the streams of somebody who leaves."""
        at = now()
        streams = self._participants[name].media
        return tuple(self._stream(name, media, one, self._before(one, at), at) for media, one in streams.items())

    def _before(self, stream: SoundStream | VideoStream, at: int) -> _Past:
        return self._past.get(id(stream)) or _Past(at=at - SECOND)

    def _stream(self, name: str, media: Media, stream: SoundStream | VideoStream, past: _Past, at: int) -> StreamStats:
        received, sent = stream.transport.flows()
        elapsed = max(1, at - past.at) / SECOND
        if received.packets != past.received.packets:
            past.last_packet = at
            if past.silent:
                past.silent = False
                self._say(Heard(name, media))
        elif past.last_packet is not None and not past.silent and at - past.last_packet > SILENT_AFTER:
            past.silent = bool(stream.stream.receive)
            if past.silent:
                self._say(Silent(name, media))
        got = _since(received, past.received, elapsed)
        gave = msgspec.structs.replace(_since(sent, past.sent, elapsed), loss=sent.loss)
        form = stream.sends
        gave = msgspec.structs.replace(gave, encoding=form.encoding if form else "")
        if isinstance(stream, VideoStream):
            wide, high = stream.size()
            fps = round((stream.pictures - past.pictures) / elapsed, 1)
            past.pictures = stream.pictures
            stream.relay.count(got.kbps, fps)
            got = msgspec.structs.replace(got, width=wide, height=high, fps=fps, keyframes=stream.asked)
            encoder = stream.encoder
            if encoder is not None:
                send = encoder.send
                gave = msgspec.structs.replace(
                    gave, width=send.width, height=send.height, fps=float(send.fps), keyframes=stream.keyframes
                )
        past.received, past.sent, past.at = received, sent, at
        silent = -1.0 if past.last_packet is None else round((at - past.last_packet) / SECOND, 1)
        encrypted, counts = stream.stream.encryption is not None, stream.transport.rollovers()
        return StreamStats(name, media, got, gave, encrypted, silent, counts)

    @staticmethod
    def _outgrown(stream: VideoStream) -> bool:
        """Say whether the rate has left the class that is sent: the choice itself has its own hysteresis."""
        encoder = stream.next_encoder or stream.encoder
        if isinstance(encoder, Relay):
            return False  # a room of two settles every second
        return encoder is not None and not encoder.send.kbps <= stream.rate.kbps < encoder.send.kbps * 2.2


def _since(total: Flow, before: Flow, elapsed: float) -> Flow:
    packets = max(0, total.packets - before.packets)
    lost = max(0, total.lost - before.lost)
    octets = max(0, total.octets - before.octets)
    loss = lost / (lost + packets) if lost + packets else 0.0
    return msgspec.structs.replace(total, kbps=round(octets * 8 / 1000 / elapsed, 1), loss=round(loss, 3))


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
