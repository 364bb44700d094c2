"""SIP of the mixing server: a conference focus (RFC 4579) that is called, calls, and is asked who is there.

Theory of operation. What the sockets bring goes to the `Endpoint`; `settle` then takes its events, one handler each.
A new call is answered in a task of its own, since the bus may be asked who holds the room; everything else happens at
once. Media begins with the ACK: then the other side has our answer, and the first key picture is not lost.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Protocol

from b2bua import sip
from b2bua.sdp import SdpError
from b2bua.sip.uri import bracket
from b2bua.transport import RandomIds
from mixer.agent import info
from mixer.agent.caller import Caller
from mixer.agent.config import Sources
from mixer.errors import MixerError
from mixer.session import SessionError
from vdx.journal import fields

log = logging.getLogger("mixer.sip")

SETTINGS = sip.Settings(
    allow=("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "PRACK", "UPDATE", "INFO", "SUBSCRIBE", "NOTIFY"),
    supported=frozenset({"100rel", "timer"}),
)

ZONE = "core"
"""The one zone that a mixing server is in."""

REFUSED = 300
"""The least status that is no success."""

_STATUS = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2}) ")
"""The beginning of what a NOTIFY tells of a transfer (RFC 3515 section 2.4.5)."""

Answer = tuple[int, str, sip.Fields]
"""A refusal: status, reason, headers."""


class Hub(Protocol):
    """What the focus needs of the rest of the server."""

    async def admit(self, leg: sip.Leg, request: sip.Request) -> Caller | Answer:
        """Find room and capacity for a call, or say why not; the caller knows its room."""
        ...

    async def begin(self, caller: Caller) -> None:
        """Take a call into its room: its session stands. Raises `MixerError`."""
        ...

    def ended(self, caller: Caller, why: str, status: int = 480) -> None:
        """Let go of a call that is over; `status` is how somebody that was called refused."""
        ...

    def available(self) -> Answer | None:
        """Tell whether calls are taken; else the refusal."""
        ...

    def subscribed(self, handle: sip.ServerRequest, request: sip.Request, leg: sip.Leg | None) -> None:
        """Answer a SUBSCRIBE."""
        ...

    def notified(self, handle: sip.ClientRequest, status: int) -> None:
        """Hear how a NOTIFY was answered."""
        ...


class Focus:
    """The SIP element of a mixing server; a `b2bua.transport.Sink`. Times are the event loop's clock."""

    def __init__(self, hub: Hub, edge: Sources, clock: Callable[[], float]) -> None:
        self.endpoint = sip.Endpoint(RandomIds(), SETTINGS, self._screen)
        self.flush: Callable[[], None] = lambda: None
        """Sends what there is to send; the shell's."""
        self.edge = edge
        """Who may call."""
        self._hub = hub
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def _screen(self, request: sip.Request, flow: sip.Flow, _now: float) -> None:
        del request
        if flow.remote[0] not in self.edge:
            raise sip.Silence("nobody but the edge calls here")

    # What the shell reports

    def receive(self, data: bytes, flow: sip.Flow, now: float) -> None:
        """Take one message."""
        self.endpoint.receive(data, flow, now)

    def send_failed(self, outgoing: sip.Outgoing, sentence: str, now: float) -> None:
        """Hear that a message could not be delivered."""
        self.endpoint.send_failed(outgoing, sentence, now)

    def flow_closed(self, flow: sip.Flow, now: float) -> None:
        """Hear that a connection is gone."""
        self.endpoint.flow_closed(flow, now)

    def to_send(self) -> list[sip.Outgoing]:
        """Give what is to be sent."""
        return self.endpoint.to_send()

    def next_timer(self) -> float | None:
        """Give when `on_timer` is due."""
        return self.endpoint.next_timer()

    def on_timer(self, now: float) -> None:
        """Do what is due."""
        self.endpoint.on_timer(now)

    def settle(self) -> None:
        """Handle events; a fault in one call is not another's."""
        while events := self.endpoint.events():
            for event in events:
                try:
                    self._HANDLERS[type(event)](self, event)
                except Exception:
                    log.exception("call.fault", extra=fields(event=type(event).__name__))
                    leg = getattr(event, "leg", None)
                    if leg is not None:
                        leg.end(self._clock(), 500)
                        self._over(leg, "a fault of this server")

    async def close(self) -> None:
        """End every task."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # What meetings ask for

    def drop(self, caller: Caller, status: int, sentence: str) -> None:
        """End a call."""
        if caller.leg is not None and not caller.leg.ended:
            reason = ("Reason", f'SIP;cause={status};text="{sentence}"')
            caller.leg.end(self._clock(), status, "", (reason,))
        self._hub.ended(caller, sentence)
        self.flush()

    def reinvite(self, caller: Caller) -> None:
        """Offer the session as it is."""
        if caller.leg is not None and caller.leg.can_reinvite:
            caller.leg.reinvite(self._clock(), body=caller.negotiation.offer())
            self.flush()

    def probe(self, caller: Caller) -> None:
        """Ask whether the other side is still there; 408 or 481 ends the dialog (RFC 3261 12.2.1.2)."""
        if caller.leg is not None and not caller.leg.ended and caller.joined:
            caller.leg.request(self._clock(), "OPTIONS")
            self.flush()

    def ask_keyframe(self, caller: Caller) -> None:
        """Ask for a key picture."""
        if caller.leg is not None and not caller.leg.ended and caller.joined:
            caller.leg.request(self._clock(), "INFO", (), info.FAST_UPDATE, info.MEDIA_CONTROL)
            self.flush()

    def refer(self, caller: Caller, alias: str) -> None:
        """Have the edge take a call to a room that another server holds (RFC 3515)."""
        if caller.leg is not None and not caller.leg.ended and caller.leg.dialog is not None:
            edge = caller.leg.dialog.to
            uri = f"sip:{alias}@{bracket(edge.remote[0] if isinstance(edge, sip.Flow) else edge.host)}"
            caller.leg.request(self._clock(), "REFER", (("Refer-To", f"<{uri}>"),))
            self.flush()

    def call(self, caller: Caller, invitation: sip.Invitation) -> None:
        """Call somebody into a room; the offer stands in the invitation."""
        caller.leg = self.endpoint.invite(invitation, self._clock())
        caller.leg.owner = caller
        self.flush()

    # Calls

    def _invited(self, event: sip.IncomingInvite) -> None:
        self._start(self._answer(event.leg, event.request))

    async def _answer(self, leg: sip.Leg, request: sip.Request) -> None:
        """Find the room, reserve, and answer."""
        try:
            admitted = await self._hub.admit(leg, request)
        except Exception:
            log.exception("call.fault")
            admitted = 500, "", ()
        if not isinstance(admitted, Caller):
            status, reason, headers = admitted
            leg.end(self._clock(), status, reason, headers)
            self.flush()
            return
        if admitted.gone:
            return
        leg.owner, admitted.leg = admitted, leg
        if leg.ended:
            self._hub.ended(admitted, "the caller gave up")
            return
        session = admitted.negotiation
        try:
            body = session.answer(request.session) if request.session else session.offer()
        except (SdpError, SessionError, MixerError) as error:
            status = getattr(error, "status", 503)
            log.info("call.refused: %s", error, extra=fields(participant=admitted.id, status=status))
            leg.end(self._clock(), status, "", (("Warning", f'399 mixer "{_quoted(error)}"'),))
            self._hub.ended(admitted, str(error))
        else:
            leg.answer(self._clock(), body=body)
        self.flush()

    def _confirmed(self, event: sip.Confirmed) -> None:
        caller = _caller(event.leg)
        if caller is None:
            return
        late = event.request.session
        try:
            if late:
                caller.negotiation.settle(late)
            if not caller.negotiation.streams:
                raise SessionError("the ACK brought no answer to our offer")  # noqa: TRY301 - one way to refuse
        except (SdpError, SessionError) as error:
            self._unusable(caller, error)
            return
        self._begun(caller, initial=event.initial)

    def _answered(self, event: sip.Answered) -> None:
        """Take the answer to a call of ours."""
        caller = _caller(event.leg)
        if caller is None:
            return
        try:
            caller.negotiation.settle(event.response.session)
        except (SdpError, SessionError) as error:
            self._unusable(caller, error)
            return
        self._begun(caller, initial=True)

    def _begun(self, caller: Caller, *, initial: bool) -> None:
        if initial:
            self._start(self._begin(caller))
        elif caller.meeting is not None:
            caller.meeting.change(caller)

    async def _begin(self, caller: Caller) -> None:
        try:
            await self._hub.begin(caller)
        except MixerError as error:
            log.error("call.unjoined: %s", error, extra=fields(participant=caller.id))  # noqa: TRY400 - said
            self.drop(caller, 503, "the room cannot be entered")

    def _reinvited(self, event: sip.ReInvite) -> None:
        caller = _caller(event.leg)
        if caller is None:
            event.leg.reject(self._clock(), 488)
            return
        session = caller.negotiation
        try:
            body = session.answer(event.request.session) if event.request.session else session.offer()
        except (SdpError, SessionError, MixerError) as error:
            event.leg.reject(self._clock(), getattr(error, "status", 503))
            return
        event.leg.answer(self._clock(), body=body)

    def _offered(self, event: sip.Offered) -> None:
        caller = _caller(event.leg)
        if caller is None or not caller.joined:
            event.handle.respond(self._clock(), 500, headers=(("Retry-After", "2"),))
            return
        try:
            body = caller.negotiation.answer(event.request.session)
        except (SdpError, SessionError, MixerError) as error:
            event.handle.respond(self._clock(), getattr(error, "status", 503))
            return
        event.handle.respond(self._clock(), 200, body=body)
        self._begun(caller, initial=False)

    def _refresh(self, event: sip.RefreshDue) -> None:
        caller = _caller(event.leg)
        if caller is not None:
            self.reinvite(caller)

    def _reinvite_answered(self, event: sip.ReInviteAnswered) -> None:
        caller = _caller(event.leg)
        if event.ack_owed:
            event.leg.ack(self._clock())
        if caller is None or not event.response.session:
            return
        try:
            caller.negotiation.settle(event.response.session)
        except (SdpError, SessionError) as error:
            self._unusable(caller, error)
            return
        self._begun(caller, initial=False)

    def _retry(self, event: sip.ReInviteRetry) -> None:
        caller = _caller(event.leg)
        if caller is not None:
            self.reinvite(caller)

    def _unusable(self, caller: Caller, error: Exception) -> None:
        log.info("call.refused: %s", error, extra=fields(participant=caller.id))
        self.drop(caller, 488, "the session description cannot be used")

    def _ended(self, event: Any) -> None:  # noqa: ANN401 - several events, all with a leg
        if isinstance(event, sip.Cancelled) and not event.initial:
            return
        self._over(event.leg, type(event).__name__, event.status if isinstance(event, sip.Failed) else 480)

    def _over(self, leg: sip.Leg, why: str, status: int = 480) -> None:
        caller = _caller(leg)
        if caller is not None:
            self._hub.ended(caller, why, status)

    # Other requests

    def _requested(self, event: sip.RequestReceived) -> None:
        now = self._clock()
        method = event.request.method
        if method == "INFO":
            self._informed(event)
        elif method == "SUBSCRIBE":
            self._hub.subscribed(event.handle, event.request, event.leg)
        elif method == "NOTIFY":
            self._told(event)
        elif method == "OPTIONS":
            refusal = self._hub.available() if event.leg is None else None
            status, reason, headers = refusal or (200, "", ())
            known = (
                ("Allow", ", ".join(SETTINGS.allow)),
                ("Accept", "application/sdp"),
                ("Allow-Events", "conference"),
            )
            event.handle.respond(now, status, reason, (*known, *headers))
        else:
            event.handle.respond(now, 405, headers=(("Allow", ", ".join(SETTINGS.allow)),))

    def _told(self, event: sip.RequestReceived) -> None:
        """Take how a transfer of ours goes (RFC 3515 section 2.4.4); where it failed, the call is still here."""
        caller = _caller(event.leg) if event.leg is not None else None
        event.handle.respond(self._clock(), 200 if caller is not None else 481)
        found = _STATUS.match(event.request.body)
        if caller is not None and found is not None:
            _unmoved(caller, int(found[1]))

    def _informed(self, event: sip.RequestReceived) -> None:
        caller = _caller(event.leg) if event.leg is not None else None
        meant = info.read(event.request.content_type, event.request.body)
        if meant is None and event.request.body:
            accepts = (("Accept", ", ".join(info.ACCEPTED)),)
            event.handle.respond(self._clock(), 415, headers=accepts)
            return
        event.handle.respond(self._clock())
        meeting = caller.meeting if caller is not None else None
        if caller is None or meeting is None or not caller.joined:
            return
        if isinstance(meant, info.Digit):
            meeting.digit(caller, meant.digit)
        elif isinstance(meant, info.FastUpdate):
            meeting.keyframe(caller)

    def _request_answered(self, event: sip.RequestAnswered) -> None:
        if event.handle.method == "NOTIFY":
            self._hub.notified(event.handle, event.status)
        elif event.handle.method == "REFER" and event.handle.leg is not None:
            caller = _caller(event.handle.leg)
            if caller is not None:
                _unmoved(caller, event.status)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("call.fault", exc_info=error)

    _HANDLERS: ClassVar[dict[type, Callable[[Focus, Any], None]]] = {
        sip.IncomingInvite: _invited,
        sip.Confirmed: _confirmed,
        sip.Answered: _answered,
        sip.ReInvite: _reinvited,
        sip.Offered: _offered,
        sip.RefreshDue: _refresh,
        sip.ReInviteAnswered: _reinvite_answered,
        sip.ReInviteRetry: _retry,
        sip.ReInviteFailed: lambda self, event: None,  # noqa: ARG005 - the session stays as it was
        sip.Provisional: lambda self, event: None,  # noqa: ARG005 - somebody rings
        sip.Acknowledged: lambda self, event: None,  # noqa: ARG005 - we never offer in a provisional response
        sip.Cancelled: _ended,
        sip.ByeReceived: _ended,
        sip.Lost: _ended,
        sip.Failed: _ended,
        sip.Redirected: _ended,
        sip.RequestReceived: _requested,
        sip.RequestAnswered: _request_answered,
    }


def _caller(leg: sip.Leg) -> Caller | None:
    owner = leg.owner
    return owner if isinstance(owner, Caller) and not owner.gone else None


def _unmoved(caller: Caller, status: int) -> None:
    if status >= REFUSED:
        log.warning("call.unmoved: the edge says %d", status, extra=fields(participant=caller.id))


def _quoted(error: Exception) -> str:
    return str(error).replace("\\", "").replace('"', "'").encode("ascii", "replace").decode()[:120]


def display(request: sip.Request) -> tuple[str, str]:
    """Give name and address (`user@host`, or `host`) of whoever the edge says that calls."""
    caller = request.from_
    name = "".join(char for char in caller.display if char.isprintable())[:100]
    try:
        uri = sip.parse_uri(caller.uri)
    except sip.UriError:  # a tel: URI, say
        return name or caller.uri[:100], caller.uri[:256]
    address = f"{uri.user}@{uri.host}" if uri.user else uri.host
    return name or uri.user or uri.host, address
