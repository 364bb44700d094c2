"""Errors of this package.

ApplianceError          the machine cannot do what it was asked
├── ReleaseError        an update is not whole, not ours, or not for this machine; nothing has changed
├── DiskError           a disk or a partition cannot be used as it is
├── SetupError          the setup of a first boot is at fault, with line and reason
├── BackupError         a backup cannot be made, or cannot be read
└── CallError           this version does not carry a call to itself
"""

from __future__ import annotations

from vdx.errors import VdxError


class ApplianceError(VdxError):
    """The machine cannot do what it was asked."""


class ReleaseError(ApplianceError):
    """An update cannot be used."""


class DiskError(ApplianceError):
    """A disk or partition cannot be used."""


class SetupError(ApplianceError):
    """The setup of a first boot cannot be used."""


class BackupError(ApplianceError):
    """A backup cannot be made or read."""


class CallError(ApplianceError):
    """This version does not carry a call to itself."""
