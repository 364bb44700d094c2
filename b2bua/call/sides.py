"""The two sides of a call: "a" called, "b" was called."""

from __future__ import annotations

from vdx.pinhole import Side

NAMES: dict[Side, str] = {"a": "caller", "b": "callee"}
"""What a side is called in a record."""


def other_side(side: Side) -> Side:
    """Give the side that talks to this one."""
    return "b" if side == "a" else "a"
