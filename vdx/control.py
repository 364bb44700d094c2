"""The control sockets: `gatewayd` steers `b2bua`, and people ask `gatewayd`.

`b2bua` listens at ``control.sock`` and answers only to `gatewayd`'s user and root. `gatewayd` hands it its part of the
site file in two steps, so that a version becomes active in kernel and `b2bua` together or in neither:

    Prepare(version, signalling) -> Prepared(errors)    listeners bound, nothing changed for calls yet
    Activate(version) -> Ok                             new calls follow the new version
    Revert(version) -> Ok                               what was prepared is dropped again

`gatewayd` listens at ``admin.sock`` for `gatewayctl`, and passes on what concerns calls. There `Reload` reads the site
file again, and `vdx.pinhole.Ban` bans an address by hand.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from vdx.access import AccessRules, BindingInfo, PeerAccess
from vdx.dialplan import Bridge, Dialling, DialRule, PeerDial
from vdx.drain import Drain, Undrain
from vdx.explain import Explain, Explained
from vdx.management import AboutManagement, ToldOfManagement
from vdx.metrics import MetricList, Metrics, MetricText
from vdx.pinhole import Address, Ban, Call, Done, Listed, Name, Part, Refused, Sequence
from vdx.record import RecordList, Records, Seeing
from vdx.trace import Trace, TraceReport
from vdx.versions import AboutVersions, ToldOfVersions
from vdx.wire import Codec, Message

Version = Annotated[str, Meta(min_length=1, max_length=64)]
Host = Annotated[str, Meta(min_length=1, max_length=255)]


class ListenerTls(Part, frozen=True):
    """Files of a listener's certificates and keys (PEM), what vouches for those of peers, who may open WebSockets."""

    certificates: tuple[tuple[str, str], ...]
    trust: str = ""
    crl: tuple[str, ...] = ()
    clients: Literal["required", "optional", "off"] = "off"
    origins: tuple[str, ...] = ()
    path: str = "/"
    ocsp: Literal["off", "optional", "required"] = "off"


class PeerTls(Part, frozen=True):
    """How the certificate of a peer looks, and what vouches for it ("" and none: what the listener trusts)."""

    names: tuple[str, ...] = ()
    subject: tuple[tuple[str, str], ...] = ()
    trust: str = ""
    crl: tuple[str, ...] = ()
    server_name: str = ""


class SipListener(Part, frozen=True):
    """Where `b2bua` listens in a zone, and what peers see of it."""

    zone: Name
    transport: Literal["udp", "tcp", "tls", "wss"]
    address: Host
    port: int
    advertise: Host
    advertise_port: int
    tls: ListenerTls | None = None


class PeerMedia(Part, frozen=True):
    """What holds for the media of a peer: whether it is encrypted, and kbit/s of one call (None: no limit)."""

    encryption: Literal["required", "preferred", "off"] = "preferred"
    bandwidth: int | None = None


class SipPeer(Part, frozen=True):
    """A peer as signalling sees it: prefixes as text, the target as a literal address."""

    name: Name
    zone: Name
    sources: tuple[str, ...]
    family: Literal[4, 6]
    target: tuple[str, int, Literal["udp", "tcp", "tls"]] | None = None
    pass_headers: tuple[str, ...] = ()
    pass_sdp_attributes: tuple[str, ...] = ()
    tls: PeerTls | None = None
    qualify: int = 0
    """Seconds between questions whether it is there; 0: it is not asked."""
    access: PeerAccess = PeerAccess()
    dial: PeerDial = PeerDial()
    media: PeerMedia = PeerMedia()
    refer: bool = False
    """Whether it may transfer its calls: REFER, and INVITE with Replaces."""
    redirects: bool = False
    """Whether its redirections (3xx) are followed, through the dial plan."""
    bridge: Bridge = "on_refusal"
    """When its calls are taken through a mixing server."""


class Signalling(Part, frozen=True):
    """`b2bua`'s part of a site version."""

    listeners: tuple[SipListener, ...]
    peers: tuple[SipPeer, ...]
    dialplan: tuple[DialRule, ...]
    max_calls: int
    access: AccessRules = AccessRules()
    dial: Dialling = Dialling()
    media_silence: int = 60
    """Seconds after which a leg that is never heard is dead."""
    seeing: Seeing = Seeing()


class Prepare(Message, frozen=True, tag="prepare"):
    """Take in a version without acting on it."""

    id: Sequence
    version: Version
    signalling: Signalling


class Activate(Message, frozen=True, tag="activate"):
    """Act on the prepared version."""

    id: Sequence
    version: Version


class Revert(Message, frozen=True, tag="revert"):
    """Drop the prepared version."""

    id: Sequence
    version: Version


class Calls(Message, frozen=True, tag="calls"):
    """Ask for the calls that are up or being set up."""

    id: Sequence


class Registrations(Message, frozen=True, tag="registrations"):
    """Ask for the devices that are registered."""

    id: Sequence


class Hangup(Message, frozen=True, tag="hangup"):
    """End one call."""

    id: Sequence
    call: Call


class Status(Message, frozen=True, tag="status"):
    """Ask how a program is."""

    id: Sequence


class Pinholes(Message, frozen=True, tag="pinholes"):
    """Ask `gatewayd` for every open lease."""

    id: Sequence


class Reload(Message, frozen=True, tag="reload"):
    """Have `gatewayd` read its site file again: the new version becomes active, or everything stays."""

    id: Sequence


class Bans(Message, frozen=True, tag="bans"):
    """Ask for the banned addresses."""

    id: Sequence


class Unban(Message, frozen=True, tag="unban"):
    """Lift the ban of an address; lifting one that is not there is no error."""

    id: Sequence
    address: Address


class BanList(Message, frozen=True, tag="ban-list"):
    """The banned addresses, with the seconds that each has left."""

    id: Sequence
    bans: dict[str, float]


class Ok(Message, frozen=True, tag="ok"):
    """It is done."""

    id: Sequence


class Prepared(Message, frozen=True, tag="prepared"):
    """The version is ready, or what stands against it."""

    id: Sequence
    errors: tuple[str, ...] = ()


class LegInfo(Part, frozen=True):
    """One leg of a call, as an operator reads it."""

    zone: str
    peer: str
    address: str
    party: str
    state: str


class StreamInfo(Part, frozen=True):
    """One m-line of a call: its lease, medium, codec as answered, and direction as seen from the caller."""

    lease: str
    medium: str
    codec: str
    direction: str


class CallInfo(Part, frozen=True):
    """One call: two legs and its streams; times in seconds, `setup` from INVITE to answer."""

    call: str
    state: str
    caller: LegInfo
    callee: LegInfo | None
    streams: tuple[StreamInfo, ...]
    age: float
    setup: float | None = None


class CallList(Message, frozen=True, tag="call-list"):
    """The calls."""

    id: Sequence
    calls: tuple[CallInfo, ...]


class RegistrationList(Message, frozen=True, tag="registration-list"):
    """The registered devices."""

    id: Sequence
    bindings: tuple[BindingInfo, ...]


class StatusReport(Message, frozen=True, tag="status-report"):
    """How a program is: words a person reads, and numbers."""

    id: Sequence
    program: str
    version: str
    state: str
    facts: dict[str, str | int | float]
    others: tuple[StatusReport, ...] = ()


AboutCalls = Calls | Registrations | Hangup | Trace | Explain | Records
ToB2bua = Prepare | Activate | Revert | AboutCalls | Status | Drain | Undrain | Metrics
ToldOfCalls = CallList | RegistrationList | TraceReport | Explained | RecordList
FromB2bua = Prepared | Ok | ToldOfCalls | StatusReport | MetricList | Refused
Steering = Status | Pinholes | Reload | Ban | Bans | Unban | Drain | Undrain | Metrics
ToGatewayd = AboutCalls | AboutVersions | AboutManagement | Steering
ToldOfAppliance = StatusReport | Listed | BanList | MetricText
FromGatewayd = Ok | Done | ToldOfCalls | ToldOfVersions | ToldOfManagement | ToldOfAppliance | Refused

B2buaServerCodec: Codec[ToB2bua] = Codec(ToB2bua)
B2buaClientCodec: Codec[FromB2bua] = Codec(FromB2bua)
AdminServerCodec: Codec[ToGatewayd] = Codec(ToGatewayd)
AdminClientCodec: Codec[FromGatewayd] = Codec(FromGatewayd)
