"""The words of the page. English is the key; a template that says something new needs its Danish here.

Sentences of `gatewayd` stand in `sentences`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal, get_args

Language = Literal["en", "da"]
LANGUAGES: Final[Mapping[Language, str]] = {"en": "English", "da": "Dansk"}

Words = Callable[..., str]


def preferred(chosen: str, accepted: str) -> Language:
    """Give the language that was chosen, or else the best of what the browser accepts (RFC 9110 section 12.5.4)."""
    for known in get_args(Language):
        if chosen == known:
            return known  # type: ignore[no-any-return]
    best: tuple[float, Language] = (0.0, "en")
    for part in accepted[:200].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            continue
        for known in get_args(Language):
            if tag.strip().lower().partition("-")[0] == known and value > best[0]:
                best = (value, known)
    return best[1]


def speaking(language: Language) -> Words:
    """Give the function that says a sentence in a language; what is named in braces is filled in."""

    def say(sentence: str, **named: object) -> str:
        told = DANISH[sentence] if language == "da" else sentence
        return told.format(**named) if named else told

    return say


DANISH: Final[Mapping[str, str]] = {
    "{count} agreements end within {days} days": "{count} aftaler udløber inden for {days} dage",
    "{count} rules have never been hit": "{count} regler er aldrig blevet ramt",
    "A code of your own, from `gatewayd-web token`.": "En kode, der kun er din, fra `gatewayd-web token`.",
    "Action": "Handling",
    "Address": "Adresse",
    "Agreement": "Aftale",
    "Agreements": "Aftaler",
    "Alarms": "Alarmer",
    "Apply": "Tag i brug",
    "Approve": "Godkend",
    "Approve the agreement {name}": "Godkend aftalen {name}",
    "Approved by": "Godkendt af",
    "Ask for an agreement": "Bed om en aftale",
    "Ask": "Bed om",
    "Bans": "Spærringer",
    "Break the glass: pass freeze, windows and approvals": "Slå glasset: gå uden om stop, tidsrum og godkendelser",
    "Bring in a table": "Læs en tabel ind",
    "By": "Af",
    "Call": "Opkald",
    "Called": "Kaldt",
    "Caller": "Kalder",
    "Calls": "Opkald",
    "Candidate": "Kandidat",
    "Candidates": "Kandidater",
    "Changes": "Ændringer",
    "Changes are frozen by {who}": "Ændringer er stoppet af {who}",
    "Changes may be applied": "Ændringer kan tages i brug",
    "Check with packets": "Afprøv med pakker",
    "Choose a file": "Vælg en fil",
    "Client": "Klient",
    "Confirm": "Bekræft",
    "Confirm within (seconds)": "Bekræft inden (sekunder)",
    "Consumer": "Bruger",
    "Content": "Indhold",
    "Cut off": "Afskær",
    "Cut off at once": "Afskær straks",
    "Drop": "Forkast",
    "End": "Afslut",
    "End the call {call}": "Afslut opkaldet {call}",
    "Ends": "Slutter",
    "Ends in": "Slutter om",
    "Ends (last day, may be left out)": "Slutter (sidste dag, kan udelades)",
    "Event": "Hændelse",
    "Everything as JSON": "Alt som JSON",
    "Far side": "Fjern ende",
    "Faults": "Fejl",
    "Find": "Find",
    "Findings": "Bemærkninger",
    "Fragment": "Del",
    "Fragments": "Dele",
    "Freeze": "Stop ændringer",
    "From": "Fra",
    "Go back to version {number}": "Gå tilbage til version {number}",
    "Held up by": "Holdes tilbage af",
    "History": "Historik",
    "Hits": "Ramt",
    "In short": "Kort fortalt",
    "Into": "Til",
    "Journal": "Journal",
    "Keep as a candidate": "Gem som kandidat",
    "Kind": "Slags",
    "Lease": "Lejemål",
    "Let back": "Luk ind igen",
    "Let back {kind} {name}": "Luk {kind} {name} ind igen",
    "Let changes through again": "Tillad ændringer igen",
    "Lists of prefixes (may be left out)": "Lister af præfikser (kan udelades)",
    "Live": "Lige nu",
    "Log in": "Log ind",
    "Log out": "Log ud",
    "Main menu": "Hovedmenu",
    "Management of the edge": "Styring af gatewayen",
    "Name": "Navn",
    "Near side": "Nær ende",
    "Newer lines": "Nyere linjer",
    "No agreements.": "Ingen aftaler.",
    "No calls.": "Ingen opkald.",
    "No candidates.": "Ingen kandidater.",
    "No pinholes are open.": "Ingen huller er åbne.",
    "No rules.": "Ingen regler.",
    "Nobody is banned.": "Ingen er spærret.",
    "Nobody is cut off.": "Ingen er afskåret.",
    "Nothing was done": "Intet blev gjort",
    "Nothing would change.": "Intet ville ændres.",
    "Number": "Nummer",
    "One agreement ends within {days} days": "En aftale udløber inden for {days} dage",
    "One rule has never been hit": "En regel er aldrig blevet ramt",
    "Octets": "Oktetter",
    "Older lines": "Ældre linjer",
    "Packets": "Pakker",
    "Pinholes": "Huller",
    "Provider": "Udbyder",
    "Push a file": "Læg en fil op",
    "Pushed": "Lagt op",
    "Reject": "Afvis",
    "Reject the agreement {name}": "Afvis aftalen {name}",
    "Remove what the table does not have": "Fjern det som tabellen ikke har",
    "Rule": "Regel",
    "Rules": "Regler",
    "Ruleset": "Regelsæt",
    "Service": "Tjeneste",
    "Since": "Siden",
    "Skip to the content": "Gå til indholdet",
    "Sources": "Kilder",
    "Starts": "Begynder",
    "State": "Tilstand",
    "Status": "Status",
    "Table of one kind": "Tabel af én slags",
    "Take back": "Fortryd",
    "Targets": "Mål",
    "That is no change window": "Nu er ikke et tidsrum for ændringer",
    "The chain of the journal is whole.": "Journalens kæde er hel.",
    "The fragment of {name}": "Delen af {name}",
    "This can be applied.": "Dette kan tages i brug.",
    "This has no faults, but is held up.": "Dette har ingen fejl, men holdes tilbage.",
    "This cannot be applied.": "Dette kan ikke tages i brug.",
    "This needs the word of another person, for": "Dette kræver en anden persons ord, for",
    "Time is up: what was before comes back.": "Tiden er gået: det som var før, kommer tilbage.",
    "Token": "Adgangskode",
    "Up for": "Varighed",
    "Version": "Version",
    "Version {number} runs": "Version {number} kører",
    "Version {number} of {who} waits to be confirmed": "Version {number} af {who} venter på bekræftelse",
    "What it changes": "Hvad det ændrer",
    "What opens and closes": "Hvad der åbnes og lukkes",
    "When (UTC)": "Hvornår (UTC)",
    "Who": "Hvem",
    "Who is cut off": "Hvem er afskåret",
    "Why": "Hvorfor",
    "You are {name} ({role})": "Du er {name} ({role})",
    "{count} lines more": "{count} linjer mere",
    "allow": "tillad",
    "any": "alle",
    "asked": "ønsket",
    "at once, without waiting to be confirmed": "straks, uden at vente på bekræftelse",
    "b2bua is away": "b2bua er væk",
    "back to the page": "tilbage til siden",
    "candidate": "kandidat",
    "changed": "ændret",
    "closed": "lukket",
    "deny": "afvis",
    "ended": "udløbet",
    "left": "tilbage",
    "never": "aldrig",
    "notice": "bemærk",
    "opened": "åbnet",
    "organisation": "organisation",
    "peer": "modpart",
    "planned": "planlagt",
    "rejected": "afvist",
    "replaced": "afløst",
    "running": "kører",
    "scheduled": "planlagt",
    "soon over": "snart slut",
    "taken back": "taget tilbage",
    "token": "adgangskode",
    "unknown": "ukendt",
    "waiting": "venter",
    "warning": "advarsel",
    "waits for its first packet": "venter på sin første pakke",
    "with broken glass": "med slået glas",
    "{seconds} seconds left to confirm": "{seconds} sekunder tilbage til at bekræfte",
    "This token is unknown, over or was taken back.": "Denne adgangskode er ukendt, udløbet eller taget tilbage.",
    "or what was before comes back": "ellers kommer det som var før, tilbage",
}
