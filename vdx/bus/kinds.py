"""What travels on the bus: kinds of records, events and questions, each with its name and its type.

Records stand in *buckets*, by key, and each write has a revision; events stand in *streams*, with an id; a question
gets one answer. All are JSON of `msgspec` structs. A field that a reader does not know is skipped, so that programs of
different age can meet; everything else that does not fit is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from vdx.bus.errors import BadRecord, BusError
from vdx.bus.limits import KEY_LENGTH, MAX_RECORD

Record = TypeVar("Record", bound=msgspec.Struct)
Answer = TypeVar("Answer", bound=msgspec.Struct)

_KEY = re.compile(r"[A-Za-z0-9_=-]+(?:\.[A-Za-z0-9_=-]+)*")
"""A key becomes part of a subject: tokens between dots, none of them a wildcard."""

_ENCODER = msgspec.json.Encoder()


def checked_key(key: str) -> str:
    """Give the key back; raises `BusError` where it cannot be part of a subject."""
    if len(key) > KEY_LENGTH or not _KEY.fullmatch(key):
        raise BusError(f"{key!r} is no key of the bus: letters, digits, - _ = and single dots, up to {KEY_LENGTH}")
    return key


def encode(record: msgspec.Struct) -> bytes:
    """Write a record; raises `BusError` where it is longer than the bus carries."""
    data = _ENCODER.encode(record)
    if len(data) > MAX_RECORD:
        raise BusError(f"a {type(record).__name__} of {len(data)} bytes is longer than the bus carries ({MAX_RECORD})")
    return data


def decode(data: bytes, what: type[Record]) -> Record:
    """Read a record of type `what`; raises `BadRecord` that names the field."""
    if len(data) > MAX_RECORD:
        raise BadRecord(f"a {what.__name__} of {len(data)} bytes is longer than the bus carries ({MAX_RECORD})")
    try:
        return msgspec.json.decode(data, type=what)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecord(f"no {what.__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class Kind(Generic[Record]):
    """A bucket: its name, and the type of its records."""

    name: str
    record: type[Record]

    @property
    def stream(self) -> str:
        """The stream behind the bucket, by the convention of NATS."""
        return f"KV_{self.name}"

    @property
    def told(self) -> str:
        """The subjects on which the server tells every change it stored."""
        return f"vdx.kv.{self.name}.>"

    def subject(self, key: str) -> str:
        """Give the subject that is written to; raises `BusError` for a key that cannot be one."""
        return f"$KV.{self.name}.{checked_key(key)}"


@dataclass(frozen=True, slots=True)
class Happening(Generic[Record]):
    """A stream of events: ``vdx.<name>.<source>``, where the source is the program that saw them."""

    name: str
    record: type[Record]

    @property
    def stream(self) -> str:
        """The name of the stream on the server."""
        return self.name

    def subject(self, source: str) -> str:
        """Give the subject of one source's events; raises `BusError` for a source that cannot be part of one."""
        return f"vdx.{self.name}.{checked_key(source)}"


@dataclass(frozen=True, slots=True)
class Question(Generic[Record, Answer]):
    """A question and its answer; `about` makes a subject of its own for each of those who can answer."""

    name: str
    question: type[Record]
    answer: type[Answer]

    def subject(self, about: str = "") -> str:
        """Give the subject of the question; raises `BusError` for an `about` that cannot be part of one."""
        return f"vdx.ask.{self.name}.{checked_key(about)}" if about else f"vdx.ask.{self.name}"


AnyKind = Kind[Any]
