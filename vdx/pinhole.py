"""The pinhole socket: how the owner of a call gets media ports of the appliance from `gatewayd`.

A *lease* is one media stream of a call: the pinholes of its two ends, RTP and RTCP. `gatewayd` picks the ports and
checks every address against policy; the owner says only whose stream it is. No message carries anything local to one
box but the ports it answers with, so a standby can replay them.

Owner -> gatewayd              gatewayd -> owner
Hold    what I own             Held      what of it is still open
Lease   open streams           Leased    ports | Refused
SetRemote  new SDP             Done      | Refused
Renew   all of mine            Renewed   packets and last-seen of each, what is gone
Narrow  RTCP comes with RTP    Done      | Refused
Release close leases           Released  what they carried | Refused
Ban                            Done      | Refused
List                           Listed
                               Learned, Revoked (events, without `id`)
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from vdx.wire import Codec, Message

Port = Annotated[int, Meta(ge=1, le=65535)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Call = Annotated[str, Meta(pattern=r"^[a-z2-7]{13}\Z")]
Lease_ = Annotated[str, Meta(pattern=r"^[a-z2-7]{13}\.[0-9]{1,3}\Z")]
Address = Annotated[str, Meta(max_length=45)]
Sequence = Annotated[int, Meta(ge=0)]
Side = Literal["a", "b"]
Medium = Literal["audio", "video", "control"]

MAX_STREAMS = 64
"""Streams in one message; an SDP of a room system has at most ten m-lines."""

MAX_LEASES = 50_000
"""Leases of one owner: five media addresses full of two-port streams."""


class Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The base of what messages are made of."""


class Remote(Part, frozen=True):
    """Where media of an end is sent: a literal address and a port."""

    address: Address
    port: Port


class End(Part, frozen=True):
    """One side of a stream, as its owner asks for it.

    `remote` and `rtcp` come from SDP and are None while no SDP has come. `signalled_from` is the source address of the
    signalling: where the zone lets sources be learned, it may become the source of the media too. Of a connection,
    `connects` says that it is opened towards `remote`; otherwise whoever is at that address may open it, from any port.
    """

    zone: Name
    peer: Name
    family: Literal[4, 6]
    remote: Remote | None = None
    rtcp: Remote | None = None
    signalled_from: Address | None = None
    connects: bool = False


class Stream(Part, frozen=True):
    """A stream to open. `rtp` takes two ports of each end (RTP even, RTCP odd), `bfcp` (over UDP) and `tcp` one.

    `tcp` carries the octets of one connection as they are: BFCP, also within TLS. `medium` decides how packets are
    marked for routers.
    """

    lease: Lease_
    kind: Literal["rtp", "bfcp", "tcp"]
    a: End
    b: End
    medium: Medium = "video"


class Local(Part, frozen=True):
    """The pinholes of one end: the address and ports to write into SDP (`advertise` already applied)."""

    address: Address
    port: Port
    rtcp_port: Port | None = None


class Opened(Part, frozen=True):
    """A stream as opened."""

    lease: Lease_
    a: Local
    b: Local


class Change(Part, frozen=True):
    """New SDP of one end of a stream: all that is known of its far side now.

    Learning starts anew, unless this is the first SDP and names no host but those that may be the source already.
    """

    lease: Lease_
    side: Side
    remote: Remote | None = None
    rtcp: Remote | None = None
    signalled_from: Address | None = None
    connects: bool = False


class Traffic(Part, frozen=True):
    """What arrived at one end since the lease began: packets and octets accepted, and seconds since the last one."""

    packets: int = 0
    octets: int = 0
    rtcp_packets: int = 0
    idle: float | None = None


class Usage(Part, frozen=True):
    """The traffic of a lease, by the end it came from."""

    lease: Lease_
    a: Traffic
    b: Traffic


class OpenLease(Part, frozen=True):
    """A lease as `gatewayd` lists it."""

    lease: Lease_
    owner: str
    kind: str
    relay: Literal["kernel", "mediad"]
    zones: tuple[str, str]
    peers: tuple[str, str]
    local: tuple[str, str]
    remote: tuple[str | None, str | None]
    usage: Usage
    expires: float


Streams = Annotated[tuple[Stream, ...], Meta(min_length=1, max_length=MAX_STREAMS)]
Leases = Annotated[tuple[Lease_, ...], Meta(max_length=MAX_LEASES)]


class Hold(Message, frozen=True, tag="hold"):
    """State, after connecting, every lease this owner still has; what it does not name closes."""

    id: Sequence
    leases: Leases


class Lease(Message, frozen=True, tag="lease"):
    """Open the streams of one SDP in one transaction: all or none."""

    id: Sequence
    call: Call
    streams: Streams


class SetRemote(Message, frozen=True, tag="set-remote"):
    """Follow a change of SDP in one transaction."""

    id: Sequence
    changes: Annotated[tuple[Change, ...], Meta(min_length=1, max_length=2 * MAX_STREAMS)]


class Renew(Message, frozen=True, tag="renew"):
    """Keep these leases open for another `LEASE_SECONDS`."""

    id: Sequence
    leases: Leases


class Narrow(Message, frozen=True, tag="narrow"):
    """Close the RTCP pinholes of these leases: RTP and RTCP share a port on both sides (RFC 5761).

    A lease that has none, or is gone, is no error. With `id` 0 nobody waits, and no answer comes.
    """

    id: Sequence
    leases: Leases


class Release(Message, frozen=True, tag="release"):
    """Close these leases and tell what they carried; one that is gone is no error. With `id` 0 no answer comes."""

    id: Sequence
    leases: Leases


class List(Message, frozen=True, tag="list"):
    """Ask for every open lease."""

    id: Sequence


class Ban(Message, frozen=True, tag="ban"):
    """Drop everything from an address for a while."""

    id: Sequence
    address: Address
    seconds: Annotated[int, Meta(ge=1, le=7 * 86400)]
    reason: Annotated[str, Meta(max_length=200)]


class Held(Message, frozen=True, tag="held"):
    """What of the owner's leases is still open; the rest is gone."""

    id: Sequence
    leases: Leases


class Leased(Message, frozen=True, tag="leased"):
    """The ports of the opened streams, in the order asked for."""

    id: Sequence
    streams: tuple[Opened, ...]


class Done(Message, frozen=True, tag="done"):
    """It is done and in the kernel."""

    id: Sequence


class Renewed(Message, frozen=True, tag="renewed"):
    """The traffic of the renewed leases, and those that are gone."""

    id: Sequence
    usage: tuple[Usage, ...]
    gone: tuple[Lease_, ...] = ()


class Released(Message, frozen=True, tag="released"):
    """The traffic of the released leases up to their end; those that were gone before are left out."""

    id: Sequence
    usage: tuple[Usage, ...]


class Listed(Message, frozen=True, tag="listed"):
    """Every open lease."""

    id: Sequence
    leases: tuple[OpenLease, ...]


RefusalCode = Literal["policy", "limit", "ports", "unknown", "kernel", "invalid"]


class Refused(Message, frozen=True, tag="refused"):
    """Nothing was done: why (`code` for programs, `reason` for people)."""

    id: Sequence
    code: RefusalCode
    reason: str


class Learned(Message, frozen=True, tag="learned"):
    """The first packet of an end came from here, and media goes there from now on."""

    lease: Lease_
    side: Side
    remote: Remote


class Revoked(Message, frozen=True, tag="revoked"):
    """These leases were closed by `gatewayd`, after this traffic; the owner ends the calls."""

    leases: tuple[Lease_, ...]
    reason: str
    usage: tuple[Usage, ...] = ()


Request = Hold | Lease | SetRemote | Renew | Narrow | Release | List | Ban
Reply = Held | Leased | Done | Renewed | Released | Listed | Refused
Event = Learned | Revoked

OwnerCodec: Codec[Reply | Event] = Codec(Reply | Event)
GatewayCodec: Codec[Request] = Codec(Request)
