"""The floor control server of one room, with one floor: the right to present (RFC 8855 sections 8, 10, 13).

Theory of operation. Whoever may present gets the floor at once when they ask: from whoever had it before, who hears
that it is revoked, unless that is a host and they are not. Everybody who has asked for the floor's status hears every
change. Over UDP a message of ours is repeated until it is acknowledged; over TCP it is said once, as transaction 0.

`receive` takes a message; the floor changes hands by `presenter`, which the owner reads; `take` gives what is to be
sent, `on_timer` repeats it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from mixer.bfcp.message import Attribute, Kind, Message, Primitive, Status, group, number, serialise, words

FLOOR = 1
"""The one floor's number."""

T1 = 0.5
"""Seconds before a message over UDP is said again, doubled each time (RFC 8855 section 8.3.2)."""

TRIES = 4
"""Times that it is said."""

MAX_USERS = 200
"""Users of one room's floor: as many as a room has participants."""

ERROR_UNKNOWN_PRIMITIVE, ERROR_FLOOR, ERROR_REQUEST = 3, 5, 7
"""Section 5.2.6: unknown primitive, invalid floor, floor request that does not exist."""

_KNOWN = tuple(sorted({*Primitive} - {Primitive.CHAIR_ACTION, Primitive.CHAIR_ACTION_ACK}))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Octets for a user."""

    user: int
    data: bytes


@dataclass(slots=True)
class _User:
    ident: int
    host: bool
    udp: bool
    watches: bool = False
    request: int = 0
    transaction: int = 0


@dataclass(slots=True)
class _Repeat:
    data: bytes
    due: float
    wait: float = T1
    left: int = TRIES - 1


@dataclass(slots=True)
class _Seen:
    """The last request of a user, to answer a repetition alike."""

    transaction: int
    primitive: int
    answers: list[bytes] = field(default_factory=list)


class FloorServer:
    """One conference. `may` tells whether a user may present now."""

    def __init__(self, conference: int, may: Callable[[int], bool]) -> None:
        self.conference = conference
        self._may = may
        self._users: dict[int, _User] = {}
        self._holder = 0
        self._requests = 0
        self._outbox: list[Outgoing] = []
        self._repeats: dict[tuple[int, int], _Repeat] = {}
        self._seen: dict[int, _Seen] = {}

    @property
    def presenter(self) -> int:
        """The user who has the floor; 0 for nobody."""
        return self._holder

    def take(self) -> list[Outgoing]:
        """Give what is to be sent since the last call."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def join(self, user: int, *, host: bool, udp: bool) -> None:
        """Take in a user whose description has floor control, or who has changed role."""
        known = self._users.get(user)
        if known is not None:
            known.host, known.udp = host, udp
        elif len(self._users) < MAX_USERS:
            self._users[user] = _User(user, host, udp)

    def leave(self, user: int, now: float) -> None:
        """Let go of a user."""
        if self._holder == user:
            self._holder = 0
        self._users.pop(user, None)
        self._seen.pop(user, None)
        for key in [key for key in self._repeats if key[0] == user]:
            del self._repeats[key]
        self._tell(now)

    def revoke(self, now: float) -> None:
        """Take the floor from whoever has it."""
        holder = self._users.get(self._holder)
        self._holder = 0
        if holder is not None:
            self._say(holder, Primitive.FLOOR_REQUEST_STATUS, (_request(holder, Status.REVOKED),), now)
            holder.request = 0
        self._tell(now)

    def receive(self, message: Message, now: float) -> None:
        """Take a message of a user who is known by address."""
        user = self._users.get(message.user)
        if user is None or message.conference != self.conference:
            return
        if message.primitive in {Primitive.FLOOR_REQUEST_STATUS_ACK, Primitive.FLOOR_STATUS_ACK} or message.response:
            self._repeats.pop((user.ident, message.transaction), None)
            return
        seen = self._seen.get(user.ident)
        if seen is not None and (seen.transaction, seen.primitive) == (message.transaction, message.primitive):
            self._outbox += [Outgoing(user.ident, data) for data in seen.answers]
            return
        self._seen[user.ident] = _Seen(message.transaction, message.primitive)
        handler = self._HANDLERS.get(message.primitive)
        if handler is None:
            self._error(user, message, ERROR_UNKNOWN_PRIMITIVE)
        else:
            handler(self, user, message, now)

    def next_timer(self) -> float | None:
        """Give when `on_timer` is due."""
        return min((one.due for one in self._repeats.values()), default=None)

    def on_timer(self, now: float) -> None:
        """Say again what was not acknowledged."""
        for key, one in list(self._repeats.items()):
            if one.due > now:
                continue
            if not one.left:
                del self._repeats[key]
                continue
            one.wait *= 2
            one.due, one.left = now + one.wait, one.left - 1
            self._outbox.append(Outgoing(key[0], one.data))

    # Requests

    def _hello(self, user: _User, message: Message, _: float) -> None:
        kinds = (words(Kind.SUPPORTED_PRIMITIVES, _KNOWN), words(Kind.SUPPORTED_ATTRIBUTES, tuple(Kind)))
        self._answer(user, message, Primitive.HELLO_ACK, kinds)

    def _goodbye(self, user: _User, message: Message, now: float) -> None:
        self._answer(user, message, Primitive.GOODBYE_ACK)
        user.watches = False
        if self._holder == user.ident:
            self._holder, user.request = 0, 0
            self._tell(now)

    def _requested(self, user: _User, message: Message, now: float) -> None:
        wanted = message.first(Kind.FLOOR_ID)
        if wanted is None or wanted.number != FLOOR:
            self._error(user, message, ERROR_FLOOR)
            return
        self._requests = self._requests % 65_535 + 1
        user.request = self._requests
        holder = self._users.get(self._holder)
        taken = holder is not None and holder is not user and holder.host and not user.host
        if taken or not self._may(user.ident):
            self._answer(user, message, Primitive.FLOOR_REQUEST_STATUS, (_request(user, Status.DENIED),))
            user.request = 0
            return
        if holder is not None and holder is not user:
            self.revoke(now)
        self._holder = user.ident
        self._answer(user, message, Primitive.FLOOR_REQUEST_STATUS, (_request(user, Status.GRANTED),))
        self._tell(now)

    def _released(self, user: _User, message: Message, now: float) -> None:
        which = message.first(Kind.FLOOR_REQUEST_ID)
        if which is None or not user.request or which.number != user.request:
            self._error(user, message, ERROR_REQUEST)
            return
        self._answer(user, message, Primitive.FLOOR_REQUEST_STATUS, (_request(user, Status.RELEASED),))
        user.request = 0
        if self._holder == user.ident:
            self._holder = 0
            self._tell(now)

    def _asked_request(self, user: _User, message: Message, _: float) -> None:
        which = message.first(Kind.FLOOR_REQUEST_ID)
        if which is None or not user.request or which.number != user.request:
            self._error(user, message, ERROR_REQUEST)
            return
        self._answer(user, message, Primitive.FLOOR_REQUEST_STATUS, (_request(user, Status.GRANTED),))

    def _asked_user(self, user: _User, message: Message, _: float) -> None:
        held = (_request(user, Status.GRANTED),) if user.request else ()
        self._answer(user, message, Primitive.USER_STATUS, held)

    def _asked_floor(self, user: _User, message: Message, _: float) -> None:
        """Section 13.5: whoever asks is told of every change, until they ask for no floor."""
        user.watches = message.first(Kind.FLOOR_ID) is not None
        self._answer(user, message, Primitive.FLOOR_STATUS, self._status())

    _HANDLERS: ClassVar[dict[int, Callable[[FloorServer, _User, Message, float], None]]] = {
        Primitive.HELLO: _hello,
        Primitive.GOODBYE: _goodbye,
        Primitive.FLOOR_REQUEST: _requested,
        Primitive.FLOOR_RELEASE: _released,
        Primitive.FLOOR_REQUEST_QUERY: _asked_request,
        Primitive.USER_QUERY: _asked_user,
        Primitive.FLOOR_QUERY: _asked_floor,
    }

    # Answers

    def _status(self) -> tuple[Attribute, ...]:
        holder = self._users.get(self._holder)
        return (number(Kind.FLOOR_ID, FLOOR), *((_request(holder, Status.GRANTED),) if holder is not None else ()))

    def _tell(self, now: float) -> None:
        for user in self._users.values():
            if user.watches:
                self._say(user, Primitive.FLOOR_STATUS, self._status(), now)

    def _answer(
        self, user: _User, asked: Message, primitive: Primitive, attributes: tuple[Attribute, ...] = ()
    ) -> None:
        """Answer a request; a repetition of it is answered with the same octets."""
        answer = Message(
            primitive, self.conference, asked.transaction, user.ident, attributes, asked.version, response=True
        )
        data = serialise(answer)
        seen = self._seen.get(user.ident)
        if seen is not None and seen.transaction == asked.transaction:
            seen.answers.append(data)
        self._outbox.append(Outgoing(user.ident, data))

    def _error(self, user: _User, asked: Message, code: int) -> None:
        self._answer(user, asked, Primitive.ERROR, (Attribute(Kind.ERROR_CODE, bytes((code,))),))

    def _say(self, user: _User, primitive: Primitive, attributes: tuple[Attribute, ...], now: float) -> None:
        """Say something unasked."""
        if user.udp:
            user.transaction = user.transaction % 65_535 + 1
        transaction = user.transaction if user.udp else 0
        version = 2 if user.udp else 1
        data = serialise(Message(primitive, self.conference, transaction, user.ident, attributes, version))
        self._outbox.append(Outgoing(user.ident, data))
        if user.udp:
            self._repeats[user.ident, transaction] = _Repeat(data, now + T1)


def _request(user: _User, status: Status) -> Attribute:
    """Write FLOOR-REQUEST-INFORMATION (section 5.2.15): how the whole request and its floor stand, and whose it is."""
    stand = Attribute(Kind.REQUEST_STATUS, bytes((status, 0)))
    return group(
        Kind.FLOOR_REQUEST_INFORMATION,
        user.request,
        group(Kind.OVERALL_REQUEST_STATUS, user.request, stand),
        group(Kind.FLOOR_REQUEST_STATUS, FLOOR, stand),
        group(Kind.BENEFICIARY_INFORMATION, user.ident),
    )
