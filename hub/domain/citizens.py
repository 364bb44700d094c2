"""Citizens' numbers in free text: found and refused, since subjects and labels travel to calendars, mails and logs.

A personal number is a birthday and four more digits, ddmmyy-xxxx. The parts may stand together or have a blank, a dot,
a dash or a slash between them. Numbers that hospitals give to people without one have 60 added to the day. There is no
check digit that all of them keep, so what could be one is taken for one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import TypeAlias

from hub.errors import Code, InputError

BETWEEN = "[ .\\-\u2010-\u2015/\u00a0]?"

NUMBER = re.compile(rf"(?<!\d)(\d\d){BETWEEN}(\d\d){BETWEEN}(\d\d){BETWEEN}(\d{{4}})(?!\d)")

DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Of each month; the century is not known, so any February may have 29."""

REPLACEMENT = 60
"""Added to the day in numbers that stand in for one."""


def holds_number(text: str) -> bool:
    """Tell whether a text holds what could be a citizen's number, in digits of any script, hidden characters or not."""
    plain = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    at = 0
    while (found := NUMBER.search(plain, at)) is not None:
        if _birthday(int(found[1]), int(found[2])):
            return True
        at = found.start() + 1
    return False


Said: TypeAlias = "str | tuple[Said, ...] | None"
"""A text, or several, or keys with their values."""


def check(texts: Mapping[str, Said]) -> None:
    """Refuse a request with a citizen's number in a text; `texts` by the names of their fields. Raises `InputError`."""
    for field, said in sorted(texts.items()):
        if _holds(said):
            raise InputError(
                f"{field}: holds what looks like a citizen's personal number (ddmmyy-xxxx): leave it out",
                Code.INPUT.number,
            )


def _holds(said: Said) -> bool:
    if isinstance(said, tuple):
        return any(_holds(each) for each in said)
    return said is not None and holds_number(said)


def _birthday(day: int, month: int) -> bool:
    day = day - REPLACEMENT if day > REPLACEMENT else day
    return 1 <= month <= len(DAYS) and 1 <= day <= DAYS[month - 1]
