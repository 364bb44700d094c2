"""The wait after 491: both sides sent a re-INVITE at once, and each tries again in its own time (RFC 3261 14.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip.events import ReInviteRetry

if TYPE_CHECKING:
    from b2bua.sip.leg import Leg

GLARE = "glare"
"""What the alarm of a leg is called."""

# Seconds to wait, for the owner of the Call-ID and for the other side
_OWNER = (2.1, 4.0)
_OTHER = (0.0, 2.0)


def wait(leg: Leg) -> None:
    """Wait from now on."""
    low, high = _OTHER if leg.called else _OWNER
    seconds = round(low + leg.layer.ids.fraction() * (high - low), 2)  # units of 10 ms
    leg.glare = leg.layer.start(seconds, leg, GLARE)


def fire(leg: Leg) -> None:
    """Tell the owner to try again."""
    leg.glare = None
    leg.layer.events.append(ReInviteRetry(leg))


def stop(leg: Leg) -> None:
    """Cancel the wait."""
    if leg.glare is not None:
        leg.glare.cancel()
        leg.glare = None
