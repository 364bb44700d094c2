"""What hosts and operators do to a room; each raises `RoomError` where it cannot be done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mixer.layout import View
from mixer.room.commands import Announce, Dial, Drop, Log, Move, Over, Redraw, StartRecording, StopRecording, Voice
from mixer.room.errors import RoomError
from mixer.room.hall import Hall
from mixer.room.participant import WAITING, Participant, Phase, Role
from mixer.room.settings import RoomSettings


class Steering(Hall):
    """A room that is steered."""

    # What hosts and operators do; each raises RoomError where it cannot be

    def admit(self, participant: str, now: float) -> None:
        """Let somebody in who waits."""
        one = self.one(participant)
        if one.phase not in WAITING and one.phase is not Phase.PIN:
            raise RoomError(f"{one.name} does not wait: phase {one.phase}")
        self.enter(one, now)
        self.changed()

    def mute(self, participant: str, *, muted: bool) -> None:
        """Mute somebody, or let them be heard again."""
        one = self.one(participant)
        one.muted = muted
        if one.inside:
            self.do(Voice(one.id, muted=muted, deaf=False))
        self.do(Announce())

    def mute_guests(self, *, muted: bool) -> None:
        """Mute all guests, those who still come included."""
        self.guests_muted = muted
        for one in self.all:
            if one.role is Role.GUEST and one.phase is not Phase.LEAVING and one.muted != muted:
                self.mute(one.id, muted=muted)

    def spotlight(self, participants: Iterable[str]) -> None:
        """Keep these people in the main places, in this order; nobody for none."""
        chosen = tuple(dict.fromkeys(participants))
        for who in chosen:
            self.one(who)
        self.spotlights = chosen
        self.changed()

    def lay_out(self, host: View | None, guest: View | None) -> None:
        """Change the views; None leaves one as it is."""
        settings = self.settings
        self.settings = replace(settings, host_view=host or settings.host_view, guest_view=guest or settings.guest_view)
        self.changed()

    def apply(self, settings: RoomSettings) -> None:
        """Take settings that have changed while the room runs."""
        if settings.mute_guests != self.settings.mute_guests:
            self.mute_guests(muted=settings.mute_guests)
        self.noticed = self.noticed and settings.ends == self.settings.ends
        self.settings = settings
        self.changed()

    def lock(self, now: float, *, locked: bool) -> None:
        """Keep out all but hosts, or let in whoever waits for that."""
        if locked == self.locked:
            return
        self.locked = locked
        self.tell("room_locked" if locked else "room_unlocked")
        if not locked:
            for one in self.all:
                if one.phase is Phase.KNOCKING:
                    self.admitted(one, one.role, now)
        self.changed()

    def set_role(self, participant: str, role: Role, now: float) -> None:
        """Make somebody host or guest."""
        one = self.one(participant)
        one.role = role
        if role is Role.HOST and one.phase in WAITING:
            self.enter(one, now)
        self.begin(now)
        self.changed()

    def kick(self, participant: str, now: float) -> None:
        """Ask somebody to leave: they are told, and let go."""
        one = self.one(participant)
        if one.phase is Phase.DIALLED:
            del self.people[participant]
            self.do(Drop(participant, 487, "the call is not wanted any more"))
        else:
            self.dismiss(one, "removed", 603, "the host has ended your participation", now)
        self.changed()

    def transfer(self, participant: str, alias: str) -> None:
        """Take somebody to another room of this server."""
        one = self.one(participant)
        if one.phase in {Phase.DIALLED, Phase.LEAVING}:
            raise RoomError(f"{one.name} cannot be moved: phase {one.phase}")
        self.do(Move(participant, alias))

    def show(self, text: str, until: float) -> None:
        """Show a line of text on every picture until then; "" takes it away."""
        self.message, self.message_until = text[:200], until
        self.do(Redraw())

    def record(self, *, on: bool) -> None:
        """Begin or end a recording; everybody hears and sees it."""
        if on and not self.settings.recording:
            raise RoomError(f"room {self.settings.alias} does not allow recording")
        if on == self.recording:
            return
        self.recording = on
        self.do(StartRecording() if on else StopRecording())
        self.tell("recording_on" if on else "recording_off")
        self.do(Log("recording.begun" if on else "recording.ended"))
        self.changed()

    def unrecorded(self, reason: str) -> None:
        """Take that a recording could not begin, or has broken off: everybody hears and sees that it is over."""
        if self.recording:
            self.recording = False
            self.tell("recording_off")
            self.do(Log("recording.lost", detail=reason))
            self.changed()

    def end(self, now: float, reason: str) -> None:
        """End the meeting: everybody is told, and let go."""
        if self.over:
            return
        self.over = True
        self.do(Log("room.ended", detail=reason))
        if self.recording:
            self.record(on=False)
        for one in self.all:
            if one.phase is Phase.DIALLED:
                del self.people[one.id]
                self.do(Drop(one.id, 487, "the meeting has ended"))
            else:
                self.dismiss(one, "meeting_ended", 410, "the meeting has ended", now)
        if not self.people:
            self.do(Over(reason))
        self.changed()

    def dial(self, participant: str, address: str, role: Role, name: str, now: float) -> None:
        """Call somebody into the room."""
        if self.over:
            raise RoomError(f"room {self.settings.alias} has ended")
        one = Participant(participant, name or address, address, Phase.DIALLED, now, role, video=False)
        if self.full(one):
            raise RoomError(f"room {self.settings.alias} is full: it takes {self.settings.limit} participants")
        self.people[participant] = one
        self.do(Dial(participant, address, role))
        self.do(Announce())
