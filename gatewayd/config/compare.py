"""A candidate beside what runs: what is wrong with it, what it would change, which zones that touches. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from gatewayd import transit
from gatewayd.config.words import Word, words
from gatewayd.version import Version, compute
from nft.errors import NftError
from nft.policy.change import Change
from nft.policy.diff import diff
from nft.policy.lint import lint
from nft.ruleset import compile_edge
from vdx.site.block import ZONES
from vdx.site.source import LoadedSite
from vdx.versions import Finding

MAX_TOLD = 2_000
"""Lines of one kind in an answer: what nobody reads to its end is counted."""

_DIGEST = re.compile(r"_[a-z2-7]{20}\b")
"""What parts of the policy's table have at the end of their names: it follows from their content, which is compared."""

_COMMAND = re.compile(r"^add ")
_NUMBER = re.compile(r"\brule_[0-9]+\b")
"""Chains of rules have the rule's place in their names, and others come before it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two sites."""

    paths: tuple[Change, ...]
    words: tuple[Word, ...]

    @property
    def zones(self) -> frozenset[str]:
        """The zones that it touches."""
        named: set[str] = set()
        for change in self.paths:
            named.update((change.source, change.target))
        for word in self.words:
            named.update(word.zones or ZONES)
        return frozenset(ZONES) if "*" in named else frozenset(named)


def sound(candidate: LoadedSite, now: float) -> Version:
    """Work a candidate out; raises `VersionError` for faults, and for stated tests that do not hold at a time."""
    version = compute(candidate, {})
    transit.stated(version.transit, now)
    return version


def findings(version: Version, now: float) -> Iterator[Finding]:
    """Yield what is doubtful."""
    for each in lint(version.transit, int(now)):
        if each.severity != "error":
            yield Finding(each.severity, each.code, str(each))


def difference(running: LoadedSite, candidate: LoadedSite) -> Difference:
    """Give what a candidate would change; raises `NftError` where its policy cannot be read."""
    old, new = transit.policy(running), transit.policy(candidate)
    return Difference(tuple(diff(old, new)), tuple(words(running, candidate)))


def ruleset(running: Version, candidate: Version, now: float) -> Iterator[str]:
    """Yield the lines of the ruleset that go (`-`) and come (`+`), each in its order and with the block it is in."""
    before, after = _text(running, now), _text(candidate, now)
    gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
    return chain(_only(before, gone, "- "), _only(after, come, "+ "))


def _text(version: Version, now: float) -> list[str]:
    text = compile_edge(version.edge) + version.ruleset.added((), now) + version.ruleset.switched()
    found, blocks = [], [""]
    for raw in text.splitlines():
        line = _DIGEST.sub("", raw.strip())
        if line == "}":
            blocks.pop()
        elif line.endswith("{"):
            block = _COMMAND.sub("", line.removesuffix("{").rstrip())
            found.append(block)
            blocks.append(f"{_NUMBER.sub('rule', block)}: ")
        elif line:
            found.append(blocks[-1] + line)
    return found


def _only(lines: list[str], wanted: Counter[str], mark: str) -> Iterator[str]:
    for line in lines:
        if wanted[line] > 0:
            wanted[line] -= 1
            yield mark + line


def touched(running: LoadedSite, candidate: LoadedSite) -> frozenset[str]:
    """Give the zones that a candidate touches; all of them where that cannot be told."""
    try:
        return difference(running, candidate).zones
    except NftError:
        return frozenset(ZONES)
