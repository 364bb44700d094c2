"""The door: PINs entered with the keys of a remote control, or at the reception the number of a room.

Theory of operation. Whoever is asked presses digits; `#` ends an entry, `*` takes it back, and a pause of PAUSE seconds
after enough digits ends it too, as not every remote has a `#`. An entry is judged:

    kind of room    entry                     outcome
    meeting         a host's PIN              a host comes in
    meeting         a guest's PIN             a guest comes in
    meeting         nothing, guests free      a guest comes in
    reception       digits                    `Find`; the answer moves them there, or counts as wrong
    any             anything else             wrong: asked again, TRIES times in all
"""

from __future__ import annotations

from enum import Enum

from mixer.room.participant import Participant, Role
from mixer.room.settings import Kind, RoomSettings

TRIES = 3
"""Wrong entries of one call."""

PAUSE = 4.0
"""Seconds without a key after which enough digits are an entry: a slow finger takes three."""

PATIENCE = 60.0
"""Seconds at the door without an entry: the prompt has been said three times by then."""

SHORTEST = 4
"""Digits of the shortest PIN (the video API has 1000 to 999999999)."""

LONGEST = 12
"""Digits of an entry that are kept; numbers of rooms have up to nine."""


class Outcome(Enum):
    """What an entry was."""

    HOST = "host"
    GUEST = "guest"
    WRONG = "wrong"
    LOOK_UP = "look up"


def asks(settings: RoomSettings) -> str:
    """Name the prompt of the door; "" where nobody is asked anything."""
    if settings.kind is Kind.RECEPTION:
        return "enter_room"
    if settings.kind is not Kind.MEETING or not (settings.pins.host or settings.pins.guest):
        return ""
    return "enter_pin" if settings.pins.guest else "enter_pin_or_hash"


def press(one: Participant, key: str, now: float) -> str | None:
    """Take a key; gives the entry where it ends one."""
    if key == "#":
        entry, one.digits = one.digits, ""
        one.deadline = now + PATIENCE
        return entry
    if key == "*":
        one.digits = ""
    elif key.isdigit() and len(one.digits) < LONGEST:
        one.digits += key
    one.deadline = now + (PAUSE if len(one.digits) >= SHORTEST else PATIENCE)
    return None


def paused(one: Participant, now: float) -> str | None:
    """Take a pause that was long enough; gives the entry, None where they have pressed nothing at all."""
    entry, one.digits = one.digits, ""
    one.deadline = now + PATIENCE
    return entry if len(entry) >= SHORTEST else None


def judge(settings: RoomSettings, entry: str) -> Outcome:
    """Say what an entry was."""
    if settings.kind is Kind.RECEPTION:
        return Outcome.LOOK_UP if entry else Outcome.WRONG
    pins = settings.pins
    role = pins.role(entry) if entry else (Role.GUEST if not pins.guest else None)
    if role is None:
        return Outcome.WRONG
    return Outcome.HOST if role is Role.HOST else Outcome.GUEST
