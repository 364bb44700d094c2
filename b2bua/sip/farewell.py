"""The BYE that ends a leg (RFC 3261 15): until it is answered, a BYE of the peer that crosses it is answered too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip.request import UNWATCHED, send_in_dialog
from b2bua.sip.write import fields_text

if TYPE_CHECKING:
    from b2bua.sip.dialog import Dialog
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Fields, Response
    from b2bua.sip.transaction import ClientOwner


def farewell(leg: Leg, dialog: Dialog, headers: Fields = ()) -> None:
    """End the leg with a BYE."""
    leg.close()
    leg.layer.legs[leg.id] = leg
    leg.layer.standing.note_leg(leg)
    say_bye(leg, dialog, headers, Farewell(leg))


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
