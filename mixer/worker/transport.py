"""One media stream on its sockets: RTP, RTCP and SRTP, both ways.

Receiving: socket -> (srtpdec) -> rtpbin -> whoever takes packets of a payload type. Sending: packer -> (retransmission)
-> rtpbin -> (srtpenc) -> socket. Nothing here opens a socket: they were handed over, and the kernel filters them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mixer.reports import Flow
from mixer.wire import Address, Rollover, Stream
from mixer.worker import adaptation, asking, packets
from mixer.worker.absent import Absent
from mixer.worker.engine import Gio, Gst, Pipeline, element, field_of, now
from mixer.worker.errors import TransportError
from mixer.worker.formats import rtp_caps
from mixer.worker.srtp import rollovers, srtp_decoder, srtp_encoder

REORDER_MS = 60
"""How long a missing packet is waited for; a stream without gaps never waits."""
REPAIR_MS = 200
"""The same where it can be asked for again (NACK): a round trip and some."""
MAX_STREAMS = 8
"""Synchronisation sources of one stream that may live at once: a flood of invented ones costs no memory."""
RECEIVE_BUFFER = 512 * 1024
"""Octets: a key picture of 1080p and a busy moment of this machine."""
COUNTED = 3
"""Packets that must have been counted before their pace says anything."""
RTCP_CAPS = "application/x-rtcp"
REPORT_NS = 1_000_000_000
"""How often RTCP reports go out: as often as rates are adapted."""


@dataclass(slots=True)
class Sockets:
    """The sockets of one stream, as long as the participant has it."""

    rtp: socket.socket
    rtcp: socket.socket | None

    @classmethod
    def adopt(cls, descriptors: Sequence[int]) -> Sockets:
        """Take descriptors over; raises `TransportError` (all are closed) where one is not a bound UDP socket."""
        taken: list[socket.socket] = []
        left = list(descriptors)
        try:
            while left:
                taken.append(socket.socket(fileno=left[0]))
                left.pop(0)
        except OSError as error:
            cls.close_all(left)
            _discard(taken)
            raise TransportError(f"a descriptor cannot be used: {error}") from error
        if not all(one.type == socket.SOCK_DGRAM and one.proto == socket.IPPROTO_UDP for one in taken):
            _discard(taken)
            raise TransportError("a descriptor is not a UDP socket")
        return cls(taken[0], taken[1] if len(taken) > 1 else None)

    @staticmethod
    def close_all(descriptors: Sequence[int]) -> None:
        """Close descriptors that nobody took; one that is none is let be."""
        for descriptor in descriptors:
            with suppress(OSError):
                os.close(descriptor)

    def arm(self, stream: Stream) -> None:
        """Let only agreed packets of the other side in, and throw away what waits."""
        given = [stream.telephone_event, *(kind.rtx for kind in stream.receive)]
        types = {kind.payload_type for kind in stream.receive} | {one for one in given if one is not None}
        there = stream.remote.host if stream.remote is not None else None
        packets.attach(self.rtp, packets.only_from(there, packets.rtp(types, rtcp=self.rtcp is None)))
        self.rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        packets.drain(self.rtp)
        if self.rtcp is not None:
            there = stream.remote_rtcp.host if stream.remote_rtcp is not None else there
            packets.attach(self.rtcp, packets.only_from(there, packets.rtcp()))
            packets.drain(self.rtcp)

    def close(self) -> None:
        """Close them here; the agent has its own copies."""
        self.rtp.close()
        if self.rtcp is not None:
            self.rtcp.close()


@dataclass(frozen=True, slots=True)
class Needs:
    """What a stream does with packets; the first two are called in its own threads."""

    arrived: Callable[[Gst.Pad, int], list[Gst.Element] | None]
    """A source of packets of this payload type began: gives what takes them, which is linked to its pad and started."""
    estimate: Callable[[float], None]
    """The receiver says how many kilobits a second he can get."""
    broken: Callable[[str], None]


class Transport:
    """RTP of one stream; `play` starts it, `close` ends it and leaves the sockets open."""

    def __init__(self, name: str, stream: Stream, sockets: Sockets, needs: Needs) -> None:
        self._stream = stream
        self._needs = needs
        self.pipeline = Pipeline(name, needs.broken)
        repair = "nack" in stream.feedback
        self._bin = element(
            "rtpbin",
            latency=REPAIR_MS if repair else REORDER_MS,
            do_lost=True,
            do_retransmission=repair,
            rtp_profile="avpf" if stream.feedback else "avp",
            max_streams=MAX_STREAMS,
        )
        self.pipeline.on(self._bin, "request-pt-map", lambda _bin, _session, number: rtp_caps(stream, number))
        self.pipeline.on(self._bin, "pad-added", self._pad)
        self.pipeline.on(self._bin, "pad-removed", self._pad_gone)
        self._absent = Absent()
        for signal in ("on-timeout", "on-bye-timeout"):
            self.pipeline.on(self._bin, signal, lambda _bin, _session, source: self._absent.gone(source, now()))
        self.pipeline.on(self._bin, "on-new-ssrc", lambda _bin, _session, source: self._absent.came(source))
        self._chains: dict[str, list[Gst.Element]] = {}
        self._repairs = {one.rtx: one.payload_type for one in stream.receive if one.rtx is not None}
        if self._repairs:
            self.pipeline.on(self._bin, "request-aux-receiver", self._aux)
        self.pipeline.add(self._bin)
        self._sinks: list[Gst.Element] = []
        self._funnel = element("funnel", forward_sticky_events=False)
        self._asking: Gst.Pad | None = None
        self._bound: tuple[int, bytes] | None = None
        """Who has asked for no more than this (TMMBR), and was not told yet that it is heeded."""
        self._theirs: int | None = None
        """The newest source of the other side."""
        self._plain: dict[int, Gio.Socket] = {}
        self._encoder = srtp_encoder(stream.encryption.ours) if stream.encryption else None
        self._decoder = srtp_decoder(stream.encryption.theirs, stream.rollovers) if stream.encryption else None
        for one in (self._encoder, self._decoder):
            if one is not None:
                self.pipeline.add(one)
        self._handles = [_handle(sockets.rtp), _handle(sockets.rtcp or sockets.rtp)]
        self._receive(shared=sockets.rtcp is None)
        self._report()
        self._session = self._bin.emit("get-internal-session", 0)
        self._session.set_property("rtcp-min-interval", REPORT_NS)
        self.pipeline.on(self._session, "on-feedback-rtcp", self._feedback)
        self._packer: Gst.Element | None = None

    def send_from(self, chain: list[Gst.Element]) -> None:
        """Send what this chain packs; before `play`."""
        if self._stream.remote is None or self._stream.send is None:
            raise TransportError("nowhere to send to")
        self._packer = chain[-1]
        if self._stream.send.rtx is not None:
            again = element("rtprtxsend", max_size_time=1000)
            number = self._stream.send.payload_type
            again.set_property(
                "payload-type-map",
                Gst.Structure.new_from_string(f"m, {number}=(uint){self._stream.send.rtx}"),
            )
            chain = [*chain, again]
        last = self.pipeline.add(*chain)
        last.link_pads("src", self._bin, "send_rtp_sink_0")
        sink = self._sink(self._handles[0], self._stream.remote)
        self.pipeline.add(sink)
        if self._encoder is not None:
            self._bin.link_pads("send_rtp_src_0", self._encoder, "rtp_sink_0")
            self._encoder.link_pads("rtp_src_0", sink, "sink")
        else:
            self._bin.link_pads("send_rtp_src_0", sink, "sink")

    def take_first(self) -> None:
        """Take a source by its first packet, where each one counts: no second is waited for to tell it from noise."""
        self._session.set_property("probation", 0)

    def play(self) -> None:
        """Start."""
        self.pipeline.play()

    def retarget(self, stream: Stream) -> None:
        """Send to another address from now on."""
        self._stream = stream
        for sink, address in zip(self._sinks, (_rtcp_address(stream), stream.remote), strict=False):
            if address is not None:
                sink.emit("clear")
                sink.emit("add", address.host, address.port)

    def close(self) -> None:
        """Stop; nothing is called afterwards."""
        self.pipeline.close()
        for handle in self._handles:
            handle.close()

    def request_keyframe(self, pad: Gst.Pad, event: Gst.Event) -> bool:
        """Ask the other side for a key picture by RTCP; false where it takes neither PLI nor FIR."""
        if not self._stream.feedback & {"pli", "fir"}:
            return False
        return bool(pad.send_event(event))

    def ask(self, kbps: int) -> None:
        """Ask the other side to send no more than this, where it can be asked and has sent something."""
        kind = next((one for one in ("tmmbr", "remb") if one in self._stream.feedback), None)
        if kind is None or self._theirs is None:
            return
        ours, name = self._ourselves()
        self._say(asking.request(kind, kbps, ours=ours, theirs=self._theirs, name=name))

    def tidy(self) -> None:
        """Take away what has fallen silent for good, and tell who bounds us that it is heeded; once a second."""
        for source in self._absent.due(now()):
            self._bin.emit("clear-ssrc", 0, source)
        bound, self._bound = self._bound, None
        if bound is not None:
            ours, name = self._ourselves()
            self._say(asking.notice(*bound, ours=ours, name=name))

    def carried(self) -> tuple[float, float] | None:
        """Give how fast packets were sent lately and arrived, in kilobits a second, as far as transport-cc tells."""
        counted = self._bin.emit("get-session", 0).get_property("twcc-stats") if self._stream.transport_cc else None
        if field_of(counted, "packets-sent", 0) < COUNTED:
            return None
        return field_of(counted, "bitrate-sent", 0) / 1000, field_of(counted, "bitrate-recv", 0) / 1000

    def rollovers(self) -> tuple[Rollover, ...]:
        """Count how often the numbers of encrypted sources have begun anew; of those that have."""
        return rollovers(self._decoder) if self._decoder is not None else ()

    def flows(self) -> tuple[Flow, Flow]:
        """Count what was received and sent, as far as RTP knows."""
        received, sent = Flow(), Flow()
        stats = self._session.get_property("stats")
        for source in _sources(stats):
            if field_of(source, "internal", default=False):
                if field_of(source, "packets-sent", 0) >= sent.packets:
                    sent = self._sent(source, stats)
            elif field_of(source, "packets-received", 0) > received.packets:
                received = self._received(source)
        return received, sent

    def _received(self, source: Gst.Structure) -> Flow:
        clock = field_of(source, "clock-rate", 0)
        return Flow(
            packets=field_of(source, "packets-received", 0),
            octets=field_of(source, "octets-received", 0),
            lost=max(0, field_of(source, "packets-lost", 0)),
            jitter=round(field_of(source, "jitter", 0) * 1000 / clock, 1) if clock > 0 else 0.0,
        )

    def _sent(self, source: Gst.Structure, stats: Gst.Structure) -> Flow:
        lost, fraction, jitter, trip = 0, 0.0, 0.0, 0.0
        clock = max(1, field_of(source, "clock-rate", 1))
        for other in _sources(stats):
            if field_of(other, "have-rb", default=False) and not field_of(other, "internal", default=False):
                lost = max(0, field_of(other, "rb-packetslost", 0))
                fraction = field_of(other, "rb-fractionlost", 0) / 256
                jitter = field_of(other, "rb-jitter", 0) * 1000 / clock
                trip = field_of(other, "rb-round-trip", 0) * 1000 / 65536
        return Flow(
            packets=field_of(source, "packets-sent", 0),
            octets=field_of(source, "octets-sent", 0),
            lost=lost,
            loss=round(fraction, 3),
            jitter=round(jitter, 1),
            round_trip=round(trip, 1),
        )

    def _ourselves(self) -> tuple[int, str]:
        """Give our source and name, as RTCP says them."""
        name = field_of(self._session.get_property("sdes"), "cname", "")
        return int(self._session.get_property("internal-ssrc")), str(name)

    def _say(self, compound: bytes) -> None:
        """Send RTCP beside that of the engine."""
        if self._asking is None:
            self._asking = self._funnel.request_pad_simple("sink_%u")
            for event in (Gst.Event.new_stream_start("ask"), Gst.Event.new_caps(Gst.Caps.from_string(RTCP_CAPS))):
                self._asking.send_event(event)
            segment = Gst.Segment()
            segment.init(Gst.Format.TIME)
            self._asking.send_event(Gst.Event.new_segment(segment))
        self._asking.chain(Gst.Buffer.new_wrapped(compound))

    def _receive(self, *, shared: bool) -> None:
        decoder = self._decoder
        if shared and decoder is None:
            raise TransportError("RTCP can share a port with RTP only where the stream is encrypted")
        kinds = ("rtp",) if shared else ("rtp", "rtcp")
        for kind, handle in zip(kinds, self._handles, strict=False):
            caps = f"application/x-s{kind}" if decoder is not None else f"application/x-{kind}"
            source = element(
                "udpsrc",
                socket=handle,
                close_socket=False,
                auto_multicast=False,
                retrieve_sender_address=False,
                caps=Gst.Caps.from_string(caps),
            )
            guard = element("errorignore", ignore_error=True, ignore_notlinked=True, convert_to="ok")
            self.pipeline.add(source, guard)
            if decoder is not None:
                guard.link_pads("src", decoder, f"{kind}_sink")
            else:
                guard.link_pads("src", self._bin, f"recv_{kind}_sink_0")
        if decoder is not None:
            decoder.link_pads("rtp_src", self._bin, "recv_rtp_sink_0")
            decoder.link_pads("rtcp_src", self._bin, "recv_rtcp_sink_0")

    def _report(self) -> None:
        """Send RTCP where its address is known; otherwise it is made and dropped."""
        address = _rtcp_address(self._stream)
        sink = self._sink(self._handles[1], address) if address else element("fakesink", sync=False, async_=False)
        self.pipeline.add(self._funnel)
        self.pipeline.add(sink)
        self._bin.link_pads("send_rtcp_src_0", self._funnel, "sink_0")
        if self._encoder is None or not address:
            self._funnel.link(sink)
        else:
            self._funnel.link_pads("src", self._encoder, "rtcp_sink_0")
            self._encoder.link_pads("rtcp_src_0", sink, "sink")

    def _sink(self, handle: Gio.Socket, address: Address) -> Gst.Element:
        sink = element(
            "udpsink",
            close_socket=False,
            auto_multicast=False,
            sync=False,
            async_=False,
            host=address.host,
            port=address.port,
        )
        sink.set_property("socket-v6" if ":" in address.host else "socket", handle)
        self._sinks.append(sink)
        return sink

    def _pad(self, _bin: Gst.Element, pad: Gst.Pad) -> None:
        name = pad.get_name()
        if not name.startswith("recv_rtp_src_"):
            return
        theirs, number = map(int, name.split("_")[-2:])
        self._theirs = theirs
        chain = self._needs.arrived(pad, number)
        if chain is not None:
            # what fails further on must not stop the source, which may bring a picture that can be decoded next
            guard = element("errorignore", ignore_error=True, ignore_notlinked=True, convert_to="ok")
            self._chains[name] = [guard, *chain]
            pad.link(self.pipeline.grow(guard, *chain).get_static_pad("sink"))

    def _pad_gone(self, _bin: Gst.Element, pad: Gst.Pad) -> None:
        chain = self._chains.pop(pad.get_name(), None)
        if chain is not None:
            self.pipeline.shrink(chain)

    def _aux(self, _bin: Gst.Element, session: int) -> Gst.Element:
        """Put packets that were sent again back in their place (RFC 4588)."""
        again = element("rtprtxreceive")
        numbers = ", ".join(f"{plain}=(uint){rtx}" for rtx, plain in self._repairs.items())
        again.set_property("payload-type-map", Gst.Structure.new_from_string(f"m, {numbers}"))
        box = Gst.Bin.new(None)
        box.add(again)
        for side in ("sink", "src"):
            box.add_pad(Gst.GhostPad.new(f"{side}_{session}", again.get_static_pad(side)))
        return box

    def _feedback(
        self, _session: object, kind: int, form: int, sender: int, _media: int, fci: Gst.Buffer | None
    ) -> None:
        octets = bytes(fci.extract_dup(0, min(fci.get_size(), 64))) if fci is not None else b""
        said = None
        if (int(kind), int(form)) == (206, 15):  # payload-specific, application layer (RFC 4585, section 6.4)
            said = adaptation.remb(octets)
        elif (int(kind), int(form)) == (205, 3):  # transport layer, TMMBR (RFC 5104, section 4.2.1)
            said = adaptation.tmmbr(octets)
            self._bound = (int(sender), octets[4:8]) if said is not None else None
        if said is not None:
            self._needs.estimate(said)


def _discard(taken: list[socket.socket]) -> None:
    for one in taken:
        one.close()


def _sources(stats: Gst.Structure) -> list[Gst.Structure]:
    return list(stats.get_value("source-stats") or ())


def _handle(one: socket.socket) -> Gio.Socket:
    """Give the engine a copy of a socket, which goes when the engine lets go of it."""
    return Gio.Socket.new_from_fd(one.dup().detach())


def _rtcp_address(stream: Stream) -> Address | None:
    if stream.remote_rtcp is not None or stream.remote is None:
        return stream.remote_rtcp
    return Address(stream.remote.host, min(65535, stream.remote.port + stream.rtcp))
