"""Patterns of dialled names: a text with wildcards whose matches can be put into another text.

    *                any characters, also none
    ?                one character
    {room}           one character or more, kept as `room`
    {room:digits}    every digit that stands there, one or more, kept as `room`

Anything else stands for itself, in any case. Wildcards take as little as they can, digits all there are. No pattern
makes the search go back over more than one wildcard: what comes between two of them ends where it ends, wherever the
search for it began, so the first place where it fits is as good as any later one. The time of a match grows with the
length of the text times that of the pattern, whatever is dialled.
"""

from __future__ import annotations

import re
from functools import lru_cache

MAX_PATTERN = 256
"""Characters of a pattern: a dialled name has at most 128."""

MAX_WILDCARDS = 8
"""Wildcards of a pattern: more than any number plan needs."""

MAX_FILLED = 256
"""Characters of what a template makes: a name that goes on as a dialled name or a header value."""

_PIECE = re.compile(r"\*|\?|\{([a-z][a-z0-9_]{0,31})(:digits)?\}|[^*?{}]+")
_PLACE = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")


class PatternError(ValueError):
    """A pattern or template that cannot be used: what is wrong with it."""


class Pattern:
    """A compiled pattern; `names` are those of what it keeps."""

    __slots__ = ("_expression", "names", "text")

    def __init__(self, text: str) -> None:
        """Read a pattern; raises PatternError."""
        if len(text) > MAX_PATTERN:
            raise PatternError(f"a pattern has at most {MAX_PATTERN} characters")
        self.text = text
        self._expression, self.names = _compile(text)

    def match(self, text: str) -> dict[str, str] | None:
        """Give what is kept of a text that matches as a whole, None for one that does not."""
        found = self._expression.fullmatch(text)
        return found.groupdict() if found else None

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"


@lru_cache(maxsize=4096)  # a site version has the same patterns as the one before
def pattern(text: str) -> Pattern:
    """Give the compiled form of a pattern; raises PatternError."""
    return Pattern(text)


def placed(template: str) -> tuple[str, ...]:
    """Give the names that a template asks for; raises PatternError for a brace that is none."""
    rest = _PLACE.sub("", template)
    if "{" in rest or "}" in rest:
        raise PatternError(f"{template!r} has a brace that names nothing: write {{room}} as in the pattern")
    return tuple(_PLACE.findall(template))


def fill(template: str, kept: dict[str, str]) -> str:
    """Put what was kept into a template, cut to MAX_FILLED; a name that was not kept leaves nothing."""
    return _PLACE.sub(lambda place: kept.get(place[1], ""), template)[:MAX_FILLED]


def _compile(text: str) -> tuple[re.Pattern[str], frozenset[str]]:
    segments = [""]  # what stands before the first wildcard, between two, and after the last one
    wildcards: list[str] = []
    names: list[str] = []
    end = 0
    for piece in _PIECE.finditer(text):
        if piece.start() != end:
            break
        end = piece.end()
        if piece[1]:
            names.append(piece[1])
        if piece[2]:
            segments[-1] += f"(?P<{piece[1]}>[0-9]++)"
        elif piece[1] or piece[0] == "*":
            if wildcards and not segments[-1]:
                raise PatternError(f"in {text!r} two wildcards touch: nothing tells where the first one ends")
            wildcards.append(f"(?P<{piece[1]}>.+?)" if piece[1] else ".*?")
            segments.append("")
        else:
            segments[-1] += "." if piece[0] == "?" else re.escape(piece[0])
    if end != len(text):
        raise PatternError(f"{text!r} has a brace that names nothing: write {{room}} or {{room:digits}}")
    if len(wildcards) + len(names) > MAX_WILDCARDS:
        raise PatternError(f"{text!r} has more than {MAX_WILDCARDS} wildcards")
    if len(set(names)) != len(names):
        raise PatternError(f"{text!r} keeps two things under one name")
    first, *rest = segments
    inner = "".join(f"(?>{wild}{segment})" for wild, segment in zip(wildcards[:-1], rest[:-1], strict=True))
    last = wildcards[-1] + rest[-1] if wildcards else ""
    return re.compile(first + inner + last, re.IGNORECASE | re.DOTALL), frozenset(names)
