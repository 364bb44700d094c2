"""What can go wrong when a server is looked up.

LocateError                 the SIP status for the caller, and the sentence for an operator
├── NotFoundError           DNS says that there is no such name, or no server of a kind we speak (404)
└── UnavailableError        DNS did not answer, or not in time (504, RFC 3261 21.5.5)
"""

from __future__ import annotations

from vdx.errors import VdxError


class LocateError(VdxError):
    """A name that leads to no server."""

    status = 404


class NotFoundError(LocateError):
    """There is no such name, or none of its servers is of use."""


class UnavailableError(LocateError):
    """Nobody who knows the name answered."""

    status = 504
