"""SIP without I/O: bytes and time go in, events and bytes come out (RFC 3261 and its family).

`Endpoint` is the facade; a `Leg` is one side of a call; `Flow` and `Target` are what the transport layer makes of
sockets. Nothing here opens a socket, reads a clock or draws a random number.
"""

from b2bua.sip.endpoint import Endpoint, Invitation
from b2bua.sip.errors import (
    HeaderError,
    InjectionError,
    ParseError,
    Refusal,
    Silence,
    SipError,
    StateError,
    TooLarge,
    UriError,
)
from b2bua.sip.events import (
    Acknowledged,
    Answered,
    ByeReceived,
    Cancelled,
    Confirmed,
    Event,
    Failed,
    IncomingInvite,
    Lost,
    Offered,
    Provisional,
    Redirected,
    RefreshDue,
    ReInvite,
    ReInviteAnswered,
    ReInviteFailed,
    ReInviteRetry,
    RequestAnswered,
    RequestReceived,
)
from b2bua.sip.flow import Flow, Identity, Outgoing, Target, Wanted
from b2bua.sip.grammar import is_writable
from b2bua.sip.headers import CSeq, NameAddr, Via, parse_name_addr
from b2bua.sip.layer import Ids, Settings
from b2bua.sip.leg import Leg
from b2bua.sip.message import Fields, Message, Request, Response
from b2bua.sip.parser import parse
from b2bua.sip.request import ClientRequest, ServerRequest
from b2bua.sip.stream import StreamFramer
from b2bua.sip.subscription import subscribed, unsubscribed
from b2bua.sip.tel import parse_sip_or_tel
from b2bua.sip.uri import Uri, parse_uri
from b2bua.sip.write import phrase

__all__ = [
    "Acknowledged",
    "Answered",
    "ByeReceived",
    "CSeq",
    "Cancelled",
    "ClientRequest",
    "Confirmed",
    "Endpoint",
    "Event",
    "Failed",
    "Fields",
    "Flow",
    "HeaderError",
    "Identity",
    "Ids",
    "IncomingInvite",
    "InjectionError",
    "Invitation",
    "Leg",
    "Lost",
    "Message",
    "NameAddr",
    "Offered",
    "Outgoing",
    "ParseError",
    "Provisional",
    "ReInvite",
    "ReInviteAnswered",
    "ReInviteFailed",
    "ReInviteRetry",
    "Redirected",
    "RefreshDue",
    "Refusal",
    "Request",
    "RequestAnswered",
    "RequestReceived",
    "Response",
    "ServerRequest",
    "Settings",
    "Silence",
    "SipError",
    "StateError",
    "StreamFramer",
    "Target",
    "TooLarge",
    "Uri",
    "UriError",
    "Via",
    "Wanted",
    "is_writable",
    "parse",
    "parse_name_addr",
    "parse_sip_or_tel",
    "parse_uri",
    "phrase",
    "subscribed",
    "unsubscribed",
]
