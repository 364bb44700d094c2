"""The desks of an appliance: sockets at which root's programs do single things for others, by name.

A connection begins with a line that names entry and language. What `gatewayd-web` may ask for is answered with lines,
of which the last is `DONE`, or `WRONG` and why; a support bundle is its octets. An update is sent after the line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

DIRECTORY = Path("/run/vdx-desk")
"""``NAME.sock`` of each."""

DONE: Final = "done"
WRONG: Final = "wrong "

FINDINGS: Final = "findings"
BUNDLE: Final = "support-bundle"
VERSIONS: Final = "versions"
RECEIVE: Final = "receive"
BACK: Final = "back"
ANEW: Final = "start-anew"

WHERE: Final = {
    FINDINGS: "look",
    BUNDLE: "look",
    VERSIONS: "disk",
    RECEIVE: "disk",
    BACK: "disk",
    ANEW: "tell",
}
"""At which desk each is done."""

MAX_UPDATE: Final = 929 << 20
"""Octets of an update: a kernel image of 160 MiB, a root of 768, the manifest, and what tar puts between."""
