"""What a site says of the media of its calls: encryption, bandwidth."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vdx.site.block import Zone

Encryption = Literal["required", "preferred", "off"]
"""Whether media has to be encrypted, may be, or is never."""

Kilobits = Annotated[int, Field(ge=64, le=1_000_000)]
"""kbit/s of one call: from a voice to more than any room shows."""

DEFAULT_ENCRYPTION: dict[Zone, Encryption] = {"internet": "required"}
"""By zone; preferred where nothing stands. Anybody on its way may listen to what crosses the internet in the clear."""
