"""The life of a room: which states follow which, what may still be changed in each, what is to be made and removed now.

A provisioner reports how far it is; a report that cannot follow the state before is refused, so that a late or repeated
message of one provisioner does not undo another's. From the two states of problems the work is taken up again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from hub.domain.model import Meeting, SchedulingInfo
from hub.domain.words import ProvisionStatus as S
from hub.errors import Code, ConflictError, refuse

FOLLOWS: dict[S, frozenset[S]] = {
    S.AWAITS_PROVISION: frozenset({S.STARTING_TO_PROVISION, S.PROVISIONED_OK, S.PROVISION_PROBLEMS}),
    S.STARTING_TO_PROVISION: frozenset({S.PROVISIONED_OK, S.PROVISION_PROBLEMS}),
    S.PROVISION_PROBLEMS: frozenset({S.AWAITS_PROVISION, S.STARTING_TO_PROVISION, S.PROVISIONED_OK, S.DEPROVISION_OK}),
    S.PROVISIONED_OK: frozenset({S.STARTING_TO_DEPROVISION, S.DEPROVISION_OK, S.DEPROVISION_PROBLEMS}),
    S.STARTING_TO_DEPROVISION: frozenset({S.DEPROVISION_OK, S.DEPROVISION_PROBLEMS}),
    S.DEPROVISION_PROBLEMS: frozenset({S.STARTING_TO_DEPROVISION, S.DEPROVISION_OK, S.PROVISIONED_OK}),
    S.DEPROVISION_OK: frozenset(),
}
"""state -> states that a report may bring. The same state again is a repeated report, and always taken."""

HERE = frozenset({S.PROVISIONED_OK, S.STARTING_TO_DEPROVISION, S.DEPROVISION_PROBLEMS})
"""States in which the room exists."""


class Changes(Enum):
    """How much of a meeting can be changed."""

    ALL = auto()
    MEETING = auto()
    """Everything of the meeting, nothing of the room: PINs and call type stay."""
    END = auto()
    """The end, labels, microphone, whether guests need a PIN, additional information; the rest is left as it is."""


def report(room: SchedulingInfo, status: S) -> None:
    """Check that `status` can follow; raises `ConflictError` (HTTP 406)."""
    if status is not room.status and status not in FOLLOWS[room.status]:
        raise ConflictError(f"status {status.name} cannot follow {room.status.name}", Code.BASIC.number)


def changes(room: SchedulingInfo, *, pooled: bool) -> Changes:
    """Tell what of a meeting with `room` can be changed; `pooled`: the room's organisation has a pool."""
    if room.status is S.AWAITS_PROVISION:
        return Changes.ALL
    if room.status is S.PROVISIONED_OK:
        return Changes.MEETING if pooled else Changes.END
    raise refuse(Code.NOT_UPDATABLE)


def check_deletable(room: SchedulingInfo) -> None:
    """Refuse to delete a meeting whose room somebody already works on; raises `ConflictError`."""
    if room.status is not S.AWAITS_PROVISION:
        raise refuse(Code.NOT_DELETABLE)


def opens(meeting: Meeting, available_before: int) -> datetime:
    """Give the time from which the room can be dialled; `available_before` in minutes."""
    try:
        return meeting.start_time - timedelta(minutes=available_before)
    except OverflowError:  # before the first year
        return datetime.min.replace(tzinfo=UTC)
