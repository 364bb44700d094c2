"""What can go wrong with a lab, each with the sentence a person reads.

LabError                exit status 2: nothing was done, or it was undone
├── UnableError         this machine or user cannot carry a lab (no root, no namespaces, no nftables)
├── LabNameError        a lab name that cannot be part of a namespace's name
├── UnknownLabError     no lab of that name is up
├── UnknownHostError    the topology has no host of that name
├── LabBusyError        a living process holds the lab
├── LabUpError          the lab is up and well
├── ProgramError        a program of the edge did not start or did not become ready
└── CallError           a user agent did not start, or the call was not established
"""

from typing import ClassVar


class LabError(Exception):
    """Root of the lab's errors; its text is one sentence for a person."""

    exit_status: ClassVar[int] = 2


class UnableError(LabError):
    """This machine or user cannot carry a lab."""


class LabNameError(LabError):
    """A lab name that cannot be part of a namespace's name."""


class UnknownLabError(LabError):
    """No lab of that name is up."""


class UnknownHostError(LabError):
    """The topology has no host of that name."""


class LabBusyError(LabError):
    """A living process holds the lab."""


class LabUpError(LabError):
    """The lab is up and well."""


class ProgramError(LabError):
    """A program of the edge did not start or did not become ready."""


class CallError(LabError):
    """A user agent did not start, or the call was not established."""

    exit_status = 1  # the lab itself is well


class NoCoreError(LabError):
    """The lab has no bus and no mixing server."""
