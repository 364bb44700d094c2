"""Many rooms at once: read from CSV or JSON, with the line of every fault."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pydantic

from hub.api.standing.bodies import RoomBody
from hub.domain.standing import StandingRoom
from hub.errors import Code, InputError

MOST_ROOMS = 1000
"""Rooms of one import: a region sends several."""

MOST_FAULTS = 50
"""Faults that are told: who has more begins with these."""

SEPARATORS = ",;\t"
"""Of CSV; spreadsheets of Danish offices write semicolons."""

NUMBERS = frozenset({"hostPin", "guestPin", "maxParticipants"})
FLAGS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "ja": True, "nej": False}


def read(text: bytes, kind: str, new_uuid: Any) -> tuple[list[tuple[int, StandingRoom]], list[tuple[int, str]]]:  # noqa: ANN401 - a callable
    """Give rooms with the lines they stand in, and faults; raises `InputError` for what is neither CSV nor JSON.

    JSON is a list of rooms: its lines are counted by rooms.
    """
    rooms: list[tuple[int, StandingRoom]] = []
    faults: list[tuple[int, str]] = []
    rows = _json(text) if kind == "application/json" else _csv(text)
    for line, row in rows:
        if len(rooms) >= MOST_ROOMS:
            raise InputError(f"line {line}: more than {MOST_ROOMS} rooms: divide the file", Code.INPUT.number)
        try:
            uuid: UUID = new_uuid()
            rooms.append((line, RoomBody.model_validate(row).room(uuid)))
        except pydantic.ValidationError as error:
            faults += [(line, f"{'.'.join(map(str, each['loc']))}: {each['msg']}") for each in error.errors()]
        if len(faults) >= MOST_FAULTS:
            break
    return rooms, faults


def _json(text: bytes) -> Iterator[tuple[int, Any]]:
    try:
        yield from enumerate(msgspec.json.decode(text, type=list[dict[str, Any]]), 1)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"this is no JSON list of rooms: {error}", Code.INPUT.number) from None


def _csv(text: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start].count(b"\n") + 1
        raise InputError(f"line {before}: this is not UTF-8: save the file as CSV UTF-8", Code.INPUT.number) from None
    head = lines.split("\n", 1)[0]
    separator = max(SEPARATORS, key=head.count)
    reader = csv.DictReader(io.StringIO(lines, newline=""), delimiter=separator, strict=True)
    known = {field.alias or name for name, field in RoomBody.model_fields.items()}
    unknown = [each for each in reader.fieldnames or [] if each not in known]
    if unknown or not reader.fieldnames:
        columns = ", ".join(sorted(known))
        raise InputError(f"line 1: {unknown} is no column: there are {columns}", Code.INPUT.number)
    try:
        for row in reader:
            if None in row:
                raise InputError(f"line {reader.line_num}: more values than columns", Code.INPUT.number)
            yield reader.line_num, {name: _value(name, value) for name, value in row.items() if value}
    except csv.Error as error:
        raise InputError(f"line {reader.line_num}: {error}", Code.INPUT.number) from None


def _value(name: str, value: str) -> object:
    value = value.strip()
    if name == "aliases":
        return value.split()
    if name in NUMBERS and value.isascii() and value.isdecimal() and len(value) < 19:
        return int(value)
    return FLAGS.get(value.lower(), value) if name == "allowGuests" else value
