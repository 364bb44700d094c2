"""Errors of the client.

VdxError
└── ClientError
    ├── RefusedError        the hub answered, and not with what was asked for
    └── UnreachableError    the hub could not be reached, or its database; the call may be sent again
"""

from __future__ import annotations

from vdx.errors import VdxError


class ClientError(VdxError):
    """A call did not succeed."""


class RefusedError(ClientError):
    """The hub refused: HTTP `status`, `code` of the video API's catalogue (10 to 36; empty where there is none)."""

    def __init__(self, sentence: str, status: int, code: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


class UnreachableError(ClientError):
    """The hub could not be reached; nobody knows whether it did what was asked, unless the call changes nothing."""
