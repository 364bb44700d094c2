"""Which class and field of use a meeting has; a client that knows nothing of classes still books right.

Sources, the first that names a class (or a field) decides it:

    additionalInformation    where the organisation lets clients name it
    rules                    patterns of labels and project codes, the organisation's own before those above it
    template                 the one that the meeting's room is made from, or would be
    organisation             its own setting, else that of the nearest above
    default                  administrative, and no field

An organisation that is stopped from inheriting looks no further up than to itself. On trial everything is a trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TypeVar

from hub.domain.model import Organisation, Template
from hub.domain.words import Field, Use
from hub.errors import Code, InputError

E = TypeVar("E", Use, Field)


class Part(StrEnum):
    """What of a meeting a pattern is held against."""

    LABEL = "label"
    PROJECT_CODE = "projectCode"


@dataclass(frozen=True, slots=True)
class Rule:
    """Meetings of a label or project code that `pattern` fits: * stands for any characters, case does not matter."""

    part: Part
    pattern: str
    use: Use | None
    field: Field | None

    def fits(self, marks: Marks) -> bool:
        """Tell whether the rule is about this meeting."""
        texts = marks.labels if self.part is Part.LABEL else (marks.project_code or "",)
        pattern = self.pattern.casefold().replace("[", "[[]").replace("?", "[?]")
        return any(fnmatchcase(each.casefold(), pattern) for each in texts)


@dataclass(frozen=True, slots=True)
class Level:
    """An organisation with its rules, in their order."""

    organisation: Organisation
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Marks:
    """What of a meeting tells its class."""

    labels: tuple[str, ...] = ()
    project_code: str | None = None
    information: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Class:
    """Class and field of use."""

    use: Use = Use.ADMINISTRATIVE
    field: Field | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of `additionalInformation` that name class and field."""

    use: str
    field: str


def inherited(levels: Sequence[Level]) -> Iterator[Level]:
    """Give the levels whose settings count: from the organisation itself, first, up to one that inherits nothing."""
    for level in levels:
        yield level
        if not level.organisation.inherits:
            return


def classify(levels: Sequence[Level], template: Template | None, marks: Marks, keys: Keys) -> Class:
    """Give a meeting's class; `levels`: its organisation and all above. Raises `InputError` for words we don't know."""
    counting = list(inherited(levels))
    named_use, named_field = None, None
    allowed = (each.organisation.may_set_use for each in counting if each.organisation.may_set_use is not None)
    if next(allowed, False):
        information = dict(marks.information)
        named_use = _word(Use, keys.use, information)
        named_field = _word(Field, keys.field, information)
    rules = [rule for level in counting for rule in level.rules if rule.fits(marks)]
    sources: list[Rule | Template | Organisation | None] = [*rules, template]
    sources += [level.organisation for level in counting]
    use = named_use or next((each.use for each in sources if each is not None and each.use), Use.ADMINISTRATIVE)
    field = named_field or next((each.field for each in sources if each is not None and each.field), None)
    on_trial = any(level.organisation.trial_ends is not None for level in levels)
    return Class(Use.TRIAL if on_trial else use, field)


def _word(kind: type[E], key: str, information: dict[str, str]) -> E | None:
    given = information.get(key)
    if given is None:
        return None
    try:
        return kind(given.strip().lower())
    except ValueError:
        words = ", ".join(kind)
        raise InputError(f"additionalInformation.{key}: must be one of {words}", Code.INPUT.number) from None
