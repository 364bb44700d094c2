"""Every word that a room says or shows, in Danish and English; the key is what the room's logic asks for."""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["da", "en"]
LANGUAGES: tuple[Language, ...] = ("da", "en")


class Text(NamedTuple):
    """One text in both languages."""

    da: str
    en: str


SPOKEN = {
    "enter_pin": Text("Indtast mødets pinkode, og tryk på firkant.", "Enter the PIN of the meeting, then press hash."),
    "enter_pin_or_hash": Text(
        "Er du vært, så indtast din pinkode, og tryk på firkant. Er du gæst, så tryk kun på firkant.",
        "If you are a host, enter your PIN, then press hash. If you are a guest, just press hash.",
    ),
    "enter_room": Text(
        "Indtast mødets nummer, og tryk på firkant.", "Enter the number of the meeting, then press hash."
    ),
    "wrong_pin": Text("Pinkoden er forkert.", "That PIN is not right."),
    "no_such_room": Text("Der er ikke noget møde med det nummer.", "There is no meeting with that number."),
    "no_more_tries": Text(
        "Det var forkert tre gange. Opkaldet afsluttes. Få oplyst den rigtige kode, og ring igen.",
        "That was wrong three times. The call will end. Please ask for the right code, and call again.",
    ),
    "locked_out": Text(
        "Herfra er der indtastet forkert for mange gange. Prøv igen om en halv time.",
        "Too many wrong entries came from here. Please try again in half an hour.",
    ),
    "room_full": Text("Mødet har ikke plads til flere deltagere.", "The meeting has no room for more participants."),
    "encryption_required": Text(
        "Dette møde kræver et krypteret opkald. Slå kryptering til på dit udstyr, og ring igen.",
        "This meeting takes encrypted calls only. Please turn on encryption in your system, and call again.",
    ),
    "not_open": Text("Mødet er ikke åbnet endnu.", "The meeting is not open yet."),
    "meeting_ended": Text("Mødet er slut. Farvel.", "The meeting has ended. Goodbye."),
    "waiting_host": Text(
        "Vent venligst. Mødet begynder, når værten kommer.", "Please wait. The meeting begins when the host arrives."
    ),
    "waiting_locked": Text(
        "Mødet er låst. Vent venligst på at blive lukket ind.", "The meeting is locked. Please wait to be let in."
    ),
    "somebody_waits": Text("Der venter en deltager på at blive lukket ind.", "A participant is waiting to be let in."),
    "welcome": Text("Du er nu med i mødet.", "You are now in the meeting."),
    "welcome_muted": Text(
        "Du er nu med i mødet. Din mikrofon er slået fra.", "You are now in the meeting. You are muted."
    ),
    "room_locked": Text("Mødet er nu låst.", "The meeting is now locked."),
    "room_unlocked": Text("Mødet er ikke længere låst.", "The meeting is no longer locked."),
    "recording_on": Text("Mødet bliver nu optaget.", "This meeting is now being recorded."),
    "recording_off": Text("Optagelsen er slut.", "The recording has ended."),
    "five_minutes": Text("Mødet slutter om fem minutter.", "The meeting ends in five minutes."),
    "goodbye": Text("Der blev ikke indtastet noget. Farvel.", "Nothing was entered. Goodbye."),
    "removed": Text("Værten har afsluttet din deltagelse. Farvel.", "The host has ended your participation. Goodbye."),
    "test_welcome": Text(
        "Velkommen til testmødet. Du ser og hører nu dig selv.",
        "Welcome to the test meeting. You now see and hear yourself.",
    ),
    "test_over": Text("Testen er slut. Farvel.", "The test is over. Goodbye."),
    "you_are_muted": Text("Din mikrofon er slået fra.", "You are muted."),
    "you_are_heard": Text("Din mikrofon er slået til.", "You are no longer muted."),
}
"""[prompt] -> what is said."""

TITLES = {
    "pin": Text("Indtast pinkode", "Enter the PIN"),
    "reception": Text("Indtast mødets nummer", "Enter the number of the meeting"),
    "lobby": Text("Mødet begynder, når værten kommer", "The meeting begins when the host arrives"),
    "knocking": Text("Vent på at blive lukket ind", "Please wait to be let in"),
    "goodbye": Text("Farvel", "Goodbye"),
    "alone": Text("Du er den eneste i mødet", "You are the only one in the meeting"),
}
"""[screen] -> the large line of its picture."""

HINTS = {
    "pin": Text("Afslut med #  ·  Slet med *", "Finish with #  ·  Erase with *"),
    "reception": Text("Afslut med #  ·  Slet med *", "Finish with #  ·  Erase with *"),
}
"""[screen] -> the small line below."""

BANNERS = {"recording": Text("● Mødet optages", "● Recording")}
"""Lines across every picture."""


def screen_text(text: str, language: Language) -> str:
    """Give what stands on a screen: words as they are, `@name` for the text of a prompt or a banner."""
    if not text.startswith("@"):
        return text
    known = BANNERS.get(text[1:]) or SPOKEN.get(text[1:])
    return "" if known is None else str(getattr(known, language))
