"""The dial plan of a site: who may dial what, when, and where it leads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from vdx.dialplan import TO_DNS, TO_ROOM
from vdx.pattern import PatternError, pattern, placed
from vdx.site.block import Model, Zone
from vdx.site.values import Word

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_ALTERNATIVES = 8
"""Peers that one call is tried at: a caller does not wait for more."""

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d|24:00)")


def _pattern(text: str) -> str:
    pattern(text)
    return text


def _days(value: object) -> object:
    """Write `mon-fri` out, also around the end of the week."""
    if not isinstance(value, str | list | tuple):
        return value
    days: list[int] = []
    for part in [value] if isinstance(value, str) else value:
        first, dash, last = str(part).lower().partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"{part!r} names no days: write mon, or mon-fri")
        begin = DAYS.index(first)
        length = (DAYS.index(last) - begin) % 7 + 1 if dash else 1
        days += [(begin + each) % 7 for each in range(length)]
    return tuple(sorted(set(days)))


def _hours(value: object) -> object:
    if not isinstance(value, str | list | tuple):
        return value
    hours = []
    for part in [value] if isinstance(value, str) else value:
        if isinstance(part, tuple):
            hours.append(part)
            continue
        found = _HOURS.fullmatch(str(part))
        if not found:
            raise ValueError(f"{part!r} is no time of the day: write 08:00-16:30, in quotes")
        begin = int(found[1]) * 60 + int(found[2])
        hour, minute = found[3].split(":")
        end = int(hour) * 60 + int(minute)
        if begin == end:
            raise ValueError(f"{part!r} begins where it ends")
        hours.append((begin, end))
    return tuple(hours)


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{value!r} is no time zone: write it as in Europe/Oslo") from None
    return value


TimeZone = Annotated[str, Field(max_length=64), AfterValidator(_time_zone)]
PatternText = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_pattern)]
Template = Annotated[str, Field(pattern=r"^[A-Za-z0-9._+*#~{}=!$&'()/?,-]{1,128}$")]
"""A user part, with names of what the pattern kept in braces."""

Domain = Annotated[
    str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", max_length=253)
]
"""A domain name in lower case, without a final dot."""


class When(Model):
    """A time: days of the week, hours of the day, dates (both included); what is left out does not matter."""

    days: Annotated[tuple[int, ...], BeforeValidator(_days)] = ()
    hours: Annotated[tuple[tuple[int, int], ...], BeforeValidator(_hours)] = ()
    since: date | None = None
    until: date | None = None
    time_zone: TimeZone | None = None


class Alternative(Model):
    """One of several peers; neighbours with a `weight` share the calls by it."""

    peer: Word
    weight: Annotated[int, Field(ge=0, le=1000)] | None = None


def _alternatives(value: object) -> object:
    """Read `to: peer` and `to: [one, {peer: two, weight: 3}]` alike."""
    entries = value if isinstance(value, list | tuple) else [value]
    return tuple({"peer": entry} if isinstance(entry, str) else entry for entry in entries)


class Rule(Model):
    """One rule of the dial plan; the first that matches and leads somewhere decides.

    `alias` is a pattern of the dialled name (`vdx.pattern`), `domain` one of the dialled domain (without it: ours).
    Matching, a call goes `to` a peer, to the first of several that takes it, to a `room` or out by `dns` as the peer
    `via`; as another `user` where that is given. Or it is refused with a SIP status and a reason. Or the dialled name
    becomes another one (`rewrite`), and the rules after this one decide.
    """

    alias: PatternText = "*"
    domain: PatternText | None = None
    zone: Zone | None = None
    peer: Word | None = None
    when: When | None = None
    to: Annotated[tuple[Alternative, ...], BeforeValidator(_alternatives), Field(max_length=MAX_ALTERNATIVES)] = ()
    via: Word | None = None
    user: Template | None = None
    refuse: Annotated[int, Field(ge=400, le=699)] | None = None
    reason: Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,64}$")] = ""
    rewrite: Annotated[str, Field(pattern=r"^[^\s@\x00-\x1f\x7f]{1,128}(@[A-Za-z0-9.{}-]{1,253})?$")] | None = None

    @model_validator(mode="after")
    def _one_action(self) -> Rule:
        if bool(self.to) + (self.refuse is not None) + (self.rewrite is not None) != 1:
            raise ValueError("a rule needs one of `to` (a peer), `refuse` (a SIP status from 400 to 699) and `rewrite`")
        if (self.via is not None) != (self.leads_to == TO_DNS):
            raise ValueError("`to: dns` and `via` (the peer that such calls leave as) belong together")
        for fault in self._faults():
            raise ValueError(fault)
        return self

    @property
    def leads_to(self) -> str | None:
        """The one destination, None where there are several or none."""
        return self.to[0].peer if len(self.to) == 1 else None

    @property
    def peers(self) -> tuple[str, ...]:
        """Every peer that this rule leads to."""
        if self.via is not None:
            return (self.via,)
        return tuple(each.peer for each in self.to if each.peer != TO_ROOM)

    def _faults(self) -> Iterator[str]:
        names = [each.peer for each in self.to]
        for word in (TO_ROOM, TO_DNS):
            if len(names) > 1 and word in names:
                yield f"`{word}` has no alternatives: give it a rule of its own"
        if len(set(names)) != len(names):
            yield "a peer stands twice in `to`: remove one"
        if self.user is not None and not self.to:
            yield "`user` goes with `to`: a rule that refuses or rewrites dials nobody"
        if self.reason and self.refuse is None:
            yield "`reason` goes with `refuse`"
        kept = pattern(self.alias).names | (pattern(self.domain).names if self.domain else frozenset())
        for template in (self.user, self.rewrite):
            try:
                missing = set(placed(template or "")) - kept
            except PatternError as error:
                yield str(error)
                return
            if missing:
                yield f"{template!r} asks for {min(missing)!r}, which the pattern does not keep"


class Room(Model):
    """A room that the site file knows: the peer that holds it, and its name there where that is another one."""

    peer: Word
    user: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+*#~-]{1,128}$")] | None = None
