"""What the owner of an organisation may read of sentences that are about the whole site. Pure.

Every name in a fragment is that of its organisation or begins with it and a dot, and so do the names of its file and
lists. So a sentence tells of another organisation if one of its words does. Those pass that the owner's own fragment
names too, such as a service it has asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from msgspec import structs

from vdx.proof import ProofReport
from vdx.site.delegation import owner

_WORD = re.compile(r"[a-z0-9][a-z0-9._-]*")
_PLACE = r"{name}\.yaml:[0-9]+"


class Veil:
    """The eyes of one owner. `known` are texts of its own fragment, `base` the name of the base's file."""

    def __init__(self, organisation: str, others: Collection[str], known: Iterable[str], base: str) -> None:
        self._organisation = organisation
        self._others = frozenset(others) - {organisation}
        self._known = frozenset(word.rstrip(".") for text in known for word in _WORD.findall(text))
        self._own_place = re.compile(_PLACE.format(name=re.escape(organisation)))
        self._base_place = re.compile(rf"{re.escape(base)}:[0-9]+")

    def tells(self, text: str) -> bool:
        """Say whether a sentence names something of another organisation."""
        words = (word.rstrip(".") for word in _WORD.findall(text))
        return any(owner(word) in self._others and word not in self._known for word in words)

    def sentence(self, text: str) -> str:
        """Give a sentence, or one that says no more than that there is a conflict."""
        if not self.tells(text) and not self._base_place.match(text):
            return self._base_place.sub("the base", text)
        mine = self._own_place.search(text)
        at = f"{mine[0]}: " if mine else ""
        whom = "another organisation" if self.tells(text) else "the base of the appliance"
        return f"{at}this is in conflict with {whom}, whose part is not shown: ask the appliance's admins"

    def sentences(self, text: str) -> tuple[str, ...]:
        """Give the lines of a message, each once."""
        return tuple(dict.fromkeys(self.sentence(line) for line in text.splitlines()))

    def proof(self, report: ProofReport) -> ProofReport:
        """Give a report without the packets of others."""
        mine = tuple(each for each in report.differences if not self.tells(str(each)))
        notes = tuple(each for each in report.notes if not self.tells(each))
        return structs.replace(report, differences=mine, notes=notes)

    def own(self, text: str) -> bool:
        """Say whether a difference may be told: it names nothing of others."""
        return not self.tells(text)
