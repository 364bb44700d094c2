"""The journal: who did and read what. Each entry's digest covers the entry and the digest before it.

Nothing can be changed, taken out or put in without all digests after it being other than they were; and those stand
also on the bus, where the hub tells each entry with its digest. Old entries are cut off at the beginning: what is left
of the last of them is its number and digest, and that the journal was cut there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

BEGINNING = "0" * 64
"""What stands for the digest before the first entry."""

CUT = "cut"
"""The operation of an entry that the journal was cut at."""

CUT_RESOURCE = "journal"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `person` is a pseudonym, `time` a text so that it is digested as it was written."""

    number: int
    time: str
    organisation: str | None
    resource: str
    operation: str
    identifier: str | None
    person: str | None
    source: str
    data: dict[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def is_cut(self) -> bool:
        """Tell whether the journal was cut here."""
        return (self.resource, self.operation) == (CUT_RESOURCE, CUT)


def digest(before: str, entry: Entry) -> str:
    """Give the digest of an entry after the one that has the digest `before`: SHA-256, 64 small hex digits."""
    said = [
        entry.number,
        entry.time,
        entry.organisation,
        entry.resource,
        entry.operation,
        entry.identifier,
        entry.person,
        entry.source,
        entry.data,
    ]
    plain = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}{plain}".encode()).hexdigest()


@dataclass(slots=True)
class Verifier:
    """Goes through the journal from its beginning; `fault` says where and why it does not hold."""

    number: int = 0
    last: str = BEGINNING
    fault: str | None = None

    def take(self, entries: Iterable[Entry]) -> bool:
        """Go on with the next entries; gives whether they hold."""
        for entry in entries:
            if self.fault is not None:
                break
            if self.number == 0 and entry.is_cut:
                self.number, self.last = entry.number, entry.digest
                continue
            if entry.number != self.number + 1:
                self.fault = f"after entry {self.number} comes {entry.number}: entries are missing"
            elif digest(self.last, entry) != entry.digest:
                self.fault = f"entry {entry.number} was changed, or one before it"
            else:
                self.number, self.last = entry.number, entry.digest
        return self.fault is None
