"""Who may see and change which rows: the rules by role, organisation and organiser."""

from __future__ import annotations

from dataclasses import dataclass

from hub.domain.model import Caller, Meeting
from hub.domain.words import Role
from hub.errors import ForbiddenError

WRITERS = (Role.PLANNER, Role.PROVISIONER_USER, Role.ADMIN, Role.USER)
"""Roles that may book."""

ORGANISERS = (Role.PLANNER, Role.ADMIN, Role.PROVISIONER_USER)
"""Roles that may book in somebody else's name."""

PROVISIONERS = (Role.PROVISIONER, Role.PROVISIONER_USER)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a list shows: rows of `organisation` (None: of all), organised by `email` (None: by anybody).

    `descendants`: also rows of the organisations below. `covered`: of these organisations only.
    """

    organisation: str | None
    email: str | None = None
    descendants: bool = False
    covered: tuple[str, ...] | None = None


def require(caller: Caller, *roles: Role) -> None:
    """Refuse who has none of `roles`; raises `ForbiddenError`."""
    if not caller.has(*roles):
        raise ForbiddenError(f"this needs one of the roles {', '.join(roles)}")


def meetings(caller: Caller) -> Sight:
    """Give what a list of meetings shows the caller."""
    return Sight(caller.organisation, caller.email if caller.only(Role.USER) else None)


def meetings_by_address(caller: Caller) -> Sight:
    """Give what a search by dialled address shows the caller."""
    if caller.has(Role.PROVISIONER_USER):
        return Sight(None)
    return Sight(caller.organisation, caller.email if caller.has(Role.USER) else None)


def meetings_by_short_id(caller: Caller) -> Sight:
    """Give what a search by short id shows: who is an administrator only resolves short links for everybody."""
    return Sight(None) if caller.only(Role.ADMIN) else meetings(caller)


def scheduling(caller: Caller) -> Sight:
    """Give what a list of scheduling infos shows the caller."""
    if caller.has(*PROVISIONERS):
        return Sight(None)
    return Sight(caller.organisation, descendants=caller.has(Role.ADMIN, Role.PLANNER))


def check_meeting(caller: Caller, meeting: Meeting) -> None:
    """Refuse a meeting that the caller may not touch; raises `ForbiddenError`."""
    if meeting.organisation != caller.organisation:
        raise ForbiddenError("the meeting belongs to another organisation")
    if caller.only(Role.USER) and meeting.organized_by.email != caller.email:
        raise ForbiddenError("the meeting is organised by somebody else")
