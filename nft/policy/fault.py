"""What is wrong with a policy, or doubtful: a sentence with its place. Pure."""

from __future__ import annotations

from typing import Literal, NamedTuple

from nft.policy.prefix import Origin

Severity = Literal["error", "warning", "notice"]


class Fault(NamedTuple):
    """One finding. An error refuses the policy; a warning is most likely a mistake; a notice only tells."""

    origin: Origin
    severity: Severity
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.text}"
