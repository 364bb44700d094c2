"""A policy compiled: what the kernel will look up, as plain tables. ``verdict`` and ``ruleset`` both read these.

The cost of a packet must not grow with the number of rules, so nothing is tried in turn. Addresses that the same rules
name are one *class*; so is traffic. Three look-ups by interval give the classes of destination, traffic and source;
destination and traffic together give an *offer*, and offer and source class have one answer, found by hash::

    traffic --interval--> class --+
                                  +--hash--> offer --+
    destination --interval--> class                  +--hash--> rule, or agreement in force
    source --interval--> class ----------------------+

Two such stages follow each other: the rules, and where they say nothing, the agreements. Classes of the two are not
mixed, because every rule about any source would then be repeated for every client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from nft.policy.agreement import Agreement
from nft.policy.interval import IntervalMap, Intervals
from nft.policy.model import Policy

Class = NewType("Class", int)
Offer = NewType("Offer", int)


@dataclass(frozen=True, slots=True)
class Side:
    """Classes of what comes from one zone in one IP version."""

    sources: IntervalMap[Class]
    targets: IntervalMap[Class]


@dataclass(frozen=True, slots=True)
class Stage:
    """The look-ups that lead to an offer: sides by zone and IP version, offers by traffic and target class."""

    traffic: IntervalMap[Class]
    sides: dict[tuple[str, int], Side]
    offers: dict[tuple[Class, Class], Offer]


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which agreements keep a cell open: from ``starts`` until before ``ends``, seconds since 1970."""

    starts: int
    ends: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one client class may use of one offer: the zone it leads into, and when, in order of time."""

    target: str
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """A compiled policy.

    ``verdicts`` are indices in ``policy.rules``. ``named`` are the agreements by their ids. ``places`` are the
    addresses of each zone as packets of a zone, in an IP version, mean them; zones from which nothing can pass are
    left out.
    """

    policy: Policy
    rules: Stage
    verdicts: dict[tuple[Offer, Class], int]
    agreed: Stage
    cells: dict[tuple[Offer, Class], Cell]
    named: dict[str, Agreement]
    places: dict[tuple[str, int], dict[str, Intervals]]
