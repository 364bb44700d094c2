"""Who owns an address that was dialled: the room that has it, else the organisation that dials under its domain."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

SCHEMES = ("sips:", "sip:")


@dataclass(frozen=True, slots=True)
class Address:
    """An address as it was dialled, taken apart: `user` before the @, `domain` after it, small."""

    dialled: str
    user: str
    domain: str


def parsed(dialled: str) -> Address:
    """Take an address apart; what stands around it in SIP is passed over (RFC 3261 19.1)."""
    plain = dialled.strip()
    for scheme in SCHEMES:
        if plain.lower().startswith(scheme):
            plain = plain[len(scheme) :]
            break
    user, _, domain = plain.partition(";")[0].partition("@")
    return Address(dialled, user, domain.partition(":")[0].lower())


def by_domain(domain: str, owned: Mapping[str, AbstractSet[int]]) -> int | None:
    """Find the organisation of a domain, or of the nearest domain above it; None where several share it.

    `owned`: domains that rooms are made under, and the numbers of the organisations whose rooms they are.
    """
    while domain:
        owners = owned.get(domain, frozenset())
        if owners:
            return next(iter(owners)) if len(owners) == 1 else None
        domain = domain.partition(".")[2]
    return None
