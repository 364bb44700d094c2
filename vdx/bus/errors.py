"""What can go wrong on the bus.

VdxError
└── BusError         the bus, or a record on it, cannot be used
    ├── BusDown      no server is connected right now: decide from the last known state
    ├── NoAnswer     the server or the one who was asked did not answer in time
    ├── Denied       this program's credentials do not allow it
    ├── Conflict     the record changed in the meantime: read it again, and decide again
    │   └── Taken    the key already exists, and another holds it
    └── BadRecord    bytes that are no record of this kind
"""

from vdx.errors import VdxError


class BusError(VdxError):
    """The bus, or a record on it, cannot be used."""


class BusDown(BusError):  # noqa: N818 - a state of the bus, named as operators say it
    """No server is connected right now."""


class NoAnswer(BusError):  # noqa: N818 - see above
    """The server, or the program that was asked, did not answer in time."""


class Denied(BusError):  # noqa: N818 - see above
    """The credentials of this program do not allow it."""


class Conflict(BusError):  # noqa: N818 - see above
    """The record changed since it was read."""


class Taken(Conflict):
    """The key exists already, and belongs to another."""


class BadRecord(BusError):  # noqa: N818 - see above
    """Bytes that are no record of this kind."""
