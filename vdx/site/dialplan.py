"""The dial plan of a site: who may dial what, and where it leads."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from vdx.site.block import Model, Zone
from vdx.site.values import Word


class Rule(Model):
    """One rule of the dial plan; the first that matches decides.

    `alias` is the dialled user part, any case, ``*`` for any characters. Matching, a call goes `to` a peer (as another
    user where `user` is given) or is refused with a SIP status.
    """

    alias: Annotated[str, Field(min_length=1, max_length=128)] = "*"
    zone: Zone | None = None
    peer: Word | None = None
    to: Word | None = None
    user: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,128}$")] | None = None
    refuse: Annotated[int, Field(ge=400, le=699)] | None = None

    @model_validator(mode="after")
    def _one_action(self) -> Rule:
        if (self.to is None) == (self.refuse is None):
            raise ValueError("a rule needs one of `to` (a peer) and `refuse` (a SIP status from 400 to 699)")
        return self
