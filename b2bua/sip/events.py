"""What an Endpoint tells its owner.

Every leg ends with exactly one of Redirected, Failed, Cancelled (initial), ByeReceived, Lost, or by the owner's own
`reject`, `bye`, `cancel` or `end`, after which nothing more is told of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from b2bua.sip.flow import Flow
    from b2bua.sip.headers import NameAddr
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Request, Response
    from b2bua.sip.request import ClientRequest, ServerRequest


class IncomingInvite(NamedTuple):
    """Somebody calls: answer with `leg.ring`, `leg.answer` or `leg.reject`. No body: the offer is ours to make."""

    leg: Leg
    request: Request
    flow: Flow


class Provisional(NamedTuple):
    """101 to 199 to our INVITE; `to_tag` tells the forks apart, a body is an early answer.

    A `reliable` one settles its body (RFC 3262). With `prack_owed` that is the offer, and the owner calls `leg.prack`
    with the answer; otherwise the PRACK is sent.
    """

    leg: Leg
    response: Response
    to_tag: str
    reliable: bool = False
    prack_owed: bool = False


class Answered(NamedTuple):
    """2xx to our INVITE. With `ack_owed` its body is the offer, and the owner calls `leg.ack` with the answer."""

    leg: Leg
    response: Response
    to_tag: str
    ack_owed: bool


class Redirected(NamedTuple):
    """3xx to our INVITE: the leg is over, the contacts are offered instead."""

    leg: Leg
    response: Response
    contacts: tuple[NameAddr, ...]


class Failed(NamedTuple):
    """4xx to 6xx to our INVITE, 408 if nobody answered, 503 if it could not be delivered (then no response)."""

    leg: Leg
    status: int
    reason: str
    response: Response | None


class Confirmed(NamedTuple):
    """The ACK to our 2xx; its body is the answer if the 2xx carried the offer."""

    leg: Leg
    request: Request
    initial: bool


class Acknowledged(NamedTuple):
    """The PRACK to a reliable response of ours that offered; its body is the answer, 200 is sent."""

    leg: Leg
    request: Request


class Offered(NamedTuple):
    """The peer offers in UPDATE, or in PRACK: `handle.respond` with 200 and the answer, or with a refusal."""

    leg: Leg
    request: Request
    handle: ServerRequest


class RefreshDue(NamedTuple):
    """The session is to be refreshed, and the peer takes no UPDATE: send `leg.reinvite` with the session as it is."""

    leg: Leg


class Cancelled(NamedTuple):
    """The peer took its INVITE back (487 is sent); if it was a re-INVITE (`initial` false), the call goes on."""

    leg: Leg
    request: Request
    initial: bool


class ByeReceived(NamedTuple):
    """The peer ended the call; 200 is sent."""

    leg: Leg
    request: Request


class Lost(NamedTuple):
    """The dialog is gone without a BYE: no ACK (408), or a request in it met 408 or 481. A BYE is sent in case."""

    leg: Leg
    status: int
    sentence: str


class ReInvite(NamedTuple):
    """The peer wants to change the session: `leg.answer` or `leg.reject`. No body: it asks for our offer."""

    leg: Leg
    request: Request


class ReInviteAnswered(NamedTuple):
    """2xx to our re-INVITE, or to the offer in our UPDATE; `ack_owed` as with Answered, never after UPDATE."""

    leg: Leg
    response: Response
    ack_owed: bool


class ReInviteFailed(NamedTuple):
    """Our re-INVITE or the offer in our UPDATE was refused or not answered; the session stays as it was."""

    leg: Leg
    status: int
    reason: str
    response: Response | None


class ReInviteRetry(NamedTuple):
    """Our re-INVITE met the peer's (491) and the wait of RFC 3261 14.1 is over: send it anew if still wanted."""

    leg: Leg


class RequestReceived(NamedTuple):
    """Any other request, in a dialog (`leg`) or outside: answer with `handle.respond`."""

    handle: ServerRequest
    request: Request
    flow: Flow
    leg: Leg | None


class RequestAnswered(NamedTuple):
    """The final answer to `leg.request` or `endpoint.request`; without a response 408 or 503 is ours."""

    handle: ClientRequest
    status: int
    reason: str
    response: Response | None


Event = (
    IncomingInvite
    | Provisional
    | Answered
    | Redirected
    | Failed
    | Confirmed
    | Acknowledged
    | Offered
    | RefreshDue
    | Cancelled
    | ByeReceived
    | Lost
    | ReInvite
    | ReInviteAnswered
    | ReInviteFailed
    | ReInviteRetry
    | RequestReceived
    | RequestAnswered
)
