"""Dialogs that a SUBSCRIBE begins (RFC 6665 4.1, 4.4.1): no call stands in them, requests go and come as in any leg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip.dialog import Dialog, Local
from b2bua.sip.farewell import close
from b2bua.sip.leg import Leg
from b2bua.sip.states import UP

if TYPE_CHECKING:
    from b2bua.sip.request import ServerRequest


def subscribed(handle: ServerRequest, contact: str = "") -> Leg:
    """Begin the dialog of a SUBSCRIBE that came outside dialogs; `contact` as in `Invitation`.

    Afterwards `handle.respond` accepts it, and `leg.request` sends NOTIFY. Raises HeaderError or UriError for a Contact
    or Record-Route that cannot be read: nothing has begun then, and the answer is 400.
    """
    request, layer = handle.request, handle.layer
    flow, called = request.flow, request.parsed_uri
    who = Local.of(flow.transport, flow.sent_by, called.user, contact, called.scheme)
    tag = handle.transaction.tag
    dialog = Dialog.from_request(who, request, tag, flow)
    leg = Leg(layer, flow.zone, who, request.call_id, tag)
    leg.called, leg.state, leg.dialog = True, UP, dialog
    leg.allow(request)
    handle.leg = leg
    layer.legs[tag] = leg
    layer.standing.note_leg(leg)
    return leg


def unsubscribed(leg: Leg) -> None:
    """End such a dialog: nothing is said, since its last NOTIFY has said it."""
    close(leg)
