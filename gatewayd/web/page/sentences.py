"""Sentences of `gatewayd` in Danish: alarms, what holds a change up, what it opens and closes, what is doubtful.

`gatewayd` writes them in English, for logs and the command line too. Here each is a pattern with the parts that differ
in braces; a part whose name begins with a capital letter is a sentence of its own and told the same way. What is not
known here stays English, and is marked so for who listens to the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from markupsafe import Markup, escape

from gatewayd.web.page.words import Language

MAX_SENTENCE: Final = 2_000
"""Characters: longer ones are lists for machines."""

MAX_DEPTH: Final = 4
"""Sentences within sentences."""

Saying = Callable[[str], Markup]

_PART = re.compile(r"\{(\w+)\}")


def saying(language: Language) -> Saying:
    """Give the function that writes a sentence of `gatewayd` into a page in a language."""

    def say(sentence: str) -> Markup:
        danish = told(sentence) if language == "da" else sentence
        if danish is not None:
            return escape(danish)
        return Markup('<span lang="en">{}</span>').format(sentence)

    return say


def told(sentence: str, depth: int = 0) -> str | None:
    """Give a sentence in Danish; None where it is not known."""
    if len(sentence) > MAX_SENTENCE or depth > MAX_DEPTH:
        return None
    for pattern, danish in _patterns():
        if found := pattern.fullmatch(sentence):
            parts = {
                name: (told(part, depth + 1) or part) if name[0].isupper() else part
                for name, part in found.groupdict().items()
            }
            return danish.format(**parts)
    return None


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(_pattern(english), danish) for english, danish in DANISH.items()]


def _pattern(english: str) -> re.Pattern[str]:
    """Make a pattern that never goes back: a part ends where the text after it begins first, `count` is a number."""
    texts = _PART.split(english)
    written = re.escape(texts[0])
    for name, after in zip(texts[1::2], texts[2::2], strict=True):
        end = r"\d+" if name == "count" else rf"(?>.+?(?={re.escape(after)}))" if after else ".+"
        written += rf"(?P<{name}>{end}){re.escape(after)}"
    return re.compile(written, re.DOTALL)


DANISH: Final[Mapping[str, str]] = {
    # alarms
    "agreements end within {days} days: {Which}, and {more} more; renew them or let them go": (
        "aftaler udløber inden for {days} dage: {Which}, og {more} til; forny dem, eller lad dem udløbe"
    ),
    "agreements end within {days} days: {Which}; renew them or let them go": (
        "aftaler udløber inden for {days} dage: {Which}; forny dem, eller lad dem udløbe"
    ),
    "{name} of {client} for {service} in {count} days": "{name} fra {client} til {service} om {count} dage",
    "the version before {number} could not come back and is tried again: {Why}": (
        "versionen før {number} kunne ikke komme tilbage og forsøges igen: {Why}"
    ),
    "what is cut off could not be brought into force and is tried again: {Why}": (
        "det afskårne kunne ikke sættes i kraft og forsøges igen: {Why}"
    ),
    "the site file {name} runs, because what should run could not start: {Why}": (
        "filen {name} kører, fordi det, der skulle køre, ikke kunne starte: {Why}"
    ),
    "version {number} runs, because what should run could not start: {Why}": (
        "version {number} kører, fordi det, der skulle køre, ikke kunne starte: {Why}"
    ),
    "candidate {ref} of {who} was not applied at its time: {Why}": (
        "kandidat {ref} fra {who} blev ikke taget i brug til tiden: {Why}"
    ),
    "gatewayd did not run at that time: apply it by hand": (
        "gatewayd kørte ikke på det tidspunkt: tag den i brug i hånden"
    ),
    "line {line} cannot be read: the journal was changed by hand, or the disk has failed": (
        "linje {line} kan ikke læses: journalen er ændret i hånden, eller disken svigter"
    ),
    "line {line} does not follow the one before it: the journal was changed by hand, or the disk has failed": (
        "linje {line} følger ikke den forrige: journalen er ændret i hånden, eller disken svigter"
    ),
    "the journal is shorter than it was: lines were taken off its end": (
        "journalen er kortere, end den var: linjer er taget af dens ende"
    ),
    "{path} cannot be written: {Why}; what ran before runs on; make room or repair the disk, and try again": (
        "{path} kan ikke skrives: {Why}; det, der kørte, kører videre; skaf plads, eller reparer disken, og prøv igen"
    ),
    "{path} cannot be read: {Why}; what ran before runs on; make room or repair the disk, and try again": (
        "{path} kan ikke læses: {Why}; det, der kørte, kører videre; skaf plads, eller reparer disken, og prøv igen"
    ),
    "{path} cannot be removed: {Why}; what ran before runs on; make room or repair the disk, and try again": (
        "{path} kan ikke fjernes: {Why}; det, der kørte, kører videre; skaf plads, eller reparer disken, og prøv igen"
    ),
    "No space left on device": "der er ikke mere plads",
    "Read-only file system": "disken kan kun læses",
    "content {ref} is not kept any more": "indhold {ref} er ikke gemt længere",
    "content {ref} has changed on the disk: push it again": "indhold {ref} er ændret på disken: læg det op igen",
    # what holds a change up, or declines it
    "changes are frozen until {time} by {who} ({why}): wait, or let an admin break the glass": (
        "ændringer er stoppet indtil {time} af {who} ({why}): vent, eller lad en administrator slå glasset"
    ),
    "changes are frozen by {who} ({why}): wait, or let an admin break the glass": (
        "ændringer er stoppet af {who} ({why}): vent, eller lad en administrator slå glasset"
    ),
    "{time} lies in no change window: apply it `at` a time within one": (
        "{time} er ikke et tidsrum for ændringer: vælg et tidspunkt i et af dem"
    ),
    "that time lies in no change window": "det tidspunkt er ikke et tidsrum for ændringer",
    "another person has to approve this very content first ({who})": (
        "en anden person skal først godkende netop dette indhold ({who})"
    ),
    "{who} has pushed this: another person has to approve it": (
        "{who} har lagt dette op: en anden person skal godkende det"
    ),
    "{who} is no approver of a zone that this changes: see `management.approvers` of the base": (
        "{who} godkender ikke for nogen zone, som dette ændrer: se `management.approvers` i basen"
    ),
    "version {number} of {who} waits: confirm it or take it back first": (
        "version {number} af {who} venter: bekræft eller fortryd den først"
    ),
    "fragment {name} has changed meanwhile: look at what runs, and push again": (
        "delen {name} er ændret i mellemtiden: se på det, der kører, og læg op igen"
    ),
    "fragment {name} has changed since this was pushed: look at what runs, and push again": (
        "delen {name} er ændret, siden dette blev lagt op: se på det, der kører, og læg op igen"
    ),
    "there is no candidate {ref} any more: push it again": "der er ingen kandidat {ref} længere: læg den op igen",
    "there is no such candidate any more: it runs, or was withdrawn": (
        "der er ingen sådan kandidat længere: den kører, eller er forkastet"
    ),
    "no version waits to be confirmed": "ingen version venter på bekræftelse",
    "breaking the glass is for admins, and they say why": "kun administratorer slår glasset, og de siger hvorfor",
    "{who} is {role} and may not ask for {verb}": "{who} er {role} og må ikke bede om {verb}",
    "{who} may not ask here: see `management.people` of the base": (
        "{who} må ikke spørge her: se `management.people` i basen"
    ),
    "there is no {kind} {name} here; did you mean {other}?": "der er ingen {kind} {name} her; mente du {other}?",
    "there is no {kind} {name} here": "der er ingen {kind} {name} her",
    "there is an agreement {name} already: give this one another name": (
        "der er allerede en aftale {name}: giv denne et andet navn"
    ),
    "say why: the consumer reads it": "sig hvorfor: brugeren læser det",
    "no file was chosen": "der blev ikke valgt en fil",
    "this is in conflict with another organisation, whose part is not shown: ask the appliance's admins": (
        "dette er i konflikt med en anden organisation, hvis del ikke vises: spørg gatewayens administratorer"
    ),
    "this is in conflict with the base of the appliance, whose part is not shown: ask the appliance's admins": (
        "dette er i konflikt med gatewayens base, hvis del ikke vises: spørg gatewayens administratorer"
    ),
    # what is doubtful
    "{origin}: agreement {name} ends in {Days}: {client} loses {service} then": (
        "{origin}: aftalen {name} udløber om {Days}: {client} mister da {service}"
    ),
    "{origin}: agreement {name} is over since {Days}: renew or remove it": (
        "{origin}: aftalen {name} har været udløbet i {Days}: forny den, eller fjern den"
    ),
    "{origin}: agreement {name} waits for the provider of {service} to approve it": (
        "{origin}: aftalen {name} venter på, at udbyderen af {service} godkender den"
    ),
    "{origin}: agreement {name} is needless: {others} opens the same as long": (
        "{origin}: aftalen {name} er overflødig: {others} åbner det samme lige så længe"
    ),
    "{origin}: agreement {name} opens less than it says: {Rules} denies first": (
        "{origin}: aftalen {name} åbner mindre, end den siger: {Rules} afviser før den"
    ),
    "{origin}: agreement {name} does not close all when it ends: {Rules} allows the same at any time": (
        "{origin}: aftalen {name} lukker ikke alt, når den udløber: {Rules} tillader det samme til enhver tid"
    ),
    "{origin}: agreement {name} does not close all when it ends: {Rules} allow the same at any time": (
        "{origin}: aftalen {name} lukker ikke alt, når den udløber: {Rules} tillader det samme til enhver tid"
    ),
    "{origin}: matches nothing: its networks have no address in zone {zone} in common with it": (
        "{origin}: passer på intet: dens net har ingen adresse til fælles med zonen {zone}"
    ),
    "{origin}: is needless: {Rules} would decide the same": "{origin}: er overflødig: {Rules} ville afgøre det samme",
    "{origin}: should allow, but otherwise decided before it by {Rules}": (
        "{origin}: skulle tillade, men {Rules} afgør det anderledes før den"
    ),
    "{origin}: should deny, but otherwise decided before it by {Rules}": (
        "{origin}: skulle afvise, men {Rules} afgør det anderledes før den"
    ),
    "{origin}: never decides: everything is decided before, by {Rules}": (
        "{origin}: afgør aldrig noget: alt er afgjort før den, af {Rules}"
    ),
    "{origin}: allows what no test covers: state a packet that must pass by it under `tests`": (
        "{origin}: tillader noget, som ingen prøve dækker: nævn under `tests` en pakke, der skal slippe igennem"
    ),
    "{origin}: no rule names network {name}": "{origin}: ingen regel nævner nettet {name}",
    "{origin}: no rule names service {name}": "{origin}: ingen regel nævner tjenesten {name}",
    "the rules at {places}": "reglerne i {places}",
    "the rule at {place}": "reglen i {place}",
    "{count} days": "{count} dage",
    "one day": "en dag",
    "less than a day": "mindre end en dag",
    # what opens, closes and changes
    "agreement {name}: {client} uses {service} from {since} until {end}, before from {then} until {over} ({origin})": (
        "aftalen {name}: {client} bruger {service} fra {since} til {end}, før fra {then} til {over} ({origin})"
    ),
    "agreement {name}: {client} uses {service} from {since} until {end} ({origin})": (
        "aftalen {name}: {client} bruger {service} fra {since} til {end} ({origin})"
    ),
    "agreement {name}: {Path}": "aftalen {name}: {Path}",
    "opened: flows leave with {address} ({origin})": "åbnet: strømme går ud med {address} ({origin})",
    "closed: flows leave with {address} ({origin})": "lukket: strømme går ud med {address} ({origin})",
    "client {name} is in zone {zone}, was in {before} ({origin})": (
        "klienten {name} er i zonen {zone}, var i {before} ({origin})"
    ),
    "service {name} is in zone {zone}, was in {before} ({origin})": (
        "tjenesten {name} er i zonen {zone}, var i {before} ({origin})"
    ),
    "client {name}: {what}": "klienten {name}: {what}",
    "service {name}: {what}": "tjenesten {name}: {what}",
    "{address} {port} stands for {Other}": "{address} {port} står for {Other}",
    "{sources} to {targets}, any traffic ({Why})": "{sources} til {targets}, al trafik ({Why})",
    "{sources} to {targets}, {traffic} ({Why})": "{sources} til {targets}, {traffic} ({Why})",
    "left to agreements, now {After}": "overladt til aftaler, nu {After}",
    "allow at {place}, now allow at {Where}": "tilladt i {place}, nu tilladt i {Where}",
    "allow at {place}, now deny at {Where}": "tilladt i {place}, nu afvist i {Where}",
    "allow at {place}, now left to agreements": "tilladt i {place}, nu overladt til aftaler",
    "deny at {place}, now allow at {Where}": "afvist i {place}, nu tilladt i {Where}",
    "deny at {place}, now deny at {Where}": "afvist i {place}, nu afvist i {Where}",
    "deny at {place}, now left to agreements": "afvist i {place}, nu overladt til aftaler",
    "allow at {place}, {How}": "tilladt i {place}, {How}",
    "deny at {place}, {How}": "afvist i {place}, {How}",
    "now logged, {How}": "nu logget, {How}",
    "now logged": "nu logget",
    "no longer logged, {How}": "ikke længere logget, {How}",
    "no longer logged": "ikke længere logget",
    "rate {Before}, now {After}": "rate {Before}, nu {After}",
    "connections {Before}, now {After}": "forbindelser {Before}, nu {After}",
    "{count}, connections {Before}, now {After}": "{count}, forbindelser {Before}, nu {After}",
    "as usual, connections {Before}, now {After}": "som ellers, forbindelser {Before}, nu {After}",
    "as usual": "som ellers",
    "now {After}": "nu {After}",
    "was {Before}": "før {Before}",
    "left to agreements": "overladt til aftaler",
    "in another zone": "i en anden zone",
    "allow at {place}": "tilladt i {place}",
    "deny at {place}": "afvist i {place}",
    "dial plan: rule {rule} is gone ({origin})": "kaldeplan: reglen {rule} er væk ({origin})",
    "dial plan: rule {rule} is new, number {number} ({origin})": (
        "kaldeplan: reglen {rule} er ny, nummer {number} ({origin})"
    ),
    "policy.tests: {before} stated tests, now {after} ({origin})": (
        "policy.tests: {before} prøver, nu {after} ({origin})"
    ),
    "zone {name} is gone ({origin})": "zonen {name} er væk ({origin})",
    "interface {name} is gone ({origin})": "interfacet {name} er væk ({origin})",
    "peer {name} is gone ({origin})": "modparten {name} er væk ({origin})",
    "room {name} is gone ({origin})": "rummet {name} er væk ({origin})",
    "delegation {name} is gone ({origin})": "delegationen {name} er væk ({origin})",
    "zone {name} is new: {said}": "zonen {name} er ny: {said}",
    "interface {name} is new: {said}": "interfacet {name} er nyt: {said}",
    "peer {name} is new: {said}": "modparten {name} er ny: {said}",
    "room {name} is new: {said}": "rummet {name} er nyt: {said}",
    "delegation {name} is new: {said}": "delegationen {name} er ny: {said}",
    "{what} was {before}, is {after}": "{what} var {before}, er {after}",
    "{what} has gained {come} and has lost {gone}": "{what} har fået {come} og mistet {gone}",
    "{what} has gained {come}": "{what} har fået {come}",
    "{what} has lost {gone}": "{what} har mistet {gone}",
    "{what} is in another order ({origin})": "{what} står i en anden rækkefølge ({origin})",
}
