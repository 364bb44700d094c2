"""Errors of this package.

NftError                   (a vdx.errors.VdxError)
|-- ModelError            a value that no ruleset can be made from; the message names the value and its origin
|   `-- RelayError        ends that cannot be bridged
|-- WireError             bytes from the kernel that are not what the protocol says
|-- ApplyError            the kernel or libnftables refused a whole ruleset; nothing changed
|   `-- DeclarationError  a set that is in use has another shape: drain the calls and reset the table
`-- TransactionError      the kernel refused element operations; nothing of the batch was done
    `-- ContentionError   packets changed the same elements again and again; nothing was done
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from vdx.errors import VdxError


class NftError(VdxError):
    """Root of this package's errors; the text is a sentence for an operator."""


class ModelError(NftError):
    """A value from which no ruleset can be made."""


class RelayError(ModelError):
    """Ends of a stream that cannot be bridged."""


class WireError(NftError):
    """A netlink message that does not follow the protocol."""


class ApplyError(NftError):
    """A whole ruleset was refused; the running one is untouched."""


class DeclarationError(ApplyError):
    """A set in use is declared differently from what the new ruleset needs."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One message of a batch that the kernel refused.

    ``errno`` is positive; ``element`` is the index of the element in its message, -1 where the kernel does not tell.
    """

    set_name: str
    key: str
    errno: int
    reason: str
    element: int = -1

    def __str__(self) -> str:
        where = f"{self.set_name} {{ {self.key} }}" if self.key else self.set_name
        text = f"{where}: {os.strerror(self.errno)}"
        return f"{text} ({self.reason})" if self.reason else text


class TransactionError(NftError):
    """The kernel refused a batch of element operations; nothing of it was done."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        self.refusals = refusals
        super().__init__("the kernel refused a change of its sets: " + "; ".join(map(str, refusals)))

    def only(self, errno: int) -> bool:
        """Tell whether every refusal has this errno."""
        return all(refusal.errno == errno for refusal in self.refusals)


class ContentionError(TransactionError):
    """Elements changed under a batch each time it was tried."""
