"""The direction of a stream (RFC 3264 sections 5.1, 6.1 and 8.4), seen from the side that wrote the description."""

from enum import StrEnum


class Direction(StrEnum):
    """The four property attributes of RFC 8866 section 6.7."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        """Whether the writer of the description sends."""
        return self is Direction.SENDRECV or self is Direction.SENDONLY

    @property
    def receives(self) -> bool:
        """Whether the writer of the description wants to receive."""
        return self is Direction.SENDRECV or self is Direction.RECVONLY


DIRECTIONS = tuple(Direction)

# How to read: [stated direction] -> direction of a stream that asks for silence with c=0.0.0.0 as RFC 2543 did.
HELD = {
    Direction.SENDRECV: Direction.SENDONLY,
    Direction.SENDONLY: Direction.SENDONLY,
    Direction.RECVONLY: Direction.INACTIVE,
    Direction.INACTIVE: Direction.INACTIVE,
}

_BY_WAYS = {
    (True, True): Direction.SENDRECV,
    (True, False): Direction.SENDONLY,
    (False, True): Direction.RECVONLY,
    (False, False): Direction.INACTIVE,
}


def answerable(offered: Direction, answered: Direction) -> Direction:
    """Cut an answer's direction down to what its offer allows (RFC 3264 section 6.1)."""
    return _BY_WAYS[answered.sends and offered.receives, answered.receives and offered.sends]
