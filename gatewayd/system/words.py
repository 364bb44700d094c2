"""What the console says, in English and Danish."""

from __future__ import annotations

from typing import Final, Literal

Language = Literal["en", "da"]

WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Gateway of the video hub", "Gateway til videohubben"),
    "version": ("version", "version"),
    "state": ("state", "tilstand"),
    "addresses": ("addresses", "adresser"),
    "new": ("not set up yet", "endnu ikke sat op"),
    "serving": ("the gateway runs", "gatewayen kører"),
    "failing": ("does not run", "kører ikke"),
    "none": ("none", "ingen"),
    "choose": ("Choose a number, then Enter", "Vælg et nummer, og tryk Enter"),
    "doctor": ("Look at the whole machine", "Undersøg hele maskinen"),
    "address": ("Set the management address", "Angiv administrationsadressen"),
    "update": ("Update from a disk labelled VDX-UPDATE", "Opdater fra en disk med navnet VDX-UPDATE"),
    "rollback": ("Back to the version before", "Tilbage til den forrige version"),
    "support": ("Support bundle to a disk labelled VDX-SUPPORT", "Supportpakke til en disk med navnet VDX-SUPPORT"),
    "restart": ("Restart", "Genstart"),
    "off": ("Power off", "Sluk"),
    "reset": ("Factory reset", "Nulstil til fabrikstilstand"),
    "install": ("Install on another disk of this machine", "Installer på en anden disk i denne maskine"),
    "target": ("Name of the disk", "Diskens navn"),
    "no target": (
        "this machine has no other disk than the one it started from",
        "maskinen har ingen anden disk end den, den er startet fra",
    ),
    "wiped": ("Everything on that disk is lost.", "Alt på den disk går tabt."),
    "token": ("A token for the management page", "En nøgle til administrationssiden"),
    "backup": ("Backup to a disk labelled VDX-BACKUP", "Sikkerhedskopi til en disk med navnet VDX-BACKUP"),
    "restore": ("Restore from a disk labelled VDX-BACKUP", "Gendan fra en disk med navnet VDX-BACKUP"),
    "passphrase": ("Passphrase, 12 characters or more", "Adgangssætning, mindst 12 tegn"),
    "again": ("The same once more", "Den samme igen"),
    "unlike": ("these were two different passphrases", "det var to forskellige adgangssætninger"),
    "apart": (
        "keep it and its passphrase in different places",
        "opbevar den og adgangssætningen hver sit sted",
    ),
    "no backup": ("there is no .backup file on it", "der er ingen .backup-fil på den"),
    "replaced": (
        "What this appliance was told is replaced by what the backup holds.",
        "Det, denne boks har fået at vide, erstattes af sikkerhedskopiens indhold.",
    ),
    "taken over": ("the next start takes it over", "den næste start tager den i brug"),
    "person": ("For whom", "Til hvem"),
    "once": ("this is shown once and kept nowhere", "dette vises én gang og gemmes ikke"),
    "no admin": (
        "`management.people` of the site file has no admin: it has to name one first",
        "`management.people` i sitefilen har ingen admin: den skal først nævne en",
    ),
    "fingerprint": (
        "The management page shows a certificate with this fingerprint (SHA-256)",
        "Administrationssiden viser et certifikat med dette fingeraftryk (SHA-256)",
    ),
    "language": ("Dansk", "English"),
    "interface": ("Network card", "Netkort"),
    "own": ("Address with prefix length, as in 192.0.2.10/24", "Adresse med præfikslængde, som 192.0.2.10/24"),
    "router": ("Router (may be empty)", "Router (må være tom)"),
    "sure": ("Type yes to go on", "Skriv ja for at fortsætte"),
    "yes": ("yes", "ja"),
    "stopped": ("nothing was changed", "intet blev ændret"),
    "done": ("done", "udført"),
    "lost": (
        "Everything this appliance was told, and its records, are lost.",
        "Alt, hvad denne boks har fået at vide, og dens optegnelser går tabt.",
    ),
    "slow": (
        "this machine is busy and does not tell its state yet",
        "maskinen er optaget og oplyser ikke sin tilstand endnu",
    ),
    "no desk": ("this part of the appliance does not answer", "denne del af boksen svarer ikke"),
    "cleaned": (
        "secrets were removed; read it before you send it",
        "hemmeligheder er fjernet; læs den, før du sender den",
    ),
    "calls": ("Calls that are up end.", "Igangværende opkald afbrydes."),
    "no disk": ("no disk is labelled", "ingen disk har navnet"),
    "no update": ("there is no .update file on it", "der er ingen .update-fil på den"),
    "odd": ("there is no such entry", "det punkt findes ikke"),
    "enter": ("Press Enter", "Tryk Enter"),
}


def say(language: Language, word: str) -> str:
    """Give a word in a language."""
    return WORDS[word][0 if language == "en" else 1]
