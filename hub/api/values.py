"""Values as requests bring them: times (RFC 3339), PINs, texts with their limits."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from hub.api.metrics import COUNTS

YEAR_FAULT = "five_digit_year"
"""The kind of validation error that has a code of its own."""

RFC3339 = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(\.\d{1,9})?([Zz]|[+ -]\d{2}:?\d{2})")
"""RFC 3339 5.6 date-time; a blank before the offset is a + that a query string has lost."""

MAX_INT64 = 10**18
"""The largest round number of 64 bits: JSON Schema's readers round larger ones."""

LONG_YEAR = re.compile(r"[+-]?\d{5,}-")


def to_time(value: object) -> datetime:
    """Read a date-time to the second, in UTC; raises `PydanticCustomError`."""
    if not isinstance(value, str):
        raise PydanticCustomError("time", "must be a text such as 2019-10-02T14:01:00Z")
    if LONG_YEAR.match(value):
        raise PydanticCustomError(YEAR_FAULT, "a year has four digits")
    parts = RFC3339.fullmatch(value)
    if parts is None:
        raise PydanticCustomError("time", "must be a time such as 2019-10-02T14:01:00Z")
    day, clock, _, offset = parts.groups()
    zone = "+00:00" if offset in "Zz" else offset.replace(" ", "+")
    try:
        return datetime.fromisoformat(f"{day}T{clock}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("time", "must be a time that exists, such as 2019-10-02T14:01:00Z") from None


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise PydanticCustomError("text", "must not hold the character NUL")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("text", "must be Unicode text without lone surrogates") from None
    return value


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value  # JSON knows one kind of number


Time = Annotated[datetime, BeforeValidator(to_time), Field(json_schema_extra={"type": "string", "format": "date-time"})]
Text = Annotated[str, AfterValidator(_no_nul)]
Pin = Annotated[int, Field(ge=1000, le=999_999_999, strict=True), BeforeValidator(_whole)]
Int32 = Annotated[int, Field(ge=0, le=2**31 - 1, strict=True), BeforeValidator(_whole)]
Int64 = Annotated[int, Field(ge=-MAX_INT64, le=MAX_INT64, strict=True), BeforeValidator(_whole)]
Flag = Annotated[bool, Field(strict=True)]


class Body(BaseModel):
    """A body of a request; names are camelCase on the wire, and what is not known is passed over."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False, frozen=True, extra="ignore")

    def model_post_init(self, context: object) -> None:
        """Count which fields clients set: what nobody uses may go one day."""
        del context
        for name in self.model_fields_set:
            COUNTS.used(type(self).__name__, name)

    def given(self) -> dict[str, Any]:
        """Give the fields that the request has, by the names of the models."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Answer(BaseModel):
    """What an answer looks like, for the OpenAPI document."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
