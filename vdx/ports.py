"""What a connection costs, in ports: the unit in which capacity is counted and booked. One HD connection is one port.

Counted in twelfths, so that sums are exact: the audio of a telephone is one twelfth of an HD picture.
"""

from typing import Literal, NewType

Twelfths = NewType("Twelfths", int)
"""Capacity in twelfths of a port."""

Quality = Literal["audio", "sd", "hd", "fullhd"]

PORT = Twelfths(12)
"""One port."""

COST: dict[Quality, Twelfths] = {"audio": Twelfths(1), "sd": Twelfths(6), "hd": Twelfths(12), "fullhd": Twelfths(24)}
"""Twelfths of a port that one connection takes."""

_HEIGHTS: tuple[tuple[int, Quality], ...] = ((0, "audio"), (480, "sd"), (720, "hd"))
"""Lines of a picture, up to and with which a quality reaches; 0: no picture."""


def cost(quality: Quality, connections: int = 1) -> Twelfths:
    """Give what connections of a quality take."""
    return Twelfths(COST[quality] * connections)


def quality_of(height: int) -> Quality:
    """Give the quality of a picture of `height` lines, 0 for sound alone."""
    for lines, quality in _HEIGHTS:
        if height <= lines:
            return quality
    return "fullhd"


def written(twelfths: int) -> str:
    """Write capacity for people, in ports: ``3``, ``2 1/12``, ``1/2``."""
    whole, rest = divmod(twelfths, PORT)
    if not rest:
        return str(whole)
    part = {2: "1/6", 3: "1/4", 4: "1/3", 6: "1/2", 8: "2/3", 9: "3/4", 10: "5/6"}.get(rest, f"{rest}/12")
    return f"{whole} {part}" if whole else part
