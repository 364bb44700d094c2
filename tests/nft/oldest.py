"""What the oldest kernel that we run on, Linux 6.1 of Debian 12, refuses although newer ones take it."""

from __future__ import annotations

import re

_STATEMENTS = "map|vmap|add|update|delete"  # what may stand before a map: a look-up of its value, or a change of it
_LOOKED_UP = re.compile(rf"(?<!\w)(?:({_STATEMENTS}) )?@(\w+)(?![\w,])")
_NEWER = re.compile(r"^destroy .*", re.MULTILINE)  # since 6.3


def refused(ruleset: str) -> list[str]:
    """Return the pieces of a ruleset that Linux 6.1 does not take: maps asked as if they were sets, newer commands."""
    maps = set(re.findall(r"^add map inet \w+ (\w+)", ruleset, re.MULTILINE))
    asked = [f"@{name}" for statement, name in _LOOKED_UP.findall(ruleset) if name in maps and not statement]
    return [*asked, *_NEWER.findall(ruleset)]
