"""Errors of this package, and the catalogue of the video API's error codes.

VdxError
└── HubError                  an HTTP status, a code of the catalogue, a sentence for the client
    ├── InputError            400: a request that cannot be understood or is not allowed as it stands
    ├── UnauthenticatedError  401: nobody, or nobody with a role
    │   └── LoginNeededError  401: a page for people who are logged in; browsers are sent to the login
    ├── OutsideError          401: an organisation outside the caller's part of the tree
    ├── ForbiddenError        403: somebody, but not for this
    ├── UnknownError          404: there is no such thing
    ├── ConflictError         406: the state of the meeting or the set-up of a template does not allow it
    └── AwayError             503: the database cannot be reached; the request may be sent again
SettingsError                 the hub's configuration cannot be used; exit status 2
"""

from __future__ import annotations

from enum import Enum

from vdx.errors import VdxError


class Code(Enum):
    """Codes that clients know: number and HTTP status are contract, sentences are ours."""

    INPUT = (10, 400, "Input validation error")
    BASIC = (11, 500, "The request could not be carried out")
    NOT_UPDATABLE = (12, 406, "Only a meeting in status AWAITS_PROVISION or PROVISIONED_OK can be updated")
    NOT_DELETABLE = (13, 406, "Only a meeting in status AWAITS_PROVISION can be deleted")
    ADDRESS_SETUP = (14, 406, "No address could be assigned: the number range of the template is empty")
    ADDRESS_FULL = (15, 406, "No free address was found: widen the number range of the template")
    GUEST_PIN_SETUP = (16, 406, "No guest PIN could be assigned: the guest PIN range of the template is empty")
    HOST_PIN_SETUP = (17, 406, "No host PIN could be assigned: the host PIN range of the template is empty")
    POOL_TEMPLATE = (18, 406, "The organisation already has a pool template, and only one is allowed")
    NO_POOL = (19, 400, "Meetings from a pool cannot be made in organisation {}: neither it nor one above has a pool")
    POOL_EMPTY = (20, 400, "No unused room that fits was found in the pools of organisation {}")
    EXTERNAL_ID = (21, 400, "The externalId is already used within the organisation")
    NO_ORGANISATION = (22, 400, "Organisation {} of the request was not found")
    NOT_POOL_ORGANISATION = (23, 400, "Rooms cannot be made in organisation {}: it has no pool")
    SHORT_ID = (24, 400, "No unique identifier could be made: send the request again")
    YEAR = (25, 400, "The date cannot be used: a year has four digits")
    NO_TEMPLATE = (26, 400, "Scheduling template {} was not found")
    FOREIGN_TEMPLATE = (27, 400, "Scheduling template {} does not belong to organisation {}")
    HALF_PERIOD = (28, 400, "from-start-time and to-start-time are given both or not at all")
    RESERVATION = (29, 400, "The reservation was not found in the organisation")
    NULL = (30, 400, "Field {} cannot be set to null")
    NO_CUSTOM_ADDRESS = (31, 400, "The organisation does not allow addresses of its own choice")
    ADDRESS_TAKEN = (32, 400, "The address is already used")
    ADDRESS_CHARACTERS = (33, 400, "The address contains other characters than A-Z, a-z and 0-9")
    RESERVATION_PINS = (34, 400, "A reserved room cannot be combined with PINs in the request")
    INFORMATION_KEYS = (35, 400, "The keys of additionalInformation are not unique")
    NO_QUERY = (36, 400, "Give at least one query parameter when searching for meetings")

    def __init__(self, number: int, status: int, sentence: str) -> None:
        self.number = number
        self.status = status
        self.sentence = sentence


class HubError(VdxError):
    """A request is refused: `status` of HTTP, `code` of the catalogue, the text for whoever sent it."""

    status = 500

    def __init__(self, sentence: str, code: int = Code.BASIC.number) -> None:
        super().__init__(sentence)
        self.code = code


class InputError(HubError):
    """The request is not usable as it stands."""

    status = 400


class UnauthenticatedError(HubError):
    """Nobody is known behind the request: no token, one that is not valid, or one without any role."""

    status = 401


class LoginNeededError(UnauthenticatedError):
    """A page that needs a person was asked for by nobody who is logged in."""


class OutsideError(HubError):
    """Who asks administers another part of the tree; the organisation API answers that with 401."""

    status = 401


class ForbiddenError(HubError):
    """Who asks may not do this."""

    status = 403


class UnknownError(HubError):
    """What is asked for does not exist."""

    status = 404


class ConflictError(HubError):
    """The state of the meeting or the set-up of a template does not allow this now."""

    status = 406


class AwayError(HubError):
    """The database cannot be reached; nothing was changed."""

    status = 503


class SettingsError(VdxError):
    """The hub's configuration cannot be used."""


def refuse(code: Code, *values: object) -> HubError:
    """Make the error of a code; `values` fill its sentence."""
    kind = {400: InputError, 406: ConflictError}.get(code.status, HubError)
    return kind(code.sentence.format(*values), code.number)
