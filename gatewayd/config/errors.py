"""Errors of versions: each knows the code of `vdx.versions.Declined` that it becomes.

VersionError
└── DeclineError            a request about versions is not carried out
    ├── StorageError        the disk is full, read-only or gives other content than it got
    ├── ConflictError       another content runs than was expected, or waits to be confirmed
    └── FaultError          this program has a fault of its own; nothing was done
"""

from __future__ import annotations

from gatewayd.errors import VersionError
from vdx.versions import DeclineCode


class DeclineError(VersionError):
    """A request is declined, with one sentence or several; nothing was done."""

    def __init__(self, code: DeclineCode, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.code: DeclineCode = code
        self.reasons = reasons


class StorageError(DeclineError):
    """What has to be on disk could not be written, or what is there cannot be read."""

    def __init__(self, reason: str) -> None:
        super().__init__("storage", reason)


class FaultError(DeclineError):
    """Something went wrong here that is not the asker's doing; the log has its traceback."""

    def __init__(self, reason: str) -> None:
        super().__init__("refused", reason)


class ConflictError(DeclineError):
    """Another content runs than was expected: `running`."""

    def __init__(self, reason: str, running: str | None = None) -> None:
        super().__init__("conflict", reason)
        self.running = running
