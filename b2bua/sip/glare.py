"""The wait after 491: both sides sent a re-INVITE at once, and each tries again in its own time (RFC 3261 14.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip.events import ReInviteRetry

if TYPE_CHECKING:
    from b2bua.sip.layer import Timer
    from b2bua.sip.leg import Leg

GLARE = "glare"
"""What the alarm of a leg is called."""

# Seconds to wait, for the owner of the Call-ID and for the other side
_OWNER = (2.1, 4.0)
_OTHER = (0.0, 2.0)


class Glare:
    """The wait of one leg. It does not hold its leg, which holds it: that would wait for the garbage collector."""

    __slots__ = ("_alarm",)

    def __init__(self) -> None:
        self._alarm: Timer | None = None

    @property
    def waits(self) -> bool:
        """Whether it is not over yet."""
        return self._alarm is not None

    def begin(self, leg: Leg) -> None:
        """Wait from now on."""
        low, high = _OTHER if leg.called else _OWNER
        wait = round(low + leg.layer.ids.fraction() * (high - low), 2)  # units of 10 ms
        self._alarm = leg.layer.start(wait, leg, GLARE)

    def fire(self, leg: Leg) -> None:
        """Tell the owner to try again."""
        self._alarm = None
        leg.layer.events.append(ReInviteRetry(leg))

    def stop(self) -> None:
        """Cancel the alarm."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
