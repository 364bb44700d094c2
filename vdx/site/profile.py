"""What is particular about the messages of a peer: header fields for the odd codec, and how a PIN reaches it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from vdx import headers
from vdx.pattern import PatternError, pattern, placed
from vdx.site.block import Model

MAX_HEADER_RULES = 32


def _may_pass(name: str) -> str:
    if why := headers.refusal(name):
        raise ValueError(why)
    return name


PassedHeader = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$"), AfterValidator(_may_pass)]
"""The long name of a SIP header field that a profile may let pass."""

HeaderText = Annotated[str, Field(pattern=r"^[\x20-\x7e]{0,256}$")]


class HeaderRule(Model):
    """One rule about a header field of messages to the peer: `add` it with a `value`, `remove` it, or `rewrite` it.

    To rewrite, `match` is a pattern of the whole value (`vdx.pattern`), and `value` says what stands there instead.
    """

    add: PassedHeader | None = None
    remove: PassedHeader | None = None
    rewrite: PassedHeader | None = None
    match: HeaderText = ""
    value: HeaderText = ""

    @model_validator(mode="after")
    def _one_action(self) -> HeaderRule:
        if len([each for each in (self.add, self.remove, self.rewrite) if each]) != 1:
            raise ValueError("a header rule needs one of `add`, `remove` and `rewrite`")
        if bool(self.value) != (self.remove is None):
            raise ValueError("`value` goes with `add` and `rewrite`: it is what stands in the header field")
        if bool(self.match) != (self.rewrite is not None):
            raise ValueError("`match` goes with `rewrite`: it is the value to replace")
        try:
            kept = pattern(self.match).names
            missing = set(placed(self.value)) - kept if self.rewrite else set()
        except PatternError as error:
            raise ValueError(str(error)) from None
        if missing:
            raise ValueError(f"`value` asks for {min(missing)!r}, which `match` does not keep")
        return self

    @property
    def name(self) -> str:
        """The header field that it is about."""
        return self.add or self.remove or self.rewrite or ""


class Pin(Model):
    """How a PIN that was dialled (``room**PIN``) reaches the peer; without this it does not travel."""

    header: PassedHeader | None = None
    parameter: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")] | None = None
    separator: Annotated[str, Field(pattern=r"^[*#.=_-]{1,4}$")] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Pin:
        if len([each for each in (self.header, self.parameter, self.separator) if each]) != 1:
            raise ValueError("a PIN travels in one of `header`, `parameter` (of the URI) and after a `separator`")
        return self
