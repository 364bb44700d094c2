"""Where the appliance keeps what outlives a version: the data partition."""

from __future__ import annotations

from pathlib import Path

from vdx import desks

HOME = Path("/var/lib/appliance")
SITE = HOME / "site"
"""The site file, `site.yaml`, and the files it names; /etc/vdx leads here."""

NETWORK = HOME / "network"
CREDENTIALS = HOME / "credentials"
RESTORED = HOME / "restored"
"""A backup that waits to be taken over by the next start."""

FORM_FILE = "form"
"""A number: the form of what this appliance was told, where it is not the first."""

TOLD = ("site", "network", "credentials", FORM_FILE)
"""Of `HOME`, what a backup keeps."""

DONE = ("versions", "active.yaml", "certificates")
"""Of `STATE`, what a backup keeps: not records, logs and registrations, which are not its own to bring back."""

RESET = HOME / "reset"
"""A file: the next start removes everything on the data partition."""

STATE = Path("/var/lib/vdx")
START = Path("/run/vdx-start")
"""What this start found out, for those that come after."""

DESKS = desks.DIRECTORY
"""Sockets of the desks, where entries of the console's menu are carried out."""

LANGUAGE = HOME / "language"
"""Of the console."""

KEYS = Path("/usr/share/vdx/update.pub")
"""Who may sign updates."""
