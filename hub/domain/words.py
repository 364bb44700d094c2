"""The words of the video API: roles, states, views; their spelling is contract."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Role(StrEnum):
    """What a token allows."""

    USER = "meeting-user"
    PLANNER = "meeting-planner"
    ADMIN = "meeting-admin"
    PROVISIONER = "meeting-provisioner"
    PROVISIONER_USER = "meeting-provisioner-user"


class VmrType(StrEnum):
    """How guests take part: as equals, or as an audience."""

    CONFERENCE = "conference"
    LECTURE = "lecture"


class View(StrEnum):
    """How many participants are shown large (mains) and small (pips)."""

    ONE_MAIN_ZERO_PIPS = "one_main_zero_pips"
    ONE_MAIN_SEVEN_PIPS = "one_main_seven_pips"
    ONE_MAIN_TWENTYONE_PIPS = "one_main_twentyone_pips"
    TWO_MAINS_TWENTYONE_PIPS = "two_mains_twentyone_pips"
    FOUR_MAINS_ZERO_PIPS = "four_mains_zero_pips"
    FIVE_MAINS_SEVEN_PIPS = "five_mains_seven_pips"
    ONE_MAIN_THIRTYTHREE_PIPS = "one_main_thirtythree_pips"
    NINE_MAINS_ZERO_PIPS = "nine_mains_zero_pips"
    SIXTEEN_MAINS_ZERO_PIPS = "sixteen_mains_zero_pips"
    TWENTYFIVE_MAINS_ZERO_PIPS = "twentyfive_mains_zero_pips"


class Quality(StrEnum):
    """The largest picture of a room."""

    SD = "sd"
    HD = "hd"
    FULLHD = "fullhd"


class GuestMicrophone(StrEnum):
    """How a guest's microphone is when he enters by the portal."""

    MUTED = "muted"
    OFF = "off"
    ON = "on"


class MeetingType(StrEnum):
    """Whether a meeting may be given a room of its own (NORMAL) or must take one of a pool (POOL)."""

    NORMAL = "NORMAL"
    POOL = "POOL"


class DirectMedia(StrEnum):
    """Whether two parties may be relayed without mixing."""

    NEVER = "never"
    BEST_EFFORT = "best_effort"


class ProvisionStatus(IntEnum):
    """Where a room is in its life; the numbers are those that are stored and spoken of."""

    AWAITS_PROVISION = 0
    STARTING_TO_PROVISION = 1
    PROVISION_PROBLEMS = 2
    PROVISIONED_OK = 3
    STARTING_TO_DEPROVISION = 4
    DEPROVISION_PROBLEMS = 5
    DEPROVISION_OK = 6


class Kind(StrEnum):
    """What a node of the organisation tree is."""

    GROUP = "group"
    ORGANISATION = "organisation"
    PRACTICE = "practice"


class Use(StrEnum):
    """The class of a meeting: clinical use comes first where capacity is short, trials go first."""

    CLINICAL = "clinical"
    ADMINISTRATIVE = "administrative"
    TRIAL = "trial"


class Field(StrEnum):
    """The field of use that a meeting belongs to."""

    HEALTH = "health"
    ELDERCARE = "eldercare"
    REHABILITATION = "rehabilitation"
    PREVENTION = "prevention"
    SOCIAL_PSYCHIATRY = "social-psychiatry"
    CHILDREN_AND_YOUTH = "children-and-youth"
    LABOUR_MARKET = "labour-market"
