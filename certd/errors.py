"""What `certd` says when it cannot go on."""

from __future__ import annotations

from vdx.errors import VdxError


class CertdError(VdxError):
    """Root of this program's errors: one sentence for an operator."""


class AuthorityError(CertdError):
    """The authority is out of reach, or refuses."""


class StoreError(CertdError):
    """The store of certificates cannot be used."""
