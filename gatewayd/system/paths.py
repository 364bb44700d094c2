"""Where the appliance keeps what outlives a version: the data partition."""

from __future__ import annotations

from pathlib import Path

HOME = Path("/var/lib/appliance")
SITE = HOME / "site"
"""The site file, `site.yaml`, and the files it names; /etc/vdx leads here."""

NETWORK = HOME / "network"
CREDENTIALS = HOME / "credentials"
RESTORED = HOME / "restored"
"""A backup that waits to be taken over by the next start."""

RESET = HOME / "reset"
"""A file: the next start removes everything on the data partition."""

STATE = Path("/var/lib/vdx")
START = Path("/run/vdx-start")
"""What this start found out, for those that come after."""

KEYS = Path("/usr/share/vdx/update.pub")
"""Who may sign updates."""
