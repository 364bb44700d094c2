"""What each event of a leg is in its call: what begins or ends it is for `call`, what comes between for `changes`."""

from __future__ import annotations

from collections.abc import Callable

from b2bua import sip
from b2bua.call import changes
from b2bua.call.call import Call

HANDLERS: dict[type, Callable[..., None]] = {
    sip.Provisional: Call.on_provisional,
    sip.Answered: Call.on_answered,
    sip.Redirected: Call.on_redirected,
    sip.Failed: Call.on_failed,
    sip.Acknowledged: Call.on_acknowledged,
    sip.Cancelled: Call.on_cancelled,
    sip.ByeReceived: Call.hang_up,
    sip.Lost: Call.hang_up,
    sip.Confirmed: changes.on_confirmed,
    sip.Offered: changes.on_offered,
    sip.RefreshDue: changes.on_refresh_due,
    sip.ReInvite: changes.on_reinvite,
    sip.ReInviteAnswered: changes.on_answered,
    sip.ReInviteFailed: changes.on_failed,
    sip.ReInviteRetry: changes.on_retry,
}
"""By the class of the event; each takes the call, the event and the time."""
