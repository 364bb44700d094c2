"""Session timers (RFC 4028): what two ends agree on in each INVITE and UPDATE, and who sees to it.

One timer per leg. After each 2xx to an INVITE or UPDATE it begins anew:

    we refresh      at half the interval an UPDATE, or RefreshDue where the peer takes none; again after half of what is
                    left until one is answered; the leg is lost when the interval is over
    they refresh    the leg is lost a third of the interval, at most 32 s, before its end (10)

We ask to refresh ourselves wherever the peer leaves it open: then a peer that forgets cannot end a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from b2bua.sip.errors import HeaderError, Refusal
from b2bua.sip.grammar import parse_number, parse_params
from b2bua.sip.limits import MAX_CSEQ
from b2bua.sip.reliable import has_tag

if TYPE_CHECKING:
    from b2bua.sip.layer import Settings, Timer
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Message, Request, Response

LEAST = 90
"""Seconds: the least a Min-SE may say, and its value where none is given (RFC 4028 5)."""

LONGEST = 86_400
"""Seconds: an interval over a day guards nothing; a peer that insists on more is refused."""

REFRESH, EXPIRY = "refresh", "expiry"
"""What the alarm of a leg is called."""

_MARGIN = 32
_SHORTEST_WAIT = 5.0
"""Seconds between two attempts to refresh: a transaction over UDP has sent its request four times by then."""


class Interval(NamedTuple):
    """Session-Expires (4): seconds, and who refreshes, `uac`, `uas` or ""."""

    seconds: int
    refresher: str

    def __str__(self) -> str:
        return f"{self.seconds};refresher={self.refresher}" if self.refresher else str(self.seconds)


def session_expires(message: Message) -> Interval | None:
    """Read Session-Expires, None where there is none. Raises HeaderError."""
    text = message.get("session-expires")
    if not text:
        return None
    number, semicolon, params = text.partition(";")
    refresher = (parse_params(params) if semicolon else {}).get("refresher", "").lower()
    if refresher not in {"", "uac", "uas"}:
        raise HeaderError(f"{text[:60]!r} names no refresher")
    return Interval(parse_number(number.strip(), MAX_CSEQ), refresher)


def min_se(message: Message) -> int:
    """Read Min-SE, 90 where there is none (5). Raises HeaderError."""
    text = message.get("min-se").partition(";")[0].strip()
    return max(LEAST, parse_number(text, MAX_CSEQ)) if text else LEAST


def check_interval(request: Request, settings: Settings) -> None:
    """Check that the peer does not want to be refreshed too often (9). Raises Refusal 422 with Min-SE, HeaderError."""
    asked = session_expires(request)
    _ = min_se(request)
    if asked is not None and asked.seconds < settings.min_se and has_tag(request, "supported", "timer"):
        raise Refusal(f"a session of {asked.seconds} s is too short", 422, (("Min-SE", str(settings.min_se)),))


def granted(request: Request, settings: Settings) -> Interval | None:
    """Say what the 2xx to an INVITE or UPDATE agrees to, None for no timer (9, table 2)."""
    if "timer" not in settings.supported:
        return None
    asked = session_expires(request)
    knows = has_tag(request, "supported", "timer")
    if asked is None:
        return Interval(max(settings.session_expires, min_se(request)), "uas") if knows else None
    seconds = max(min(asked.seconds, settings.session_expires), min_se(request), settings.min_se)
    return Interval(seconds, (asked.refresher or "uas") if knows else "uas")


def granted_lines(interval: Interval | None) -> str:
    """Write the lines of a 2xx; Require tells a UAC that it is the one to refresh (9)."""
    if interval is None:
        return ""
    return ("Require: timer\r\n" if interval.refresher == "uac" else "") + f"Session-Expires: {interval}\r\n"


def asked_lines(settings: Settings, interval: Interval | None = None, least: int = LEAST) -> str:
    """Write the lines of an INVITE or UPDATE of ours (7.1): the interval in force, or the one we begin with."""
    if "timer" not in settings.supported:
        return ""
    least = max(least, settings.min_se)
    wanted = interval or Interval(max(settings.session_expires, least), "uac")
    return f"Session-Expires: {wanted}\r\n" + (f"Min-SE: {least}\r\n" if least > LEAST else "")


def agreed(response: Response) -> Interval | None:
    """Read what a 2xx agreed to; what cannot be read is no agreement."""
    try:
        interval = session_expires(response)
    except HeaderError:
        return None
    return interval if interval and interval.seconds >= LEAST else None


class SessionTimer:
    """The timer of one leg. `seconds` is the interval, `ours` whether we refresh; nothing runs before `begin`.

    It does not hold its leg, which holds it: that would wait for the garbage collector.
    """

    __slots__ = ("_alarm", "_ends", "least", "ours", "seconds")

    def __init__(self) -> None:
        self.seconds = 0
        self.ours = False
        self.least = LEAST
        self._ends = 0.0
        self._alarm: Timer | None = None

    @property
    def interval(self) -> Interval | None:
        """What the next request of ours asks for, None where no timer is in force."""
        return Interval(self.seconds, "uac" if self.ours else "uas") if self.seconds else None

    def begin(self, leg: Leg, interval: Interval | None, *, ours: bool) -> None:
        """Start anew with what a 2xx agreed to; None ends the timer."""
        self.stop()
        self.seconds = interval.seconds if interval else 0
        self.ours = ours
        if not interval:
            return
        early = 0 if ours else min(_MARGIN, self.seconds / 3)
        self._ends = leg.layer.now + self.seconds - early
        self._set(leg, self.seconds / 2 if ours else self.seconds - early)

    def lengthen(self, response: Response) -> bool:
        """Take the shortest interval that a 422 names (7.4); False where it names none that is new and bearable."""
        try:
            least = min_se(response)
        except HeaderError:
            return False
        if not self.least < least <= LONGEST:  # asked again for what it was given: it would go on for ever
            return False
        self.least = least
        if self.seconds:
            self.seconds = max(self.seconds, least)
        return True

    def fire(self, leg: Leg, name: str) -> None:
        """Refresh, or end the leg."""
        self._alarm = None
        if name == EXPIRY:
            leg.lose(408, f"the session was not refreshed in {self.seconds} s", "Session expired")
            return
        self._set(leg, max((self._ends - leg.layer.now) / 2, _SHORTEST_WAIT))
        leg.refresh()

    def _set(self, leg: Leg, wait: float) -> None:
        layer = leg.layer
        left = self._ends - layer.now
        last = wait >= left or not self.ours
        self._alarm = layer.start(left if last else wait, leg, EXPIRY if last else REFRESH)

    def stop(self) -> None:
        """Cancel the alarm."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
