"""One difference between two policies, and how sets of addresses are written in its sentence. Pure."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from nft.policy import traffic
from nft.policy.interval import Intervals
from nft.policy.match import Box
from nft.policy.prefix import show

Verb: TypeAlias = Literal["opened", "closed", "changed"]
SHOWN = 4  # prefixes of a set in one sentence


class Change(NamedTuple):
    """One difference: what it does, the zones it concerns and a sentence."""

    verb: Verb
    source: str
    target: str
    text: str

    def __str__(self) -> str:
        return f"{self.verb}: {self.source} -> {self.target}: {self.text}"


def told(version: int, intervals: Intervals) -> str:
    """Write a set of addresses, of many the first."""
    words = ", ".join(show(version, first, last) for first, last in intervals[:SHOWN])
    return f"{words} and {len(intervals) - SHOWN} more" if len(intervals) > SHOWN else words


def path(version: int, box: Box) -> str:
    """Write what a box holds: sources to targets, traffic."""
    return f"{told(version, box.sources)} to {told(version, box.targets)}, {traffic.show(box.traffic)}"
