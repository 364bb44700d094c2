"""What any octets may do to the protocols that read them: a result or the error that is named, nothing else.

Each target takes octets and returns; whatever it raises is a finding. None of them needs atheris.
"""

from __future__ import annotations

import contextlib
from typing import Any

from b2bua import sdp, sip
from b2bua.trace.redact import redacted
from b2bua.trace.view import message as shown
from gatewayd.ctl.ladder import drawn, line
from gatewayd.ctl.pcap import capture
from vdx import control, hep, pinhole, relay, wire
from vdx.trace import TraceEntry

OURS = sdp.address("203.0.113.10")
PROFILES = (sdp.DEFAULT, sdp.Profile(sdes=True, bandwidth=512), sdp.Profile(dtls=False))
TYPED = (
    *("call_id", "via", "from_", "to", "cseq", "contacts", "record_routes"),
    *("max_forwards", "content_type", "session", "retry_after", "expires", "is_strange"),
)
CODECS: tuple[wire.Codec[Any], ...] = (  # each decodes messages of its own
    control.B2buaServerCodec,
    control.B2buaClientCodec,
    control.AdminServerCodec,
    control.AdminClientCodec,
    pinhole.OwnerCodec,
    pinhole.GatewayCodec,
    relay.MediadCodec,
    relay.MediadClientCodec,
)


def sip_message(data: bytes) -> None:
    """Read a SIP message, then every value of it."""
    try:
        message = sip.parse(data)
    except sip.SipError:
        return
    for name in TYPED:
        with contextlib.suppress(sip.SipError):
            getattr(message, name)
    if isinstance(message, sip.Request):
        with contextlib.suppress(sip.SipError):
            uri = message.parsed_uri
            assert sip.parse_uri(str(uri)) == uri
    assert len(message.lines) <= 256
    assert message.headers is not None
    for values in message.index.values():
        for value in values:
            assert "\n" not in value
            assert "\r" not in value


def sip_stream(data: bytes) -> None:
    """Cut a stream into messages, whatever the pieces it arrives in; the pieces make no difference."""
    step = 1 + data[0] if data else 1
    assert _framed(data[1:], step) == _framed(data[1:], len(data) or 1)


def _framed(data: bytes, step: int) -> tuple[list[bytes], bool]:
    framer = sip.StreamFramer()
    messages: list[bytes] = []
    for start in range(0, len(data), step):
        try:
            messages += framer.feed(data[start : start + step])
        except sip.SipError:
            return [], True  # messages before the error may have come or not: the connection ends
    return messages, False


def sdp_session(data: bytes) -> None:
    """Read a description, find its streams, write it for the other side, and read that."""
    try:
        description = sdp.parse(data)
    except sdp.SdpError:
        return
    assert sdp.parse(sdp.serialise(description)) == description
    ours: list[sdp.OurMedia | None] = [sdp.OurMedia(OURS, 30_000 + 2 * at) for at in range(len(description.media))]
    for profile in PROFILES:
        try:
            sdp.endpoints(description, profile)
            written = sdp.Writer(1, OURS).write(description, ours, profile=profile)
        except sdp.SdpError:
            continue
        again = sdp.parse(written)
        assert len(again.media) == len(description.media)
        names = {line.partition(b":")[0] for line in written.split(b"\r\n")}
        assert profile.sdes or b"a=crypto" not in names
        assert not names & {b"a=candidate", b"a=remote-candidates", b"k=clear", b"a=key-mgmt"}
    for media in description.media:
        sdp.codec(media)


def wire_message(data: bytes) -> None:
    """Read a line of each of our own sockets; what is read is written and read the same."""
    for codec in CODECS:
        try:
            message = codec.decode(data)
        except wire.WireError:
            continue
        again = codec.encode(message)
        assert again.endswith(b"\n")
        assert again.count(b"\n") == 1
        assert codec.decode(again) == message


def traced_message(data: bytes) -> None:
    """Keep, show, capture and export a message that nobody could read."""
    clean = redacted(data)
    assert len(clean) == len(data)
    title, marks = shown(clean)
    assert title.isprintable()
    assert all(mark.isprintable() for mark in marks)
    address = "2001:db8::1" if data[:1] > b"~" else "192.0.2.1"
    transport = "tcp" if data[:1] > b"a" else "udp"
    entry = TraceEntry(1, 1.5, "a" * 13, title, marks, "a", True, transport, "sdn", (address, 1), (address, 2), clean)
    assert len(capture([entry])) > len(clean) or len(clean) > 65_000
    packet = hep.packet(hep.Captured((address, 1), (address, 2), transport, 1.5, clean))
    assert packet is not None
    assert len(packet) <= hep.MAX_PACKET
    assert int.from_bytes(packet[4:6]) == len(packet)
    for text in (*drawn(entry, 1.0), line(entry)):
        assert text.isprintable()
