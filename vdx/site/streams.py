"""What a site says of the media of its calls: encryption, bandwidth, marks for routers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from vdx.site.block import Model, Zone
from vdx.site.values import OFF

Encryption = Annotated[Literal["required", "preferred", "off"], OFF]
"""Whether media has to be encrypted, may be, or is never."""

Kilobits = Annotated[int, Field(ge=64, le=1_000_000)]
"""kbit/s of one call: from a voice to more than any room shows."""

DEFAULT_ENCRYPTION: dict[Zone, Encryption] = {"internet": "required"}
"""By zone; preferred where nothing stands. Anybody on its way may listen to what crosses the internet in the clear."""

DSCP_NAMES = {
    "be": 0,
    "ef": 46,  # RFC 3246
    **{f"cs{number}": 8 * number for number in range(8)},  # RFC 2474
    **{f"af{group}{drop}": 8 * group + 2 * drop for group in range(1, 5) for drop in range(1, 4)},  # RFC 2597
}
"""What people call the values of DSCP."""


def _dscp(value: object) -> object:
    return DSCP_NAMES.get(value.lower(), value) if isinstance(value, str) else value


DscpValue = Annotated[int, BeforeValidator(_dscp), Field(ge=0, le=63)]
"""A number, or a name of `DSCP_NAMES`."""


class Dscp(Model):
    """How packets of a zone are marked for routers (RFC 2474); the defaults are those of RFC 4594.

    `control` is for floors, cameras and SIP.
    """

    audio: DscpValue = 46
    video: DscpValue = 34
    control: DscpValue = 24

    @property
    def by_class(self) -> tuple[int, ...]:
        """The values in the order of classes in a pinhole's number."""
        return (self.video, self.audio, self.control)
