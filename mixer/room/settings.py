"""What a room is: the settings of the video API, as the room's logic needs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from mixer.layout import View
from mixer.room.participant import Role
from mixer.session import Quality
from vdx.rooms import Steerers

Language = Literal["da", "en"]


class Kind(StrEnum):
    """What kind of room: one to meet in, one that loops back, one that asks where to go, one between two gateways.

    And one for a call of ours that looks how another room does: nobody else is in it.
    """

    MEETING = "meeting"
    TEST = "test"
    RECEPTION = "reception"
    GATEWAY = "gateway"
    PROBE = "probe"


class Pins(Protocol):
    """Who may enter; whoever implements it holds digests, never PINs."""

    @property
    def host(self) -> bool:
        """Whether hosts have a PIN."""
        ...

    @property
    def guest(self) -> bool:
        """Whether guests have one."""
        ...

    def role(self, digits: str) -> Role | None:
        """Give whose PIN this is; None for nobody's."""
        ...


class OpenDoor:
    """No PINs: everybody is a host."""

    host = False
    guest = False

    def role(self, digits: str) -> Role | None:
        """Give nobody: there is nothing to compare with."""
        del digits
        return None


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """One room. `limit` participants, 0 for any number; `ends` seconds since 1970, None for never.

    `lecture`: guests see hosts only, in `guest_view`; else everybody sees everybody in `host_view`. `personal` is up
    to how many pictures each is sent one without himself. `theme` names whose prompts and screens they are.
    """

    alias: str
    name: str = ""
    kind: Kind = Kind.MEETING
    language: Language = "da"
    quality: Quality = Quality.HD
    host_view: View = View.ONE_MAIN_SEVEN_PIPS
    guest_view: View = View.ONE_MAIN_SEVEN_PIPS
    lecture: bool = False
    pins: Pins = field(default_factory=OpenDoor)
    limit: int = 0
    overlay: bool = True
    guests_present: bool = True
    force_presenter: bool = True
    force_encryption: bool = False
    mute_guests: bool = False
    recording: bool = False
    camera_control: Steerers = "hosts"
    ends: float | None = None
    personal: int = 4
    theme: str = ""
