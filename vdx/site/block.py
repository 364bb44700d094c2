"""What every block of the site file is made of, and the names of the zones."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Zone = Literal["sdn", "internet", "core", "mgmt"]
ZONES: tuple[Zone, ...] = ("sdn", "internet", "core", "mgmt")
"""In the order of their numbers, from 1: a pinhole number begins with its zone's."""


class LocatedError(ValueError):
    """A value contradicts another one; `path` leads to the value to change."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path


class Model(BaseModel):
    """What every block of the site file has: no unknown keys, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
