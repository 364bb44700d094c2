"""What a room refuses to do.

VdxError
└── RoomError   a command names nobody who is there, or asks for what the room's settings do not allow
"""

from vdx.errors import VdxError


class RoomError(VdxError):
    """The room cannot do what it was asked."""
