"""Errors of this package.

VdxError
├── StartError          gatewayd cannot begin: no rights, no nftables, a socket taken; exit status 2
├── NetworkError        the kernel refused a link, address, route or rule; what was done before it is undone
├── VersionError        a new site version was refused; the old one stays
├── ProofError          the proof of a version in the kernel could not be made, or found a difference
└── RefusalError             a request on the pinhole socket is not carried out; the answer carries code and reason
"""

from __future__ import annotations

from vdx.errors import VdxError
from vdx.pinhole import RefusalCode


class StartError(VdxError):
    """`gatewayd` cannot begin its work."""


class NetworkError(VdxError):
    """The kernel refused a change of links, addresses, routes or rules."""


class VersionError(VdxError):
    """A site version cannot become active."""


class ProofError(VdxError):
    """A version could not be proved in the kernel, or the kernel does otherwise than its policy says."""


class RefusalError(VdxError):
    """A request of an owner is refused: `code` for programs, the text for people."""

    def __init__(self, code: RefusalCode, reason: str) -> None:
        super().__init__(reason)
        self.code: RefusalCode = code
