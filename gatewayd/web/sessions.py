"""Sessions of the page: who came in with a token or certificate, until it ends or lies idle. Kept in memory alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

COOKIE = "__Host-vdx"
"""The prefix has browsers take it over TLS only, for this host only (RFC 6265bis)."""

MAX_SESSIONS = 1_000
"""The oldest makes room for another: far more than there are admins."""

IDLE_SECONDS = 30 * 60
"""A page that nobody touches: what it fetches by itself does not count."""

LONGEST_SECONDS = 12 * 3600
"""A working day."""


@dataclass(slots=True)
class Session:
    """One person at one browser: `by` is what they were recognised by, `forms` what every form of theirs carries."""

    by: str
    forms: str
    began: float
    touched: float


class Sessions:
    """Those that are open; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, Session] = {}

    def begin(self, by: str) -> str:
        """Open one; gives the value of its cookie."""
        if len(self._open) >= MAX_SESSIONS:
            self._open.pop(min(self._open, key=lambda value: self._open[value].touched))
        value, now = secrets.token_urlsafe(32), self._clock()
        self._open[value] = Session(by, secrets.token_urlsafe(32), now, now)
        return value

    def find(self, value: str, *, touch: bool) -> Session | None:
        """Give the session of a cookie, where it is still open; `touch`: a person did something."""
        session, now = self._open.get(value), self._clock()
        if session is None:
            return None
        if now - session.touched > IDLE_SECONDS or now - session.began > LONGEST_SECONDS:
            self.end(value)
            return None
        if touch:
            session.touched = now
        return session

    def end(self, value: str) -> None:
        """Close one."""
        self._open.pop(value, None)
