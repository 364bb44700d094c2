"""How many ports this server carries: measured on it, and kept."""

from __future__ import annotations

import json
from pathlib import Path

from vdx import ports

FILE = "calibration.json"
UNMEASURED = 12 * 4
"""Twelfths of a port of a server that was never measured: what the smallest one carries."""


def known(state_dir: Path) -> int:
    """Give the capacity that was measured, in twelfths of a port."""
    try:
        found = json.loads((state_dir / FILE).read_text())
        return max(int(ports.PORT), int(found["twelfths"]))
    except (OSError, ValueError, KeyError, TypeError):
        return UNMEASURED
