"""Orders carried out: one function each, from a message of `vdx.meetings` to the room's logic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from mixer.agent.meeting import Meeting
from mixer.agent.meetings import Meetings
from mixer.layout import View
from mixer.reports import StreamStats
from mixer.room import Role, RoomError
from vdx import meetings as orders
from vdx.meetings import Attendee, Denied, Done, OrderAnswer, Quality, Roster, RunningRoom


class Server(Protocol):
    """What orders need of the server."""

    meetings: Meetings

    def new_participant(self) -> str:
        """Give a new identifier."""
        ...

    def shut(self, alias: str) -> str:
        """Say why nobody can be sent to a room; "" where they can."""
        ...

    def status(self) -> orders.Status:
        """Tell how the server does."""
        ...

    def drain(self, *, draining: bool) -> None:
        """Take no new rooms, or take them again."""
        ...


def carry_out(server: Server, order: orders.Order, now: float) -> OrderAnswer:
    """Do what was ordered; `now` in seconds since 1970."""
    try:
        if isinstance(order, orders.ListRooms):
            return orders.Rooms(tuple(map(_running, server.meetings.running.values())))
        if isinstance(order, orders.ShowStatus):
            return server.status()
        if isinstance(order, orders.DrainNode):
            server.drain(draining=order.draining)
            return Done()
        if isinstance(order, orders.DialOut):
            return _dial(server, order, now)
        meeting = server.meetings.get(order.room)
        if isinstance(order, orders.ShowRoster):
            return roster(meeting)
        if isinstance(order, orders.Transfer) and (why := server.shut(order.to)):
            return Denied(f"{order.participant} stays here: {why}")
        _ORDERS[type(order)](meeting, order, now)
        meeting.settle()
    except RoomError as error:
        return Denied(str(error))
    return Done()


def _dial(server: Server, order: orders.DialOut, now: float) -> Done:
    meeting = server.meetings.opened(order.room)
    participant = server.new_participant()
    meeting.room.dial(participant, order.address, Role(order.role), order.name, now)
    meeting.settle()
    return Done(participant)


def _layout(meeting: Meeting, order: orders.Layout, _: float) -> None:
    host, guest = order.host_view, order.guest_view
    meeting.room.lay_out(View(host) if host else None, View(guest) if guest else None)


_ORDERS: dict[type, Callable[[Meeting, Any, float], None]] = {
    orders.Admit: lambda meeting, order, now: meeting.room.admit(order.participant, now),
    orders.Mute: lambda meeting, order, _: meeting.room.mute(order.participant, muted=order.muted),
    orders.MuteGuests: lambda meeting, order, _: meeting.room.mute_guests(muted=order.muted),
    orders.Spotlight: lambda meeting, order, _: meeting.room.spotlight(order.participants),
    orders.Layout: _layout,
    orders.Lock: lambda meeting, order, now: meeting.room.lock(now, locked=order.locked),
    orders.SetRole: lambda meeting, order, now: meeting.room.set_role(order.participant, Role(order.role), now),
    orders.Kick: lambda meeting, order, now: meeting.room.kick(order.participant, now),
    orders.Transfer: lambda meeting, order, _: meeting.room.transfer(order.participant, order.to),
    orders.ShowText: lambda meeting, order, now: meeting.room.show(order.text, now + order.seconds),
    orders.Recording: lambda meeting, order, _: meeting.room.record(on=order.on),
    orders.End: lambda meeting, _, now: meeting.room.end(now, "it was ended"),
}


def roster(meeting: Meeting) -> Roster:
    """Give who is in a room, with how their streams do."""
    settings = meeting.room.settings
    attendees = []
    for entry in meeting.room.roster:
        caller = meeting.callers.get(entry.participant)
        attendees.append(
            Attendee(
                entry.participant,
                entry.name,
                entry.address,
                entry.role,
                entry.phase,
                entry.arrived,
                muted=entry.muted,
                speaking=entry.speaking,
                floor=entry.floor,
                presenting=entry.presenting,
                spotlight=entry.spotlight,
                encrypted=entry.encrypted,
                streams=tuple(map(_quality, caller.stats)) if caller is not None else (),
            )
        )
    room = meeting.room
    return Roster(meeting.key, settings.alias, settings.name, room.locked, room.recording, tuple(attendees))


def _quality(one: StreamStats) -> Quality:
    got, sent = one.received, one.sent
    return Quality(
        one.media,
        got.encoding or sent.encoding,
        got.kbps,
        sent.kbps,
        got.loss,
        sent.loss,
        got.jitter,
        got.width,
        got.height,
        got.fps,
        one.encrypted,
    )


def _running(meeting: Meeting) -> RunningRoom:
    room = meeting.room
    return RunningRoom(
        meeting.key,
        room.settings.alias,
        room.settings.name,
        len(room),
        sum(1 for entry in room.roster if entry.phase == "inside"),
        room.began,
        room.locked,
        room.recording,
    )
