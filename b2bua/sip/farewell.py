"""How a leg ends: out of the tables, and by BYE where the peer has to hear of it (RFC 3261 15).

Until our BYE is answered, a BYE of the peer that crosses it is answered too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip import glare
from b2bua.sip.request import UNWATCHED, send_in_dialog
from b2bua.sip.states import ENDED
from b2bua.sip.write import fields_text

if TYPE_CHECKING:
    from b2bua.sip.dialog import Dialog
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Fields, Response
    from b2bua.sip.transaction import ClientOwner


def close(leg: Leg, headers: Fields = ()) -> None:
    """Take the leg out of the tables; an INVITE of ours is cancelled, one of the peer's gets 487 (15.1.2).

    `headers` go into the CANCEL.
    """
    leg.state = ENDED
    leg.bye_due = None
    leg.prack_owed = leg.updating = None
    leg.timer.stop()
    if leg.offered is not None:
        leg.offered.respond(leg.layer.now, 487)  # 15.1.2
    leg.layer.legs.pop(leg.id, None)
    leg.layer.standing.forget_leg(leg)
    if leg.outgoing is not None:
        outgoing, leg.outgoing = leg.outgoing, None
        outgoing.cancel(headers)
    glare.stop(leg)
    if leg.incoming is not None:
        if leg.incoming.answered:
            leg.incoming.stop()
        else:
            leg.incoming.refuse(487)
        leg.incoming = None


def farewell(leg: Leg, dialog: Dialog, headers: Fields = ()) -> None:
    """End the leg with a BYE."""
    close(leg)
    leg.layer.legs[leg.id] = leg
    leg.layer.standing.note_leg(leg)
    say_bye(leg, dialog, headers, Farewell(leg))


def send_due_bye(leg: Leg) -> None:
    """Send the BYE that waited for the peer's ACK, if one does."""
    if leg.bye_due is not None and leg.dialog is not None:
        headers, leg.bye_due = leg.bye_due, None
        farewell(leg, leg.dialog, headers)


def say_bye(leg: Leg, dialog: Dialog, headers: Fields = (), owner: ClientOwner = UNWATCHED) -> None:
    """Send a BYE in one of the leg's dialogs; whoever sends it does not wait for the answer."""
    send_in_dialog(leg, dialog, "BYE", fields_text(headers), b"", "", owner)


class Farewell:
    """The owner of the BYE that ended a leg: its answer takes the leg out of the table."""

    __slots__ = ("_leg",)

    def __init__(self, leg: Leg) -> None:
        self._leg = leg

    def on_response(self, response: Response) -> None:
        """Forget the leg."""
        if response.status >= 200:
            self.on_failure(response.status, "")

    def on_failure(self, _status: int, _sentence: str) -> None:
        """Forget the leg: nobody is there any more."""
        self._leg.layer.legs.pop(self._leg.id, None)
        self._leg.layer.standing.forget_leg(self._leg)
