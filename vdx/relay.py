"""The mediad socket: `gatewayd` hands over the sockets of streams that the kernel cannot relay.

The sockets of each stream go with its message as ancillary data (SCM_RIGHTS): of datagrams one for each end, of a
connection two, one that listens and one that may connect, both bound to the same place. `mediad` knows no policy: the
kernel lets through only packets of checked sources, and closes when the lease expires.
"""

from __future__ import annotations

from msgspec import Struct

from vdx.pinhole import Lease_, Name, Remote, Sequence
from vdx.wire import Codec, Message


class Pipe(Struct, frozen=True, forbid_unknown_fields=True):
    """One component (RTP or RTCP, or BFCP) of a stream: its ends `a` and `b`, each with its remote if known.

    Of a connection (`tcp`), a remote is where it is opened to; an end without one waits for the other side to open it.
    """

    name: Name
    a: Remote | None
    b: Remote | None
    tcp: bool = False


class Relay(Message, frozen=True, tag="relay"):
    """Relay between the two ends of each pipe; its descriptors come with this message.

    Two a pipe, `a` first; of a connection four: `a` listening, `a` to connect, `b` listening, `b` to connect.
    """

    id: Sequence
    lease: Lease_
    pipes: tuple[Pipe, ...]


class Retarget(Message, frozen=True, tag="retarget"):
    """Send to these remotes from now on; what was learned from packets is forgotten."""

    id: Sequence
    lease: Lease_
    pipes: tuple[Pipe, ...]


class Stop(Message, frozen=True, tag="stop"):
    """Close the sockets of these leases; of one of their pipes alone where it is named."""

    id: Sequence
    leases: tuple[Lease_, ...]
    pipe: Name | None = None


class ListRelays(Message, frozen=True, tag="list"):
    """Ask what is being relayed, with counts."""

    id: Sequence


class Count(Struct, frozen=True):
    """Packets and octets accepted from each side of a pipe."""

    name: str
    a_packets: int
    a_octets: int
    b_packets: int
    b_octets: int


class Relaying(Struct, frozen=True):
    """A lease that `mediad` serves."""

    lease: str
    pipes: tuple[Count, ...]


class Relays(Message, frozen=True, tag="relays"):
    """What `mediad` serves."""

    id: Sequence
    leases: tuple[Relaying, ...]


class RelayOk(Message, frozen=True, tag="ok"):
    """It is done."""

    id: Sequence


class RelayRefused(Message, frozen=True, tag="refused"):
    """Nothing was done, and why."""

    id: Sequence
    reason: str


ToMediad = Relay | Retarget | Stop | ListRelays
FromMediad = Relays | RelayOk | RelayRefused

MediadCodec: Codec[ToMediad] = Codec(ToMediad)
MediadClientCodec: Codec[FromMediad] = Codec(FromMediad)
