"""Who has asked to be told who is in a room: SUBSCRIBE and NOTIFY of the conference package (RFC 6665, RFC 4575).

Rosters are told to participants alone: in the dialog of their call, or in one of its own from their proved address.
Whoever still waits before the meeting hears how many are in it, and no names.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from b2bua import sip
from b2bua.sip.uri import host_port
from mixer.agent.caller import Caller
from mixer.agent.focus import display
from mixer.agent.meeting import Meeting
from mixer.conference import MEDIA_TYPE, document
from mixer.room import Phase
from vdx.journal import fields

log = logging.getLogger("mixer.subscriptions")

LONGEST = 3600
SHORTEST = 60
"""Seconds of a subscription: RFC 4575 section 3.4 has an hour by default; shorter than a minute only makes work."""

GATHER_SECONDS = 0.5
"""Changes are gathered for so long: RFC 4575 section 3.10 asks for not more than one NOTIFY a second."""

MOST = 1_000
"""Subscriptions of a server: a few for each participant of a full one."""


@dataclass(slots=True, eq=False)
class _Subscription:
    leg: sip.Leg
    caller: Caller
    event: str
    own: bool  # a dialog of its own, not that of the call
    ends: float
    version: int = 0


class Subscriptions:
    """All of them; one of the server's `Watchers`. `entity` gives a room's URI, `flush` sends."""

    def __init__(self, entity: Callable[[Meeting], str], flush: Callable[[], None]) -> None:
        self._entity = entity
        self._flush = flush
        self._all: set[_Subscription] = set()
        self._pending: dict[Meeting, asyncio.TimerHandle] = {}
        self._expiry: asyncio.TimerHandle | None = None
        self._handles: dict[sip.ClientRequest, _Subscription] = {}
        self._loop = asyncio.get_running_loop()

    # What the focus brings

    def subscribed(
        self,
        handle: sip.ServerRequest,
        request: sip.Request,
        leg: sip.Leg | None,
        find: Callable[[str], Meeting | None],
    ) -> None:
        """Answer a SUBSCRIBE; `find` gives the running room of an alias."""
        now = self._loop.time()
        kind = request.get("event").partition(";")[0].strip().lower()
        if kind != "conference":
            handle.respond(now, 489, headers=(("Allow-Events", "conference"),))
            return
        known = next((one for one in self._all if one.leg is leg and leg is not None), None)
        caller = known.caller if known is not None else self._caller(request, leg, find)
        if caller is None or caller.gone or caller.meeting is None:
            handle.respond(now, 403)
            return
        if known is None and len(self._all) >= MOST:
            handle.respond(now, 503, headers=(("Retry-After", "60"),))
            return
        seconds = _seconds(request)
        if known is None:
            known = self._begin(handle, request, leg, caller)
            if known is None:
                handle.respond(now, 400)
                return
        known.ends = now + seconds
        handle.respond(now, 200, headers=(("Expires", str(seconds)),))
        self._notify(known, "timeout" if not seconds else "")
        self._arm()

    def notified(self, handle: sip.ClientRequest, status: int) -> None:
        """Hear how a NOTIFY was answered: who does not want it is not told again."""
        known = self._handles.pop(handle, None)
        if known is not None and status >= 400:
            self._forget(known)

    # What the server tells

    def changed(self, meeting: Meeting) -> None:
        """Take that a roster has changed."""
        if meeting not in self._pending and any(one.caller.meeting is meeting for one in self._all):
            self._pending[meeting] = self._loop.call_later(GATHER_SECONDS, self._tell, meeting)

    def presenter(self, meeting: Meeting, participant: str) -> None:
        """Take who presents: the package does not say it."""

    def left(self, meeting: Meeting, caller: Caller) -> None:
        """End the subscriptions of a call that is over."""
        del meeting
        for one in [one for one in self._all if one.caller is caller]:
            if one.own and not one.leg.ended:
                self._notify(one, "noresource")
            self._forget(one)

    def closed(self, meeting: Meeting) -> None:
        """Forget a room."""
        timer = self._pending.pop(meeting, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """Stop every timer."""
        for timer in (*self._pending.values(), *([self._expiry] if self._expiry is not None else [])):
            timer.cancel()

    def _caller(
        self, request: sip.Request, leg: sip.Leg | None, find: Callable[[str], Meeting | None]
    ) -> Caller | None:
        if leg is not None:
            return leg.owner if isinstance(leg.owner, Caller) else None
        meeting = find(request.parsed_uri.user)
        _, address = display(request)
        if meeting is None:
            return None
        return next((one for one in meeting.callers.values() if one.address == address), None)

    def _begin(
        self, handle: sip.ServerRequest, request: sip.Request, leg: sip.Leg | None, caller: Caller
    ) -> _Subscription | None:
        own = leg is None
        if leg is None:
            where = host_port(*request.flow.sent_by)
            suffix = "" if request.flow.transport == "udp" else f";transport={request.flow.transport}"
            try:
                leg = sip.subscribed(handle, f"<sip:{request.parsed_uri.user}@{where}{suffix}>;isfocus")
            except sip.SipError as error:
                log.info("subscription.refused: %s", error)
                return None
        one = _Subscription(leg, caller, request.get("event"), own, 0.0)
        self._all.add(one)
        log.info("subscription.begun", extra=fields(participant=caller.id))
        return one

    def _tell(self, meeting: Meeting) -> None:
        self._pending.pop(meeting, None)
        for one in [one for one in self._all if one.caller.meeting is meeting]:
            self._notify(one)

    def _notify(self, one: _Subscription, reason: str = "") -> None:
        meeting = one.caller.meeting
        now = self._loop.time()
        state = f"terminated;reason={reason}" if reason else f"active;expires={max(0, int(one.ends - now))}"
        headers = (("Event", one.event), ("Subscription-State", state))
        body = b""
        if meeting is not None:
            room = meeting.room
            inside = any(entry.participant == one.caller.id and entry.phase is Phase.INSIDE for entry in room.roster)
            body = document(
                self._entity(meeting), room.settings, room.roster, one.version, locked=room.locked, full=inside
            )
        one.version += 1
        if not one.leg.ended:
            handle = one.leg.request(now, "NOTIFY", headers, body, MEDIA_TYPE)
            self._handles[handle] = one
            self._flush()
        if reason:
            self._forget(one)

    def _forget(self, one: _Subscription) -> None:
        self._all.discard(one)
        for handle in [handle for handle, other in self._handles.items() if other is one]:
            del self._handles[handle]
        if one.own and not one.leg.ended:
            sip.unsubscribed(one.leg)

    def _arm(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        due = min((one.ends for one in self._all), default=None)
        if due is not None:
            self._expiry = self._loop.call_at(due, self._expire)

    def _expire(self) -> None:
        self._expiry = None
        now = self._loop.time()
        for one in [one for one in self._all if one.ends <= now]:
            self._notify(one, "timeout")
        self._arm()


def _seconds(request: sip.Request) -> int:
    text = request.get("expires").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return LONGEST
    return min(LONGEST, max(SHORTEST, int(text))) if int(text) else 0
