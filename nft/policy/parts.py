"""The policy's table as parts that are named by what they say. Pure.

A part is a set, a map, a chain or a counter. Its name ends in a digest of its text, in which the parts that it refers
to stand by their whole names: equal names mean equal content, all the way down. Only base chains have names of their
own, each with one rule that goes to a part.

So a version comes beside the one that runs, in three transactions. The first makes the parts that are not there yet;
no packet gets to them. The second points the base chains to them. When the packets that were on their way have long
gone, the third removes what nothing needs any more. A packet meets one version from its first look-up to its last.
Everything in one transaction would not do: the kernel publishes the elements of a new interval set only after it has
switched to the new rules (0.2 us an element), and switches in the midst of a packet's look-ups.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Literal, NamedTuple, TypeAlias

TABLE: Final = "transit"
Kind: TypeAlias = Literal["counter", "set", "map", "chain"]

DIGEST_CHARACTERS: Final = 20
"""100 bits: nobody writes two policies whose parts get the same name by trying."""

_REFERENCE: Final = re.compile(r"<([\w.-]+)>")


class Draft(NamedTuple):
    """A part before it has its name. Where ``body`` and ``meaning`` refer to other drafts, these stand as ``<name>``.

    ``head`` declares a set or map; ``body`` are its elements, or the rules of a chain. ``meaning`` is what its name
    must change with besides. ``stem`` is what its name begins with, if not what the others call it.
    """

    kind: Kind
    name: str
    head: str = ""
    body: str = ""
    meaning: str = ""
    stem: str = ""


class Part(NamedTuple):
    """A part with its name and the text that makes it."""

    kind: Kind
    name: str
    text: str


class Hook(NamedTuple):
    """A base chain and the part that it goes to."""

    name: str
    words: str
    target: str


@dataclass(frozen=True, slots=True)
class Held:
    """The names that the table in the kernel has; sets with whether they are maps."""

    sets: Mapping[str, bool]
    chains: frozenset[str]
    counters: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self.sets) | self.chains | self.counters


NOTHING: Final = Held({}, frozenset(), frozenset())


def chain(name: str, rules: Iterable[str]) -> Draft:
    """Return a chain of rules."""
    return Draft("chain", name, body="".join(f"    {rule}\n" for rule in rules))


def resolve(drafts: Iterable[Draft], roots: Iterable[str]) -> dict[str, Part]:
    """Return the parts that ``roots`` need, by the names of their drafts, each after those that it refers to."""
    known = {draft.name: draft for draft in drafts}
    found: dict[str, Part] = {}

    def named(reference: re.Match[str]) -> str:
        name = reference[1]
        if name not in found:
            found[name] = made(known[name])
        return found[name].name

    def made(draft: Draft) -> Part:
        # most of a large table are elements that refer to nothing
        body, meaning = (_REFERENCE.sub(named, text) if "<" in text else text for text in (draft.body, draft.meaning))
        stem = draft.stem or draft.name
        name = f"{stem}_{_digest(draft.kind, stem, draft.head, body, meaning)}"
        return Part(draft.kind, name, _text(draft._replace(name=name, body=body)))

    for root in roots:
        _REFERENCE.sub(named, f"<{root}>")
    return found


def _digest(*texts: str) -> str:
    digest = blake2b(digest_size=16)
    for text in texts:
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(8) + encoded)
    return b32encode(digest.digest()).decode().lower()[:DIGEST_CHARACTERS]


def _text(draft: Draft) -> str:
    if draft.kind == "chain":
        return f"table inet {TABLE} {{\n  chain {draft.name} {{\n{draft.body}  }}\n}}\n"
    text = f"add {draft.kind} inet {TABLE} {draft.name}{draft.head and ' '}{draft.head}\n"
    return f"{text}{elements(draft.name, draft.body)}"


def elements(name: str, body: str) -> str:
    """Return the text that adds elements, nothing where there is none."""
    return f"add element inet {TABLE} {name} {{\n{body}\n}}\n" if body else ""


def switched(hooks: Iterable[Hook]) -> str:
    """Return the text that points base chains to their parts."""
    lines = (
        f"add chain inet {TABLE} {hook.name} {{ {hook.words} }}\n"
        f"flush chain inet {TABLE} {hook.name}\n"
        f"add rule inet {TABLE} {hook.name} goto {hook.target}\n"
        for hook in hooks
    )
    return "".join(lines)


def swept(held: Held, kept: frozenset[str]) -> list[str]:
    """Return the texts, a transaction each, that remove what is in the kernel and not to be kept."""
    chains, counters = sorted(held.chains - kept), sorted(held.counters - kept)
    sets = sorted(name for name in held.sets if name not in kept)
    # verdict maps hold chains, and chains hold sets, until they are gone
    first = [f"flush chain inet {TABLE} {name}\n" for name in chains]
    first += [f"delete {'map' if held.sets[name] else 'set'} inet {TABLE} {name}\n" for name in sets]
    second = [f"delete chain inet {TABLE} {name}\n" for name in chains]
    second += [f"delete counter inet {TABLE} {name}\n" for name in counters]
    return ["".join(lines) for lines in (first, second) if lines]
