"""What each m-line asks of the media plane: who receives where, over which transport, with which keys.

`endpoints` is the one reading of a description; the call layer leases pinholes by it and the writer obeys it, so the
two cannot disagree about which stream is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from b2bua.sdp.bundle import members
from b2bua.sdp.description import Description, Media, attribute_values, common_values, first
from b2bua.sdp.direction import DIRECTIONS, HELD, Direction, answerable
from b2bua.sdp.errors import MalformedSdpError, NotAcceptableError, NoUsableStreamError, quoted
from b2bua.sdp.grammar import RTCP, Address, Connection, Family, read_connection
from b2bua.sdp.profile import DEFAULT, Profile


class Transport(StrEnum):
    """What runs on the port, as far as the media plane must know."""

    RTP = "rtp"
    BFCP_UDP = "bfcp-udp"
    BFCP_TCP = "bfcp-tcp"
    UNKNOWN = "unknown"


class Keying(StrEnum):
    """Where the keys of a stream come from, after the profile has taken away what may not pass."""

    NONE = "none"
    SDES = "sdes"
    DTLS = "dtls"


class Refusal(StrEnum):
    """Why an m-line is not carried although its writer wants it; the value is the sentence."""

    PROTO = "this gateway does not relay the transport protocol of the m-line"
    PORTS = "the m-line asks for a range of ports"
    KEYS = "the m-line is encrypted and its keys may not pass between these peers"
    PLAIN = "the m-line is not encrypted, as one of the peers requires"
    FORMATS = "a format of the m-line is not an RTP payload type"


# [proto of the m-line] -> (transport, encrypted). IANA, "Session Description Protocol Parameters", proto.
PROTOS: dict[str, tuple[Transport, bool]] = {
    "RTP/AVP": (Transport.RTP, False),  # RFC 3551
    "RTP/AVPF": (Transport.RTP, False),  # RFC 4585
    "RTP/SAVP": (Transport.RTP, True),  # RFC 3711
    "RTP/SAVPF": (Transport.RTP, True),  # RFC 5124
    "UDP/TLS/RTP/SAVP": (Transport.RTP, True),  # RFC 5764
    "UDP/TLS/RTP/SAVPF": (Transport.RTP, True),  # RFC 5764
    "UDP/BFCP": (Transport.BFCP_UDP, False),  # RFC 8856
    "UDP/TLS/BFCP": (Transport.BFCP_UDP, True),  # RFC 8856
    "TCP/BFCP": (Transport.BFCP_TCP, False),  # RFC 8856
    "TCP/TLS/BFCP": (Transport.BFCP_TCP, True),  # RFC 8856
}

_PAYLOAD_TYPES = frozenset(map(str, range(128)))  # RFC 3550 section 5.1: seven bits
_SPOKEN = frozenset({"audio", "video", "text"})  # kinds that make a call worth setting up by themselves


@dataclass(slots=True)  # not frozen, which would double what it costs to make one for each m-line
class MediaEndpoint:
    """One m-line as its writer wants it.

    index       position of the m-line, from 0
    kind        "audio", "video", "application", ... as written
    address     where RTP or BFCP goes; None where there is none (refused, held the old way, ICE without a default)
    family      4 or 6, by c= and not by the signalling; 4 where a refused line says nothing
    port        as written; 0 where the line is disabled
    rtcp_*      where RTCP goes without multiplexing: a=rtcp, or the port after; None where there is no RTCP
    mux         a=rtcp-mux is present: wanted in an offer, agreed in an answer
    direction   of the writer, with the old c=0.0.0.0 translated to sendonly or inactive
    secure      the proto itself is encrypted (SAVP, TLS); `keying` may be set without it (RFC 8643)
    setup       a=setup of BFCP over TCP and of DTLS: who connects (RFC 4145)
    renewed     a=connection:new is said: not the connection that is there (RFC 4145 section 5)
    disabled    port 0: the writer refuses or does not use the stream, or has no place of its own for it
    bundle_only that: the line is to share the place of its group (RFC 9143), or not to be at all
    refusal     why we do not carry it, None where we do
    """

    index: int
    kind: str
    transport: Transport
    address: Address | None
    family: Family
    port: int
    rtcp_address: Address | None
    rtcp_port: int | None
    mux: bool
    direction: Direction
    secure: bool
    keying: Keying
    setup: str | None
    renewed: bool
    disabled: bool
    bundle_only: bool
    refusal: Refusal | None

    @property
    def active(self) -> bool:
        """Whether this line needs a pinhole."""
        return not self.disabled and self.refusal is None

    @property
    def held(self) -> bool:
        """Whether the writer wants no media now."""
        return not self.direction.receives

    def rtcp(self, *, mux: bool) -> tuple[Address | None, int] | None:
        """Return where RTCP goes, given whether multiplexing was agreed; None where it goes nowhere."""
        if mux:
            return self.address, self.port
        return None if self.rtcp_port is None else (self.rtcp_address, self.rtcp_port)


def endpoints(description: Description, profile: Profile = DEFAULT) -> tuple[MediaEndpoint, ...]:
    """Read what every m-line asks for.

    Raises MalformedSdpError and AddressNotUsableError for a c= or a=rtcp line in use, NotAcceptableError where c= is
    missing.
    """
    found = description.known.get(profile)
    if found is None:
        session = attribute_values(description.lines)
        connection = first(description.lines, "c")
        bundled = {mid for group in members(description.lines) for mid in group}
        found = tuple(
            _endpoint(index, media, session, connection, profile, bundled)
            for index, media in enumerate(description.media)
        )
        description.known[profile] = found
    return found


def require_usable(streams: tuple[MediaEndpoint, ...]) -> None:
    """Raise NoUsableStreamError where no audio, video or text stream is left to relay."""
    if any(stream.active and stream.transport is Transport.RTP and stream.kind in _SPOKEN for stream in streams):
        return
    reasons = sorted({stream.refusal.value for stream in streams if stream.refusal and not stream.disabled})
    why = "; ".join(reasons) or "no audio, video or text is enabled in it"
    raise NoUsableStreamError(f"the offer has no usable stream: {why}")


def require_answered(streams: tuple[MediaEndpoint, ...]) -> None:
    """Raise NoUsableStreamError where an answer accepts RTP, and none of it may be carried.

    An answer that itself refuses every stream is a session without media, and no error.
    """
    spoken = [stream for stream in streams if stream.transport is Transport.RTP and not stream.disabled]
    if spoken and not any(stream.active for stream in spoken):
        why = "; ".join(sorted({stream.refusal.value for stream in spoken if stream.refusal}))
        raise NoUsableStreamError(f"the answer has no usable stream: {why}")


def two_way(offer: tuple[MediaEndpoint, ...], answer: tuple[MediaEndpoint, ...]) -> bool:
    """Tell whether some stream of RTP goes both ways by an offer and its answer: neither side holds it."""
    return any(
        asked.active and said.active and answerable(asked.direction, said.direction) is Direction.SENDRECV
        for asked, said in zip(offer, answer, strict=True)
        if said.transport is Transport.RTP
    )


def _endpoint(
    index: int,
    media: Media,
    session: dict[str, str],
    session_connection: str | None,
    profile: Profile,
    bundled: set[str],
) -> MediaEndpoint:
    own = common_values(media.lines) if media.common else attribute_values(media.lines)
    transport, secure = PROTOS.get(media.proto, (Transport.UNKNOWN, False))
    keying = _keying(own, session, profile)
    refusal = _refusal(media, transport, secure=secure, keying=keying, required=profile.required)
    disabled = media.port == 0
    direction = _direction(own) or _direction(session) or Direction.SENDRECV
    connection = Connection(4, None)
    rtcp_address: Address | None = None
    rtcp_port: int | None = None
    if not disabled and refusal is None:
        connection = _connection(first(media.lines, "c") or session_connection, media)
        if connection.address is None and not ("ice-ufrag" in own or "ice-ufrag" in session):
            direction = HELD[direction]  # RFC 3264 section 8.4; with ICE it only means "see the candidates"
        if transport is Transport.RTP:
            rtcp_address, rtcp_port = _rtcp(own.get("rtcp"), connection.address, media.port)
    return MediaEndpoint(
        index,
        media.kind,
        transport,
        connection.address,
        connection.family,
        media.port,
        rtcp_address,
        rtcp_port,
        "rtcp-mux" in own and transport is Transport.RTP,
        direction,
        secure,
        keying,
        own.get("setup", session.get("setup")),
        own.get("connection", session.get("connection")) == "new",
        disabled,
        disabled and refusal is None and "bundle-only" in own and own.get("mid") in bundled,
        refusal,
    )


def _direction(found: Mapping[str, str]) -> Direction | None:
    for direction in DIRECTIONS:
        if direction in found:
            return direction
    return None


def _keying(own: Mapping[str, str], session: Mapping[str, str], profile: Profile) -> Keying:
    if profile.dtls and ("fingerprint" in own or "fingerprint" in session):
        return Keying.DTLS
    return Keying.SDES if profile.sdes and "crypto" in own else Keying.NONE


def _refusal(media: Media, transport: Transport, *, secure: bool, keying: Keying, required: bool) -> Refusal | None:
    if transport is Transport.UNKNOWN:
        return Refusal.PROTO
    if media.port_count > 1:
        return Refusal.PORTS
    if secure and keying is Keying.NONE:
        return Refusal.KEYS
    if required and transport is Transport.RTP and keying is Keying.NONE:
        return Refusal.PLAIN  # floor control says who may show a document; it is not held to it
    if transport is Transport.RTP and not _PAYLOAD_TYPES.issuperset(media.formats):
        return Refusal.FORMATS
    return None


def _connection(value: str | None, media: Media) -> Connection:
    if value is None:
        raise NotAcceptableError(f"neither the session nor {quoted(media.head)} has a c= line")
    return read_connection(value)


def _rtcp(value: str | None, address: Address | None, port: int) -> tuple[Address | None, int | None]:
    """Return where RTCP goes: a=rtcp (RFC 3605), else the port after that of RTP (RFC 3550 section 11)."""
    if value is None:
        return (address, port + 1) if port < 65_535 else (None, None)
    match = RTCP.fullmatch(value.rstrip(" "))
    if match is None or not 0 < int(match[1]) <= 65_535:
        raise MalformedSdpError(f"a=rtcp:{quoted(value)} is not a port with an optional address")
    return (read_connection(match[2]).address if match[2] else address), int(match[1])
