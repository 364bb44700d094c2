"""One room: calls come and go, keys are pressed, time passes. `hall` tells of phases.

Every call may add commands, which `take` gives; `on_timer` is due at `next_timer()`.
"""

from __future__ import annotations

from collections.abc import Mapping

from mixer.room import door
from mixer.room.commands import (
    Announce,
    Drop,
    Find,
    Hush,
    Log,
    Move,
    Over,
    Redraw,
    Say,
    Voice,
)
from mixer.room.door import Outcome
from mixer.room.guard import Guard
from mixer.room.keys import tone
from mixer.room.participant import Arrival, Participant, Phase, Role
from mixer.room.settings import Kind, RoomSettings
from mixer.room.steering import Steering

NOTICE = 300.0
"""Seconds before the end of a meeting at which all are told."""

REPEAT = 8.0
"""Seconds between two times that somebody at the door is asked."""


class Room(Steering):
    """A room. `guard` is shared by all rooms of a server; times are seconds since 1970."""

    def __init__(self, settings: RoomSettings, guard: Guard, now: float) -> None:
        super().__init__(settings, now)
        self._guard = guard

    # Calls

    def arrive(self, arrival: Arrival, now: float) -> None:
        """Take somebody whose call stands, and whose media flows."""
        known = self.people.pop(arrival.participant, None)
        role = arrival.role or (known.role if known is not None else None)
        one = Participant(
            arrival.participant,
            arrival.name or arrival.address,
            arrival.address,
            Phase.PIN,
            now,
            video=arrival.video,
            content=arrival.content,
            encrypted=arrival.encrypted,
        )
        self.people[one.id] = one
        self.do(Log("participant.arrived", one.id, one.address))
        settings = self.settings
        if settings.force_encryption and not one.encrypted:
            self.dismiss(one, "encryption_required", 488, "this room takes encrypted calls only", now)
        elif self.over:
            self.dismiss(one, "meeting_ended", 410, "the meeting has ended", now)
        elif self.full(one):
            self.dismiss(one, "room_full", 486, "the room is full", now)
        elif role is not None:
            self.admitted(one, role, now)
        elif not door.asks(settings):
            self.admitted(one, Role.HOST, now)
        elif self._guard.locked(arrival.address, now):
            self.do(Log("source.locked", one.id, one.address))
            self.dismiss(one, "locked_out", 403, "too many wrong entries", now)
        elif arrival.pin and door.judge(settings, arrival.pin) in {Outcome.HOST, Outcome.GUEST}:
            self.admitted(one, Role(door.judge(settings, arrival.pin).value), now)
        else:
            one.deadline = now + door.PATIENCE
            self.do(Voice(one.id, muted=True, deaf=True))
            self.do(Say(one.id, door.asks(settings), repeat=REPEAT))
        self.changed()

    def gone(self, participant: str, now: float) -> None:
        """Take that somebody's call has ended."""
        one = self.people.pop(participant, None)
        if one is None:
            return
        del now
        self.floor.leave(participant)
        self.spotlights = tuple(who for who in self.spotlights if who != participant)
        self.do(Log("participant.left", one.id, one.address))
        if self.presenter == participant:
            self.present("")
        if self.over and not self.people:
            self.do(Over("the meeting has ended"))
        self.changed()

    def renew(self, arrival: Arrival) -> None:
        """Take that somebody's streams have changed: with or without a picture, content, encryption."""
        one = self.people.get(arrival.participant)
        if one is not None:
            one.video, one.content, one.encrypted = arrival.video, arrival.content, arrival.encrypted
            self.changed()

    def found(self, participant: str, alias: str, now: float, *, exists: bool) -> None:
        """Take the answer to `Find`."""
        one = self.people.get(participant)
        if one is None or one.phase is not Phase.PIN:
            return
        if not exists:
            self._wrong(one, now)
            return
        self.do(Hush(participant))
        self.do(Move(participant, alias))

    # What participants do

    def digit(self, participant: str, key: str, now: float) -> None:
        """Take a key that somebody pressed."""
        one = self.people.get(participant)
        if one is None:
            return
        if one.phase is Phase.PIN:
            if not one.digits:
                self.do(Hush(one.id))
            entry = door.press(one, key, now)
            if entry is not None:
                self._entered(one, entry, now)
        elif one.inside and self.settings.kind is Kind.MEETING:
            self._key(one, key, now)
        elif one.inside and self.settings.kind is Kind.GATEWAY:
            self._pass(one, key)

    def hear(self, levels: Mapping[str, float], now: float) -> None:
        """Take how loud everybody is, in dB below full scale."""
        people = self.people
        heard = {who: level for who, level in levels.items() if who in people and people[who].inside}
        before = self.floor.speaking
        if self.floor.hear({who: level for who, level in heard.items() if not people[who].muted}, now):
            self.seat()
        if self.floor.speaking != before:
            self.do(Announce())

    def may_present(self, participant: str) -> bool:
        """Tell whether somebody may have the floor."""
        one = self.people.get(participant)
        return one is not None and one.inside and (one.role is Role.HOST or self.settings.guests_present)

    def prompted(self, participant: str, key: str, now: float) -> None:
        """Take that a prompt with a key has been said."""
        one = self.people.get(participant)
        if one is not None and one.phase is Phase.LEAVING and key == "farewell":
            one.deadline = now
            self.on_timer(now)

    def note(self, participant: str, text: str) -> None:
        """Write something on one participant's own picture: the findings of a test."""
        one = self.people.get(participant)
        if one is not None and one.note != text:
            one.note = text
            self.do(Redraw())

    # Time

    def next_timer(self) -> float | None:
        """Give when `on_timer` is due; None where nothing is."""
        due = [one.deadline for one in self.all if one.deadline is not None]
        if self.message:
            due.append(self.message_until)
        if self.settings.ends is not None and not self.over:
            due.append(self.settings.ends if self.noticed else self.settings.ends - NOTICE)
        return min(due, default=None)

    def on_timer(self, now: float) -> None:
        """Do what is due."""
        for one in self.all:
            if one.deadline is not None and one.deadline <= now:
                one.deadline = None
                self._late(one, now)
        if self.message and self.message_until <= now:
            self.show("", 0.0)
        ends = self.settings.ends
        if ends is None or self.over:
            return
        if not self.noticed and now >= ends - NOTICE:
            self.noticed = True
            if now < ends:
                self.tell("five_minutes")
        if now >= ends:
            self.end(now, "its time is over")

    def _late(self, one: Participant, now: float) -> None:
        if one.phase is Phase.LEAVING:
            del self.people[one.id]
            self.do(Drop(one.id, *one.ending))
            self.do(Announce())
            if self.over and not self.people:
                self.do(Over("the meeting has ended"))
        elif one.phase is Phase.PIN:
            entry = door.paused(one, now)
            if entry is None:
                self.dismiss(one, "goodbye", 408, "nothing was entered", now)
            else:
                self._entered(one, entry, now)
        elif self.settings.kind is Kind.TEST:
            self.dismiss(one, "test_over", 408, "the test is over", now)
        self.changed()

    # At the door

    def _entered(self, one: Participant, entry: str, now: float) -> None:
        outcome = door.judge(self.settings, entry)
        if outcome is Outcome.LOOK_UP:
            self.do(Find(one.id, entry))
        elif outcome is Outcome.WRONG:
            self._wrong(one, now)
        else:
            self.do(Hush(one.id))
            self.admitted(one, Role(outcome.value), now)
            self.changed()

    def _wrong(self, one: Participant, now: float) -> None:
        one.tries += 1
        self._guard.wrong(one.address, now)
        self.do(Log("entry.wrong", one.id, one.address))
        self.do(Hush(one.id))
        reception = self.settings.kind is Kind.RECEPTION
        if one.tries >= door.TRIES:
            self.dismiss(one, "no_more_tries", 403, "the PIN was wrong three times", now)
            self.changed()
            return
        one.note = "@no_such_room" if reception else "@wrong_pin"
        self.do(Redraw())
        self.do(Say(one.id, one.note[1:]))
        self.do(Say(one.id, door.asks(self.settings), repeat=REPEAT))

    # Inside

    def _pass(self, one: Participant, key: str) -> None:
        """Give a key to the other end of a bridge: it is for whoever answers there."""
        for other in self.all:
            if other.inside and other is not one:
                self.do(Say(other.id, tone(key)))

    def _key(self, one: Participant, key: str, now: float) -> None:
        """Take a short cut: `*6` mutes and unmutes oneself; of a host `*5` locks and unlocks, `*9` mutes all guests."""
        if not one.keys:
            one.keys = "*" if key == "*" else ""
            return
        one.keys = ""
        if key == "6" and not (one.muted and self.guests_muted and one.role is Role.GUEST):
            self.mute(one.id, muted=not one.muted)
            self.do(Say(one.id, "you_are_muted" if one.muted else "you_are_heard"))
        elif key == "5" and one.role is Role.HOST:
            self.lock(now, locked=not self.locked)
        elif key == "9" and one.role is Role.HOST:
            self.mute_guests(muted=not self.guests_muted)
