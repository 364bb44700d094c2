"""The words of requests and answers about versions: names, limits, roles, and who asks."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from vdx.pinhole import Name, Part
from vdx.wire import Message

BASE = "base"
"""The fragment of the appliance's admins."""

MAX_TEXT = 16 * 1024 * 1024
"""Characters of a fragment's text, and of one list of prefixes: as much as a site file may have."""

MAX_WHY = 500
"""Characters of a reason: it stands in every line of the journal."""

MAX_CONFIRM = 24 * 3600
"""Seconds that a version may wait to be confirmed: who needs longer has not tried it."""

MAX_ROWS = 500
"""Versions or lines of the journal in one answer."""

Ref = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""The SHA-256 of a content, in hex. Shown to people by its first twelve digits."""

Number = Annotated[int, Meta(ge=1)]
"""The number of an applied version: counts up, and never names another one."""

Why = Annotated[str, Meta(max_length=MAX_WHY)]
Moment = Annotated[float, Meta(ge=0, le=253402128000)]
"""Seconds since 1970, until two days before the year 10000: what comes out can be shown in every time zone."""
Rows = Annotated[int, Meta(ge=1, le=MAX_ROWS)]
Role = Literal["viewer", "operator", "owner", "admin"]
"""What somebody may do. viewer: read all but contents; operator: also confirm, cut, approve and end calls; admin: all.

owner: read, push, check, apply, confirm and take back the fragment of the own organisation, and nothing else.
"""

CutKind = Literal["peer", "organisation", "token"]
"""A SIP peer; an organisation with its peers, networks and agreements; a token.

A token is a principal, who is not answered any more, or one of callers, by its `jti` or bearer, which is not believed.
"""


class Principal(Part, frozen=True):
    """Who asks, by the name in `management.people`, and the most that this asking may be worth."""

    name: Name
    role: Role = "admin"


class Asking(Message, frozen=True, kw_only=True):
    """What every request carries. Without `principal` it is the local user at the other end of the socket."""

    principal: Principal | None = None
