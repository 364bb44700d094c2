"""The traces of all calls, bounded; and of sources whose requests began none.

Theory of operation. Messages find their call by zone and Call-ID of their leg. One that comes in is held back until
what it causes has happened (`place`): the INVITE that begins a call then goes to the call and not to its source.

    begin(call, flow, call_id)  the caller's leg is known
    received(data, flow)        -> held back, then to its call or source
    sent(outgoing)              -> its call or source; one of a leg not met before is asked about by our tag (`owner`)
    note(call, event)           -> its call
    end(call, event)            kept on, until newer ones need the room
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import cast

from b2bua.sip import Flow, Outgoing, Target
from b2bua.trace.call_trace import CallTrace, Key
from b2bua.trace.entry import Entry, Event, Leg, Message, Note, concerned
from b2bua.trace.limits import (
    KEPT_CALLS,
    MAX_OCTETS,
    MAX_PINS,
    PACK_SECONDS,
    PACKED_AT_ONCE,
    SOURCE_MESSAGES,
    SOURCES,
    SOURCES_OCTETS,
)
from b2bua.trace.redact import redacted, without
from vdx.ids import CallId

Tap = Callable[[CallId | None, Entry], None]
"""Sees every entry as it comes, with its call, None where there is none."""

Owner = Callable[[str], tuple[CallId, Leg] | None]
"""Gives call and side of a leg by our tag, None where it belongs to no call."""


class Traces:
    """What is remembered of all calls. `taps` may be added to and taken from at any time."""

    def __init__(
        self, owner: Owner = lambda _tag: None, settled: Callable[[CallId], None] = lambda _call: None
    ) -> None:
        """Begin with nothing; `settled` hears of each call that has had nothing new for a while and is packed."""
        self._owner = owner
        self._settled = settled
        self.taps: list[Tap] = []
        self.octets = 0
        self._number = 0
        self._calls: dict[CallId, CallTrace] = {}  # under way, oldest first
        self._ended: OrderedDict[CallId, CallTrace] = OrderedDict()
        self._legs: dict[Key, tuple[CallTrace, Leg]] = {}
        self._sources: OrderedDict[tuple[str, str], deque[tuple[bytes, Message]]] = OrderedDict()
        self._sources_octets = 0
        self._held: tuple[bytes, Flow, float] | None = None
        self._loose: deque[tuple[float, CallId]] = deque()  # since when calls are not packed, oldest first

    # What happens

    def received(self, data: bytes, flow: Flow, now: float) -> None:
        """Take a message that came in; it is held back until `place`, or until it is known whose it is."""
        if data[:1] < b"!":
            data = data.lstrip(b"\r\n")
            if data[:1] < b"!":  # a keepalive, or STUN
                return
        self.place()
        self.tidy(now, 1)  # where calls come fast no timer may be due for long
        self._held = (data, flow, now)

    def place(self) -> None:
        """Put the message that was held back where it belongs."""
        if self._held is not None:
            (data, flow, now), self._held = self._held, None
            self._message(data, flow, now, inward=True)

    def sent(self, outgoing: Outgoing, now: float) -> None:
        """Take a message that goes out."""
        self._message(outgoing.data, outgoing.to, now, inward=False)

    def failed(self, outgoing: Outgoing, sentence: str, now: float) -> None:
        """Take the word that a message could not be delivered."""
        self.place()
        trace, _ = self._legs.get((outgoing.to.zone, _call_id(outgoing.data)), _NOBODY)
        if trace is not None:
            self._keep(trace, Note(self._next(), now, f"not delivered: {sentence}"))

    def begin(self, call: CallId, flow: Flow, call_id: str, now: float, parties: tuple[str, str] = ("", "")) -> None:
        """Begin a call with its caller's leg; what came and went with that Call-ID before belongs to it.

        `parties` are caller and callee, for people.
        """
        trace = self._calls[call] = CallTrace(call, now, parties)
        self._adopt(trace, (flow.zone, flow.remote[0]), call_id.encode())
        self.join(call, flow.zone, call_id, "a")
        self.place()

    def hide(self, call: CallId, pin: str) -> None:
        """Keep a PIN that was dialled out of what a call still says; "" is none."""
        trace = self._calls.get(call)
        if trace is not None and pin and pin.encode() not in trace.pins:
            trace.pins = (*trace.pins, pin.encode())[-MAX_PINS:]

    def join(self, call: CallId, zone: str, call_id: str, leg: Leg = "b") -> None:
        """Tell a further leg of a call."""
        trace = self._calls.get(call)
        if trace is not None:
            key = (zone, call_id.encode())
            trace.keys.append(key)
            self._legs[key] = trace, leg

    def said(self, message: object, now: float) -> None:
        """Keep what was said at the pinhole socket, with the calls that it concerns."""
        for call in concerned(message):
            self.note(call, cast("Event", message), now)

    def note(self, call: str, event: Event, now: float) -> None:
        """Keep what happened beside the messages of a call; of a call that is not known, nothing."""
        self.place()
        trace = self._calls.get(CallId(call)) or self._ended.get(CallId(call))
        if trace is not None:
            self._keep(trace, Note(self._next(), now, event))

    def end(self, call: CallId, event: Event, now: float) -> None:
        """Note why a call ended. Its last messages are still to come."""
        self.note(call, event, now)
        trace = self._calls.pop(call, None)
        if trace is not None:
            trace.ended = now
            self._ended[call] = trace
            while len(self._ended) > KEPT_CALLS:
                self._forget()

    def tidy(self, now: float, most: int = PACKED_AT_ONCE) -> None:
        """Pack what was said in calls that go on, a few at a time; one that has ended soon goes."""
        packed = 0
        while self._loose and packed < most and self._loose[0][0] + PACK_SECONDS <= now:
            trace = self._calls.get(self._loose.popleft()[1])
            if trace is not None and trace.is_loose:
                self.octets += trace.pack()
                packed += 1
                self._settled(trace.call)

    # What is asked

    @property
    def number(self) -> int:
        """The number of the last entry."""
        return self._number

    def of(self, call: str) -> CallTrace | None:
        """Give the trace of a call, also of one that ended lately."""
        return self._calls.get(CallId(call)) or self._ended.get(CallId(call))

    def source(self, host: str) -> tuple[Message, ...]:
        """Give the last messages of a source, and our answers, that belong to no call; oldest first."""
        found = [message for (_, each), kept in self._sources.items() if each == host for _, message in kept]
        return tuple(sorted(found, key=lambda message: message.number))

    @property
    def sizes(self) -> dict[str, int]:
        """How much is remembered."""
        return {
            "traced calls": len(self._calls) + len(self._ended),
            "traced octets": self.octets,
            "traced sources": len(self._sources),
        }

    # Keeping

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _message(self, data: bytes, path: Flow | Target, now: float, *, inward: bool) -> None:
        call_id = _call_id(data)
        trace, leg = self._legs.get((path.zone, call_id)) or self._met(data, (path.zone, call_id), now, inward)
        kept = redacted(data)
        for pin in trace.pins if trace is not None else ():
            kept = without(pin, kept)
        message = Message(self._next(), now, leg, inward, path, kept)
        if trace is not None:
            self._keep(trace, message)
        else:
            self._keep_of_source(call_id, message)

    def _met(self, data: bytes, key: Key, now: float, inward: bool) -> tuple[CallTrace | None, Leg]:
        """Find the call of a leg by the tag that we wrote into its first request."""
        tag = b"" if inward or data.startswith(b"SIP/") else _our_tag(data)
        owner = self._owner(tag.decode()) if tag else None
        if owner is None:
            return _NOBODY
        call, leg = owner
        trace = self.of(call)
        if trace is None:
            trace = self._calls[call] = CallTrace(call, now)
        trace.keys.append(key)
        self._legs[key] = trace, leg
        return trace, leg

    def _keep(self, trace: CallTrace, entry: Entry) -> None:
        was_loose = trace.is_loose
        self.octets += trace.add(entry, len(entry.data) if isinstance(entry, Message) else 0)
        if not was_loose and trace.is_loose:
            self._loose.append((entry.at, trace.call))
        while self.octets > MAX_OCTETS and self._ended:
            self._forget()
        if self.octets > MAX_OCTETS:
            self._clear_oldest()
        for tap in self.taps:
            tap(trace.call, entry)

    def _forget(self) -> None:
        """Drop the call that ended first."""
        _, trace = self._ended.popitem(last=False)
        self.octets -= trace.octets
        for key in trace.keys:
            if self._legs.get(key, _NOBODY)[0] is trace:
                del self._legs[key]

    def _clear_oldest(self) -> None:
        """Drop what was said in the oldest of the calls that are under way: they have more than fits."""
        for trace in self._calls.values():
            if self.octets <= MAX_OCTETS:
                return
            self.octets -= trace.octets
            trace.clear()

    def _keep_of_source(self, call_id: bytes, message: Message) -> None:
        path = message.path
        key = (path.zone, path.remote[0] if isinstance(path, Flow) else path.host)
        kept = self._sources.get(key)
        if kept is None:
            kept = self._sources[key] = deque()
        else:
            self._sources.move_to_end(key)
        kept.append((call_id, message))
        self._sources_octets += len(message.data)
        if len(kept) > SOURCE_MESSAGES:
            self._sources_octets -= len(kept.popleft()[1].data)
        while len(self._sources) > SOURCES or self._sources_octets > SOURCES_OCTETS:
            _, gone = self._sources.popitem(last=False)
            self._sources_octets -= sum(len(each.data) for _, each in gone)
        for tap in self.taps:
            tap(None, message)

    def _adopt(self, trace: CallTrace, source: tuple[str, str], call_id: bytes) -> None:
        """Move messages that came before the call had begun, as while a name was looked up."""
        kept = self._sources.get(source, ())
        mine = [message for each, message in kept if each == call_id]
        if not mine:
            return
        self._sources_octets -= sum(len(message.data) for message in mine)
        self._sources[source] = deque(pair for pair in kept if pair[0] != call_id)
        if not self._sources[source]:
            del self._sources[source]
        for message in mine:
            self.octets += trace.add(message._replace(leg="a"), len(message.data))
        self._loose.append((trace.began, trace.call))


_NOBODY: tuple[None, Leg] = (None, "")

# RFC 3261 20.8, its compact form 7.3.3
_CALL_ID = re.compile(rb"(?i)\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)")


def _call_id(data: bytes) -> bytes:
    """Give Call-ID as most write it without reading the rest, else by its grammar; b"" where there is none."""
    end = data.find(b"\r\n\r\n")
    start = data.find(b"\r\nCall-ID: ", 0, end)
    if start >= 0:
        return data[start + 11 : data.find(b"\r\n", start + 11)].strip(b" \t")
    found = _CALL_ID.search(data, 0, end if end >= 0 else len(data))
    return found[1].strip(b" \t") if found else b""


def _our_tag(data: bytes) -> bytes:
    """Give the tag of From in a request as `b2bua.sip` writes it; b"" for another's."""
    start = data.find(b"\r\nFrom: ")
    line = data[start : data.find(b"\r\n", start + 8)] if start >= 0 else b""
    return line.rpartition(b";tag=")[2] if b";tag=" in line else b""
