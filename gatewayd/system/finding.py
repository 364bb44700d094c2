"""What a look at a part of the machine finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Grade = Literal["well", "look", "bad"]

FULL = 0.85
"""Of a disk, a table or a range of ports, from which it is told of."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `advice` says what to do where it is not well."""

    grade: Grade
    about: str
    text: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.grade:5} {self.about}: {self.text}" + (f". {self.advice}" if self.advice else "")
