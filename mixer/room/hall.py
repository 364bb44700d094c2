"""Who is in a room and what it shows; how somebody comes in, waits and is let go.

Theory of operation. Each participant stands in one phase:

    phase      entered by                          left by
    dialled    `dial`                              `arrive`, `gone`
    pin        `arrive`, where somebody is asked   the right entry; too many wrong ones, too little patience
    lobby      a guest, while no host is inside    a host comes; `admit`
    knocking   anybody but a host, while locked    `admit`; unlocking
    inside     `enter`                             `kick`, `end`, `gone`
    leaving    `dismiss`                           the end of what is said to them, or FAREWELL seconds
"""

from __future__ import annotations

from dataclasses import replace

from mixer.room import picture
from mixer.room.commands import Announce, Command, Hush, Listen, Log, Redraw, Say, Voice
from mixer.room.errors import RoomError
from mixer.room.participant import WAITING, Entry, Participant, Phase, Role
from mixer.room.picture import Leading, Picture, Pictures
from mixer.room.settings import Kind, RoomSettings
from mixer.speaker import Floor

FAREWELL = 12.0
"""Seconds in which somebody is told why they are let go: the longest prompt takes eight."""

TEST_SECONDS = 300.0
"""How long somebody may test: a forgotten test call is not to hold a port for the day."""

MAX_PARTICIPANTS = 200
"""Participants of one room, whatever its limit: what one server could carry as audio."""

PERSONAL = 1
"""Pictures of others up to which each has one without himself where processors are short: of two, each is passed on."""

LOBBY_REPEAT = 45.0
"""Seconds between two times that somebody who waits is told so."""


class Hall:
    """What is in a room; `Room` adds what happens to it."""

    def __init__(self, settings: RoomSettings, now: float) -> None:
        self.settings = settings
        self.began = now
        self.locked = False
        self.recording = False
        self.over = False
        self.presenter = ""
        self.guests_muted = settings.mute_guests
        self.people: dict[str, Participant] = {}
        self.floor = Floor()
        self.order: list[str] = []
        self.spotlights: tuple[str, ...] = ()
        self.message = ""
        self.message_until = 0.0
        self.noticed: bool = False
        self.cramped = False
        """Whether the server has no processors to spare: set by the owner."""
        self._commands: list[Command] = []

    # What the owner reads

    def take(self) -> list[Command]:
        """Give the commands since the last call, oldest first."""
        commands, self._commands = self._commands, []
        return commands

    def pictures(self) -> Pictures:
        """Give every view and who watches it."""
        settings = (
            replace(self.settings, personal=min(self.settings.personal, PERSONAL)) if self.cramped else self.settings
        )
        return picture.compose(self.all, self.order, self.leading, settings, self.banner)

    def steering(self) -> tuple[tuple[str, str], ...]:
        """Give who moves whose camera."""
        return picture.steering(self.pictures(), self.all, self.settings)

    def main_picture(self) -> Picture:
        """Give the view that is recorded and of which snapshots are taken."""
        return picture.main_view(self.all, self.order, self.leading, self.settings)

    @property
    def banner(self) -> str:
        """What stands across every picture, a part a line: that the room is recorded, and a message beside it."""
        return "\n".join(filter(None, ("@recording" if self.recording else "", self.message)))

    @property
    def roster(self) -> tuple[Entry, ...]:
        """Everybody, in the order of their arrival."""
        speaking = self.floor.speaking
        return tuple(
            Entry(
                one.id,
                one.name,
                one.address,
                one.role,
                one.phase,
                one.arrived,
                one.muted,
                one.id in speaking,
                one.id == self.floor.speaker,
                one.id == self.presenter,
                one.id in self.spotlights,
                one.video,
                one.encrypted,
            )
            for one in self.all
        )

    def __contains__(self, participant: object) -> bool:
        return participant in self.people

    def __len__(self) -> int:
        return len(self.people)

    @property
    def host_inside(self) -> bool:
        """Whether the meeting has begun."""
        return any(one.inside and one.role is Role.HOST for one in self.all)

    def present(self, participant: str) -> None:
        """Take who has the floor for content, "" for nobody."""
        if participant == self.presenter:
            return
        self.presenter = participant
        self.do(Listen(participant))
        self.changed()

    # In, and out again

    def admitted(self, one: Participant, role: Role, now: float) -> None:
        """Let somebody with the right to it in, or have them wait."""
        one.role = role
        if self.locked and role is not Role.HOST:
            self.wait(one, Phase.KNOCKING, "waiting_locked")
            self.tell("somebody_waits", hosts=True)
        elif role is not Role.HOST and not self.host_inside and self.settings.kind is Kind.MEETING:
            self.wait(one, Phase.LOBBY, "waiting_host")
        else:
            self.enter(one, now)

    def wait(self, one: Participant, phase: Phase, prompt: str) -> None:
        """Have somebody wait."""
        one.phase, one.deadline, one.note = phase, None, ""
        self.do(Voice(one.id, muted=True, deaf=True))
        self.do(Say(one.id, prompt, repeat=LOBBY_REPEAT))

    def enter(self, one: Participant, now: float) -> None:
        """Let somebody take part; with a host, the lobby comes in."""
        if one.phase in WAITING or one.phase is Phase.PIN:
            self.do(Hush(one.id))
        one.phase, one.deadline, one.digits, one.note = Phase.INSIDE, None, "", ""
        kind = self.settings.kind
        if kind is Kind.TEST:
            one.deadline = now + TEST_SECONDS
            self.do(Voice(one.id, muted=True, deaf=False, echo=True))
            self.do(Say(one.id, "test_welcome"))
        else:
            one.muted = one.muted or (self.guests_muted and one.role is Role.GUEST)
            self.do(Voice(one.id, muted=one.muted, deaf=False))
            if kind is Kind.MEETING:
                self.do(Say(one.id, "welcome_muted" if one.muted else "welcome"))
                if self.recording:
                    self.do(Say(one.id, "recording_on"))
        self.do(Log("participant.entered", one.id, one.role))
        self.begin(now)

    def begin(self, now: float) -> None:
        """Let the lobby in once a host is inside."""
        if self.locked or not self.host_inside:
            return
        for one in self.all:
            if one.phase is Phase.LOBBY:
                self.enter(one, now)

    def dismiss(self, one: Participant, prompt: str, status: int, sentence: str, now: float) -> None:
        """Tell somebody why, then let them go."""
        if one.phase is Phase.LEAVING:
            return
        self.do(Hush(one.id))
        one.phase, one.deadline, one.note = Phase.LEAVING, now + FAREWELL, f"@{prompt}"
        one.ending = (status, sentence)
        self.floor.leave(one.id)
        self.do(Voice(one.id, muted=True, deaf=True))
        self.do(Say(one.id, prompt, key="farewell"))
        self.do(Log("participant.dismissed", one.id, sentence))
        if self.presenter == one.id:
            self.present("")

    @property
    def all(self) -> list[Participant]:
        """Everybody, in the order of their arrival: a copy, as people go while it is walked."""
        return list(self.people.values())

    @property
    def leading(self) -> Leading:
        """Who takes the first places."""
        return Leading(self.spotlights, self.presenter, self.floor.order)

    def one(self, participant: str) -> Participant:
        """Give somebody; raises `RoomError` for whoever is not there."""
        try:
            return self.people[participant]
        except KeyError:
            raise RoomError(f"nobody called {participant!r} is in room {self.settings.alias}: see its roster") from None

    def full(self, one: Participant) -> bool:
        """Tell whether there is no place for one more."""
        counted = sum(1 for other in self.all if other.id != one.id and other.phase is not Phase.LEAVING)
        return counted >= min(self.settings.limit or MAX_PARTICIPANTS, MAX_PARTICIPANTS)

    def tell(self, prompt: str, *, hosts: bool = False) -> None:
        """Say something to everybody who takes part, or to hosts only: nobody at the door hears of the room."""
        for one in self.all:
            if one.inside and (one.role is Role.HOST or not hosts):
                self.do(Say(one.id, prompt))

    def seat(self) -> None:
        """Take a change of the speaker into the pictures."""
        order = picture.reseat(self.order, self.all, self.leading, self.settings)
        if order != self.order:
            self.order = order
            self.do(Redraw())

    def changed(self) -> None:
        """Take a change of people into pictures and roster."""
        self.order = picture.reseat(self.order, self.all, self.leading, self.settings)
        self.do(Redraw())
        self.do(Announce())

    def do(self, command: Command) -> None:
        """Ask the owner for something; what is asked for already is not asked for twice."""
        if isinstance(command, Redraw | Announce) and command in self._commands:
            return
        self._commands.append(command)
