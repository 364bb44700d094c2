"""What the peer asks inside a dialog (RFC 3261 12.2.2, 14.2, 15.1.2): the order of it, and who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip.dialog import dialog_of
from b2bua.sip.events import ByeReceived, ReInvite, RequestReceived
from b2bua.sip.farewell import close
from b2bua.sip.invite_server import ServerInvite
from b2bua.sip.offer import negotiate
from b2bua.sip.prack import receive_prack
from b2bua.sip.request import ServerRequest, refuse
from b2bua.sip.states import ENDED, UP
from b2bua.sip.update import receive_update, retry_after

if TYPE_CHECKING:
    from b2bua.sip.flow import Flow
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Request
    from b2bua.sip.transaction import ServerTransaction


def receive_within(leg: Leg, transaction: ServerTransaction, request: Request, flow: Flow) -> None:
    """Take a request inside the dialog of a leg, ACK and CANCEL excepted."""
    dialog = dialog_of(leg, request)
    if dialog is None or not dialog.admits(flow) or (leg.ended and request.method != "BYE"):
        refuse(transaction, 481)
        return
    if leg.ended and leg.bye_due is None:  # both hung up at once: RFC 5407 3.3
        refuse(transaction, 200)
        return
    number = request.cseq.number
    if number < dialog.remote_seq:
        refuse(transaction, 500)  # 12.2.2: out of order
        return
    dialog.remote_seq = number
    dialog.to = flow
    leg.layer.standing.note_leg(leg)
    if request.method == "BYE":
        _receive_bye(leg, transaction, request)
    elif request.method == "INVITE":
        _receive_invite(leg, transaction, request)
    elif request.method == "UPDATE":
        receive_update(leg, transaction, request)
    elif request.method == "PRACK":
        receive_prack(leg, transaction, request)
    else:
        handle = ServerRequest(leg.layer, transaction, request, leg)
        transaction.expect_answer()
        leg.layer.events.append(RequestReceived(handle, request, flow, leg))


def receive_ack(leg: Leg, request: Request) -> None:
    """Take an ACK to a 2xx."""
    if leg.incoming is not None and dialog_of(leg, request) is not None:
        leg.incoming.on_ack(request)


def _receive_bye(leg: Leg, transaction: ServerTransaction, request: Request) -> None:
    refuse(transaction, 200)
    told = leg.state == ENDED
    close(leg)
    if not told:
        leg.layer.events.append(ByeReceived(leg, request))


def _receive_invite(leg: Leg, transaction: ServerTransaction, request: Request) -> None:
    if leg.state != UP or leg.incoming is not None or leg.offered is not None:
        refuse(transaction, 500, retry_after(leg))  # 14.2: the one before is not finished
    elif leg.outgoing is not None or leg.updating is not None:
        refuse(transaction, 491)
    else:
        leg.allow(request)
        leg.incoming = transaction.owner = ServerInvite(leg, transaction, request, initial=False)
        negotiate(leg, "receive invite", request.session)
        leg.layer.events.append(ReInvite(leg, request))
