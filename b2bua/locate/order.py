"""In which order several servers are tried: by priority, and among equals by weight and chance (RFC 2782)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import TypeVar

Item = TypeVar("Item")


def by_weight(items: Iterable[Item], weight: Callable[[Item], int], chance: Callable[[], float]) -> list[Item]:
    """Draw all items, one after the other; the chance to be next grows with the weight.

    `chance` gives numbers from 0.0 up to 1.0. Items without weight come after those that have one, but for the small
    chance that RFC 2782 leaves them.
    """
    left = sorted(items, key=weight)  # those of weight 0 first: they are drawn only by a chance of nearly nothing
    drawn: list[Item] = []
    while left:
        drawn.append(left.pop(_place([weight(item) for item in left], chance())))
    return drawn


def _place(weights: list[int], chance: float) -> int:
    """Give the place of the first whose running sum reaches the mark; without weights each is as likely."""
    total = sum(weights)
    if not total:
        return int(chance * len(weights))
    mark = chance * total
    return next(place for place, reached in enumerate(accumulate(weights)) if reached > mark or reached == mark == 0)


def by_priority(
    items: Iterable[Item], priority: Callable[[Item], int], weight: Callable[[Item], int], chance: Callable[[], float]
) -> list[Item]:
    """Order items by priority, the lowest first, and each priority by weight."""
    groups: dict[int, list[Item]] = {}
    for item in items:
        groups.setdefault(priority(item), []).append(item)
    return [item for number in sorted(groups) for item in by_weight(groups[number], weight, chance)]
