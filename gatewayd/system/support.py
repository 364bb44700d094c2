"""The support bundle: what helps somebody else to see what is wrong, without secrets.

Nothing of `credentials`, keys or certificates goes in. From texts, what stands behind words such as `password` or
`token`, long hexadecimal and base64 words and PINs are taken out.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import time

from gatewayd.system import paths
from gatewayd.system.doctor import examine

COMMANDS: dict[str, tuple[str, ...]] = {
    "status.txt": ("gatewayctl", "status"),
    "history.txt": ("gatewayctl", "history"),
    "calls.txt": ("gatewayctl", "calls"),
    "pinholes.txt": ("gatewayctl", "pinholes"),
    "metrics.txt": ("gatewayctl", "metrics"),
    "units.txt": (
        "systemctl",
        "list-units",
        "--all",
        "--no-pager",
        "--plain",
        "vdx*",
        "gatewayd*",
        "b2bua*",
        "mediad*",
        "certd*",
    ),
    "failed.txt": ("systemctl", "--failed", "--no-pager", "--plain"),
    "journal.txt": ("journalctl", "--no-pager", "--boot", "--lines=20000", "--output=short-iso"),
    "starts.txt": ("journalctl", "--list-boots", "--no-pager"),
    "kernel.txt": ("journalctl", "--dmesg", "--no-pager", "--output=short-iso"),
    "ruleset.txt": ("nft", "--stateless", "list", "ruleset"),
    "links.txt": ("ip", "-details", "-statistics", "link"),
    "addresses.txt": ("ip", "address"),
    "routes.txt": ("ip", "route", "show", "table", "all"),
    "disk.txt": ("df", "-h"),
    "clock.txt": ("chronyc", "-n", "tracking"),
}
MAX_TEXT = 32 << 20
"""Octets of one text: the journal's twenty thousand lines are some 4 MB."""

SECONDS = 30

_SECRETS = (
    (
        re.compile(
            r"(?i)\b(password|passphrase|secret|token|bearer|pin|key|nonce|response|cnonce)(\s*[=:]\s*|\s+)(\"[^\"]*\"|\S+)"
        ),
        r"\1\2[removed]",
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL), "[removed]"),
    (re.compile(r"\b(inline:)\S+"), r"\1[removed]"),
    (re.compile(r"\b\d{6}-?\d{4}\b"), "[removed]"),
    (re.compile(r"\b(?:[0-9a-f]{40,}|[A-Za-z0-9+/_-]{48,}={0,2})\b"), "[removed]"),
)


def clean(text: str) -> str:
    """Take secrets and personal numbers out of a text."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def bundle() -> bytes:
    """Make the bundle, a tar.gz of texts; what a program did not tell stands in its file as a sentence."""
    texts = {name: _told(command) for name, command in COMMANDS.items()}
    texts["doctor.txt"] = "\n".join(str(each) for each in examine())
    active = paths.STATE / "active.yaml"
    texts["active.yaml"] = active.read_text() if active.exists() else "none is active\n"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in sorted(texts.items()):
            content = clean(text[-MAX_TEXT:]).encode()
            member = tarfile.TarInfo(f"support/{name}")
            member.size, member.mtime = len(content), int(time.time())
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _told(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=SECONDS)  # noqa: S603 - fixed
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}\n"
    return done.stdout + done.stderr
